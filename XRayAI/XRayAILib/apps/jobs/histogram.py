"""The job ``histogram``."""

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
    """Find the mean histogram of a project's images, or of one device's."""
    from XRayAILib.pixels.enhance import Enhancement
    from XRayAILib.project.enhancements import reference_histogram
    from XRayAILib.project.project import Project

    begun = time.monotonic()

    def progress(done: int, total: int, message: str) -> None:
        if cancelled():
            raise Cancelled
        left = (time.monotonic() - begun) / done * (total - done) if done else None
        emit(progress_event("histogram", done, total, message, left))

    before = Enhancement.from_document(options["before"])
    with Project.open(project_folder) as project:
        step = reference_histogram(project, options["manufacturer"], before, progress)
    return {"step": step.document()}
