"""Loss and scores of the validation part, from MONAI's evaluator."""

from __future__ import annotations

from typing import Any

from XRayAILib.learning.metric import Meter
from XRayAILib.learning.task import Task


class Validation:
    """Handlers for an evaluator; :meth:`entry` afterwards."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.loss, self.images = 0.0, 0
        self._meter: Meter = task.meter()

    def start(self, evaluator: Any) -> None:
        self.loss, self.images = 0.0, 0
        self._meter = self.task.meter()

    def add(self, evaluator: Any) -> None:
        output = evaluator.state.output
        count = len(output["image"])
        self.loss += float(self.task.loss(output["pred"], output["label"])) * count
        self.images += count
        self._meter.add(output["pred"], output["label"])

    def entry(self) -> dict[str, float]:
        """The points of the curves: loss, mean score and the score of each class that occurs in these images."""
        name, scores = self.task.score.name, self._meter.scores()
        found = {"loss/validation": self.loss / max(1, self.images)}
        if scores:
            found[f"{name}/validation"] = sum(scores.values()) / len(scores)
        return {**found, **{f"{name}/validation/{label}": value for label, value in scores.items()}}
