"""The job ``enhance``."""

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
    """Write enhanced images of a project."""
    from XRayAILib.exchange.enhanced import export_enhanced
    from XRayAILib.pixels.enhance import Enhancement
    from XRayAILib.project.project import Project

    begun = time.monotonic()

    def progress(done: int, total: int, message: str) -> None:
        # Between two images is the place to stop: each is whole by itself.
        if cancelled():
            raise Cancelled
        left = (time.monotonic() - begun) / done * (total - done) if done else None
        emit(progress_event("enhance", done, total, message, left))

    enhancement = Enhancement.from_document(options["enhancement"])
    place = Path(options["folder"]) if options.get("folder") else None
    with Project.open(project_folder) as project:
        uids = options.get("uids")
        if uids is None:
            uids = [image.uid for image in project.images() if not image.excluded]
        written = export_enhanced(project, enhancement, uids, place, options.get("who", ""), progress)
    return {
        "folder": str(written.folder),
        "written": len(written.files),
        "failed": [list(failure) for failure in written.failed],
    }
