"""The job ``evaluate``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Measure a model on a part of a project and write the report.

    Options: ``model`` (its folder), ``part`` (``test``, ``validation``, ``outside`` or ``all``), ``report`` (file; in
    the project's exports without it), ``device``, ``seed``.
    """
    from XRayAILib.learning.model import Model
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.evaluation.evaluation import evaluate_model
    from XRayAILib.workflow.evaluation.report import report_path, write_evaluation

    emit(progress_event("prepare", 0, 0, "Loading the model", None))
    model = Model.load(Path(options["model"]))
    part, device = str(options.get("part", "test")), str(options.get("device", "auto"))
    with Project.open(project_folder) as project:
        found = evaluate_model(project, model, part, emit, cancelled, device, int(options.get("seed", 0)))
        emit(progress_event("report", 0, 0, "Writing the report", None))
        path = Path(options["report"]) if options.get("report") else report_path(project, found)
        page = write_evaluation(project, found, path)
    task = model.task
    score = found.found["overall"].get(task.score.name, {"value": None})
    return {
        "page": str(page),
        "model": str(model.folder),
        "task": task.name,
        "part": part,
        "score": score["value"],
        "score_title": task.score.title,
        "metrics": {"labels": found.found["labels"], "overall": found.found["overall"]},
        "gaps": [
            {"group": group["name"], "patients": group["patients"], **gap}
            for group in found.found["subgroups"]["groups"]
            for gap in group["gaps"]
            if gap["significant"]
        ],
        "comparisons": found.found["subgroups"]["comparisons"],
        "images": len(found.found["images"]),
        "patients": found.patients,
        "unreadable": [list(entry) for entry in found.found["unreadable"]],
        "warnings": list(found.warnings),
    }
