"""The job ``export``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_of


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Export a project's labelled images."""
    from XRayAILib.exchange.coco_export import export_coco
    from XRayAILib.findings.author import Status
    from XRayAILib.findings.findings import Findings
    from XRayAILib.project.project import Project

    progress = progress_of("export", emit, cancelled)
    with Project.open(project_folder) as project:

        def approved(uid: str) -> Findings | None:
            findings = project.reference(uid)
            if findings is None:
                return None
            kept = findings.without(o.id for o in findings if o.status is not Status.APPROVED)
            return kept if kept.objects else None

        chosen = approved if options.get("only_approved") else project.reference
        export = export_coco(project, options.get("name", "coco"), findings=chosen, progress=progress)
    return {
        "folder": str(export.folder),
        "images": export.images,
        "objects": export.objects,
        "without_labels": export.without_labels,
        "warnings": list(export.warnings),
    }
