"""The job ``next_cases``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Choose the images to label next and store them in the project.

    Options: ``model`` (its folder), ``count``, ``strategy``, ``everything`` (labelled images too), ``device``,
    ``seed``.
    """
    from XRayAILib.learning.model import Model
    from XRayAILib.learning.selection.run import choose_next
    from XRayAILib.project.project import Project

    emit(progress_event("prepare", 0, 0, "Loading the model", None))
    model = Model.load(Path(options["model"]))
    strategy, everything = str(options.get("strategy", "both")), bool(options.get("everything", False))
    device, seed = str(options.get("device", "auto")), int(options.get("seed", 0))
    with Project.open(project_folder) as project:
        found = choose_next(project, model, int(options["count"]), strategy, everything, emit, cancelled, device, seed)
        paths = {image.uid: image.header.path for image in project.images_of(found.wanted.uids)}
    images = [{**vars(image), "path": paths[image.uid]} for image in found.wanted.images]
    return {
        "model": found.wanted.model,
        "strategy": found.wanted.strategy,
        "images": images,
        "pool": found.pool,
        "looked_at": found.looked_at,
        "unreadable": [list(entry) for entry in found.unreadable],
    }
