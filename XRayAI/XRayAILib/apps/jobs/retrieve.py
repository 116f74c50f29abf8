"""The job ``retrieve``: studies from a server into a project."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled


class IncompleteError(RuntimeError):
    """A retrieval that ended early, and what has come nevertheless."""


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Fetch studies; what has come is in the project, whatever becomes of the rest."""
    from XRayAILib.dicom.archive import open_server
    from XRayAILib.dicom.retrieval import Transfer
    from XRayAILib.dicom.servers import Servers
    from XRayAILib.project.fetch import fetch
    from XRayAILib.project.project import Project

    shown = 0.0

    def progress(state: Transfer, which: str) -> None:
        nonlocal shown
        if time.monotonic() - shown > 0.2 or state.done == state.total:
            shown = time.monotonic()
            message = f"{which}: {state.text}" if which else state.text
            emit(progress_event("retrieve", state.done, state.total, message, state.seconds_left))

    with Project.open(project_folder) as project, open_server(Servers()[options["server"]]) as archive:
        fetched = fetch(project, archive, options["studies"], options.get("series", ()), progress, cancelled)
    if fetched.error:
        raise IncompleteError(f"{fetched.error} ({fetched.text}.)")
    if fetched.cancelled:
        raise Cancelled
    return {
        "text": fetched.text,
        "received": fetched.received,
        "present": fetched.present,
        "failed": fetched.failed,
        "refused": fetched.refused,
        "added": fetched.intake.added,
        "unreadable": fetched.intake.unreadable,
    }
