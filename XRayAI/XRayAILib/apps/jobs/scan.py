"""The job ``scan``."""

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
    """Take folders into a project."""
    from XRayAILib.project.intake import Progress, take_in
    from XRayAILib.project.project import Project

    shown = 0.0

    def progress(state: Progress) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or (state.total and state.done == state.total):
            shown = time.monotonic()
            emit(progress_event("scan", state.done if state.total else 0, state.total, state.text, state.seconds_left))

    with Project.open(project_folder) as project:
        intake = take_in(project, [Path(f) for f in options["folders"]], progress=progress, cancelled=cancelled)
    if intake.cancelled:
        raise Cancelled
    return vars(intake)
