"""The job ``enhance``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_of


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Write enhanced images of a project."""
    from XRayAILib.exchange.enhanced import export_enhanced
    from XRayAILib.pixels.enhance import Enhancement
    from XRayAILib.project.project import Project

    progress = progress_of("enhance", emit, cancelled)
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
