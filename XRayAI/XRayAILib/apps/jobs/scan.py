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
    from XRayAILib.exchange.table.picture_labels import take_in_with_tables
    from XRayAILib.project.intake import Progress
    from XRayAILib.project.project import Project

    shown = 0.0

    def progress(state: Progress) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or (state.total and state.done == state.total):
            shown = time.monotonic()
            emit(progress_event("scan", state.done if state.total else 0, state.total, state.text, state.seconds_left))

    table = Path(options["csv"]) if options.get("csv") else None
    extend = bool(options.get("extend"))
    with Project.open(project_folder) as project:
        folders = [Path(f) for f in options["folders"]]
        intake, tables = take_in_with_tables(project, folders, table, extend, progress, cancelled)
    if intake.cancelled:
        raise Cancelled
    result = {name: value for name, value in vars(intake).items() if name != "tables"}
    result["unreadable"] = intake.refused
    return {**result, "masks": intake.masks, "labels": [report.line for report in tables]}
