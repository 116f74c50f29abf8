"""The job ``query``: ask a server whether it is there, or for studies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Ask a server of the person's list, by its name alone: password and token are looked up here."""
    from XRayAILib.dicom.archive import Query, open_server
    from XRayAILib.dicom.servers import Servers

    emit(progress_event("ask", 0, 0, f"Asking {options['server']}", None))
    with open_server(Servers()[options["server"]]) as archive:
        if "query" not in options:
            return {"answer": archive.echo()}
        found = archive.find(Query(**options["query"]), cancelled)
    if cancelled():
        raise Cancelled
    return {"studies": [asdict(study) for study in found.studies], "cut": found.cut}
