"""The job ``check``."""

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
    """Examine what is new or changed in a project, and mark and exclude."""
    from XRayAILib.project.project import Project

    shown = 0.0

    def progress(done: int, total: int, text: str, left: float | None) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or done == total:
            shown = time.monotonic()
            emit(progress_event("check", done, total, text, left))

    emit(progress_event("check", 0, 0, "looking for what changed", None))
    with Project.open(project_folder) as project:
        done = project.hygiene.check(project.schema, progress, cancelled)
        if done.cancelled:
            raise Cancelled
        excluded = sum(count for reason, count in project.marks.exclusions().items() if reason.startswith("rule "))
    return {"examined": done.examined, "unchanged": done.unchanged, "failed": done.failed, "excluded": excluded}
