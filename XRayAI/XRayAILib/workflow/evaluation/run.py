"""Evaluation as a job: a model measured on a part of a project, as a report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.prediction import NoModelError
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

SHOWN = 3
"""Warnings that the outcome names; the report has all."""


def page_path(project: Project, model: Path, part: str = "test") -> Path:
    """Where the report on a model goes unless somebody says otherwise."""
    return project.exports_folder / "evaluation" / f"{model.name}-{part}.html"


class EvaluationRun:
    """Evaluations in one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("evaluate", interpreter)

    def start(self, project: Project, model: Path, part: str = "test", device: str = "auto") -> None:
        """Begin; ``part`` is ``test``, ``validation``, ``outside`` or ``all``."""
        if not (model / "manifest.json").exists():
            raise NoModelError(f"{model} holds no model: train one first, or choose another.")
        self.work.begin(project.folder, {"model": str(model), "part": part, "device": device})

    @property
    def page(self) -> Path | None:
        """The report of the last evaluation."""
        result = self.work.result
        return Path(str(result["page"])) if result and result.get("page") else None

    def outcome(self) -> str:
        """What the last evaluation came to, in a few lines."""
        result = self.work.result or {}
        score = result.get("score")
        told = "" if score is None else f", {result.get('score_title', '')} {float(score):.3f}"
        lines = [f"Measured on {counted(int(result.get('images', 0)), 'image', 'images')}{told}: {result.get('page')}"]
        warnings = [str(warning) for warning in result.get("warnings", ())]
        lines += warnings[:SHOWN]
        if len(warnings) > SHOWN:
            lines.append(f"... and {len(warnings) - SHOWN} more in the report.")
        return "\n".join(lines)
