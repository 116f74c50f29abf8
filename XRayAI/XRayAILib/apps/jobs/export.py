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
    from XRayAILib.exchange.choice import Choice
    from XRayAILib.exchange.export import export_project
    from XRayAILib.project.project import Project

    progress = progress_of("export", emit, cancelled)
    with Project.open(project_folder) as project:
        choice = Choice.from_document(options.get("choice", {}))
        export = export_project(project, options["format"], choice, name=options.get("name", ""), progress=progress)
    return {
        "folder": str(export.folder),
        "images": export.images,
        "objects": export.objects,
        "without_labels": export.without_labels,
        "warnings": list(export.warnings),
    }
