"""The job ``predict``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event
from XRayAILib.learning.cache import Cancelled


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Let a model read images of a project."""
    from XRayAILib.learning.model import Model
    from XRayAILib.project.project import Project
    from XRayAILib.reading.predictor import Predictor

    emit(progress_event("prepare", 0, 0, "Loading the model", None))
    predictor = Predictor(Model.load(Path(options["model"])), options.get("device", "auto"))
    emit({"event": "device", "device": predictor.device.description})
    with Project.open(project_folder) as project:
        uids = options.get("uids")
        if uids is None:
            uids = [image.uid for image in project.images() if not image.excluded]
        report = predictor.predict_many(project, uids, emit, cancelled)
        project.audit("predict", f"{len(report.done)} images with {options['model']}")
    if report.cancelled:
        raise Cancelled
    return {"predicted": len(report.done), "failed": [list(failure) for failure in report.failed]}
