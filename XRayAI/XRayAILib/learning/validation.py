"""Loss and scores of the validation part, from MONAI's evaluator."""

from __future__ import annotations

from typing import Any

from XRayAILib.learning.task import Task


class Validation:
    """Handlers for an evaluator; :meth:`scores` afterwards."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.loss, self.images = 0.0, 0

    def start(self, evaluator: Any) -> None:
        self.loss, self.images = 0.0, 0

    def add(self, evaluator: Any) -> None:
        output = evaluator.state.output
        count = len(output["image"])
        self.loss += float(self.task.loss(output["pred"], output["label"])) * count
        self.images += count

    def scores(self, evaluator: Any) -> dict[str, float]:
        """Curves of this validation; a label that occurs in none of its images has no score."""
        name = self.task.score_name
        details = evaluator.state.metric_details[name]
        found = {"loss/validation": self.loss / max(1, self.images)}
        found[f"{name}/validation"] = float(evaluator.state.metrics[name])
        for label, column in zip(self.task.labels, details.T, strict=True):
            known = column[~column.isnan()]
            if len(known):
                found[f"{name}/validation/{label}"] = float(known.mean())
        return found
