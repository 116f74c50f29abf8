"""The job ``histogram``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_of


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Find the mean histogram of a project's images, or of one device's."""
    from XRayAILib.pixels.enhance import Enhancement
    from XRayAILib.project.enhancements import reference_histogram
    from XRayAILib.project.project import Project

    progress = progress_of("histogram", emit, cancelled)
    before = Enhancement.from_document(options["before"])
    with Project.open(project_folder) as project:
        step = reference_histogram(project, options["manufacturer"], before, progress)
    return {"step": step.document()}
