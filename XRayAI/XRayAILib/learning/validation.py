"""Loss and scores of the validation part, from MONAI's evaluator."""

from __future__ import annotations

from typing import Any

from XRayAILib.learning.metric import Meter
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.task import Task


class Validation:
    """Handlers for an evaluator; :meth:`entry` afterwards, which is the same at every process."""

    def __init__(self, task: Task, processes: Processes | None = None) -> None:
        self.task = task
        self._processes = processes or Processes()
        self._loss, self._images = 0.0, 0
        self._meter: Meter = task.meter()
        self._entry: dict[str, float] | None = None

    def start(self, evaluator: Any) -> None:
        self._loss, self._images = 0.0, 0
        self._meter = self.task.meter()
        self._entry = None

    def add(self, evaluator: Any) -> None:
        target = evaluator.state.output["label"]
        output = self._processes.gathered(evaluator.state.output["pred"])
        if not self._processes.leads:
            return
        count = len(target)
        if self._processes.size > 1:
            # Behind them are those that filled the batch up.
            output = {n: v[:count] for n, v in output.items()} if isinstance(output, dict) else output[:count]
        self._loss += float(self.task.loss(output, target)) * count
        self._images += count
        self._meter.add(output, target)

    def entry(self) -> dict[str, float]:
        """The points of the curves: loss, mean score and the score of each class that occurs in these images."""
        if self._entry is None:
            self._entry = self._processes.shared(self._measured() if self._processes.leads else {})
        return dict(self._entry)

    def _measured(self) -> dict[str, float]:
        name, scores = self.task.score.name, self._meter.scores()
        found = {"loss/validation": self._loss / max(1, self._images)}
        if scores:
            found[f"{name}/validation"] = sum(scores.values()) / len(scores)
        return {**found, **{f"{name}/validation/{label}": value for label, value in scores.items()}}
