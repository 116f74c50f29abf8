"""The job ``duplicates``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Read the pixels of a project's images, and find those with the same."""
    from XRayAILib.project.project import Project

    shown = 0.0

    def progress(done: int, total: int, message: str, seconds_left: float | None) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or done == total:
            shown = time.monotonic()
            emit(progress_event("duplicates", done, total, message, seconds_left))

    with Project.open(project_folder) as project:
        read = project.duplicates.read_pixels(progress, cancelled)
        if read.cancelled:
            raise Cancelled
        groups = [[image.uid for image in group] for group in project.duplicates.groups()]
    return {"read": read.read, "failed": read.failed, "groups": groups}
