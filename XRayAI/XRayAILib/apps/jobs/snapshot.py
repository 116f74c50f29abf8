"""The job ``snapshot``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_of


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Make a snapshot of a project's labelled images; options: ``name``, ``who``."""
    from XRayAILib.project.project import Project

    with Project.open(project_folder) as project:
        before = {snapshot.digest for snapshot in project.snapshots.all()}
        progress = progress_of("snapshot", emit, cancelled)
        made = project.snapshots.create(options.get("name", ""), options.get("who", ""), progress)
    return {"short": made.short, "name": made.name, "images": len(made.images), "was_there": made.digest in before}
