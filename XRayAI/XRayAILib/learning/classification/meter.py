"""RankingMeter: how well a validation's probabilities tell images of a class from the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayAILib.learning.classification.probability import log_loss, probabilities
from XRayAILib.learning.classification.question import Question
from XRayAILib.learning.classification.ranking import auroc


class RankingMeter:
    """AUROC of each class of which the validation part has images with and without it.

    Where it has such images of no class at all, there is no AUROC. Then the score of a class is ``exp(-log loss)`` of
    its question: the geometric mean of the probabilities of what is true, which is higher for better weights too.

    Parameters
    ----------
    correction
        (columns,) to be taken off the logits, see :mod:`.imbalance`.
    """

    def __init__(self, questions: Sequence[Question], correction: np.ndarray) -> None:
        self._questions = questions
        self._correction = correction
        self._logits: list[np.ndarray] = []
        self._targets: list[np.ndarray] = []

    def add(self, output: Any, target: Any) -> None:
        self._logits.append(output.detach().float().cpu().numpy() - self._correction)
        self._targets.append(target.detach().cpu().numpy())

    def scores(self) -> dict[str, float]:
        if not self._logits:
            return {}
        logits, targets = np.concatenate(self._logits), np.concatenate(self._targets)
        probable = probabilities(self._questions, logits)
        found: dict[str, float] = {}
        for question in self._questions:
            for i in question.scored:
                column = question.start + i
                known = targets[:, column] >= 0
                value = float(auroc(targets[known, column], probable[known, column])[0])
                if np.isfinite(value):
                    found[question.names[i]] = value
        return found or self._probabilities_of_truth(logits, targets)

    def _probabilities_of_truth(self, logits: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        found: dict[str, float] = {}
        for question in self._questions:
            lost = log_loss(question, logits[:, question.columns], targets[:, question.columns])
            if len(lost):
                found.update({question.names[i]: float(np.exp(-lost.mean())) for i in question.scored})
        return found
