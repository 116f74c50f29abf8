"""The job ``deidentify``."""

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
    """De-identify folders, or the images of a project."""
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.deidentification.deidentification import Settings
    from XRayAILib.workflow.deidentification.run import Progress, deidentify

    shown = 0.0

    def progress(state: Progress) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or state.done == state.total:
            shown = time.monotonic()
            emit(progress_event("deidentify", state.done, state.total, state.text, state.seconds_left))

    sources = [Path(source) for source in options["sources"]]
    outcome = deidentify(
        sources, Path(options["output"]), Settings.from_document(options["settings"]), progress, cancelled
    )
    if outcome.cancelled:
        raise Cancelled
    with Project.open(project_folder) as project:
        project.audit("deidentify", f"{outcome.written + outcome.before} files in {outcome.output}")
    return {
        "output": str(outcome.output),
        "written": outcome.written,
        "before": outcome.before,
        "copies": outcome.copies,
        "held": [[str(held.path), held.reason, held.unconfirmed] for held in outcome.held],
        "left_out": [list(row) for row in outcome.left_out],
        "list": str(outcome.list),
    }
