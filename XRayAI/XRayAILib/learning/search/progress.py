"""What a trial of a search says while it runs, as progress of the search; and what Optuna hears of it."""

from __future__ import annotations

from typing import Any

from XRayAILib.learning.cache import Emit
from XRayAILib.learning.metric import Metric

PARTS = 1000
"""Of a trial, in the progress of the search."""


class TrialEvents:
    """Takes the events of one training.

    Attributes
    ----------
    pruned
        Optuna gives it up.
    best
        The best score so far.
    """

    def __init__(self, emit: Emit, trial: Any, score: Metric, before: int, trials: int, best: Any) -> None:
        self._emit, self._trial, self._score, self._before, self._trials = emit, trial, score, before, trials
        self._so_far = "" if best is None else f"; the best so far {score.title} {score.text(best.value)}"
        self._epochs = 0
        self._early: list[tuple[int, float]] = []
        self._reported: set[int] = set()
        self.pruned = False
        self.best: float | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "plan":
            self._epochs = int(event["epochs"])
            # Where a training goes on, what it had reached is told before its plan.
            for epoch, value in self._early:
                self._scored(epoch, value)
        elif kind == "progress":
            self._progress(event)
        elif kind == "metric" and event["name"] == f"{self._score.name}/validation":
            point = int(event["step"]), float(event["value"])
            if self._epochs:
                self._scored(*point)
            else:
                self._early.append(point)
        elif kind in ("note", "device"):
            self._emit(event)

    def _progress(self, event: dict[str, Any]) -> None:
        training = event.get("step") == "train"
        done = PARTS * event["done"] // max(1, event["total"]) if training else 0
        message = f"Trial {self._before + 1} of {self._trials}{self._so_far}: {event['message']}"
        whole = {"done": PARTS * self._before + done, "total": PARTS * max(self._trials, self._before + 1)}
        self._emit({"event": "progress", "step": "search", **whole, "message": message})

    def _scored(self, epoch: int, value: float) -> None:
        if self._score.improves(value, self.best):
            self.best = value
        # Trials may be of other lengths: they are compared at the same part of their course.
        percent = round(100 * epoch / self._epochs)
        if percent in self._reported or self.best is None:
            return
        self._reported.add(percent)
        self._trial.report(self.best, percent)
        # One that has come to its end has a score, whatever the others had.
        self.pruned = self.pruned or (epoch < self._epochs and self._trial.should_prune())
