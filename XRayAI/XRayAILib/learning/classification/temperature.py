"""Temperature scaling: one number by which logits are divided, so that probabilities mean what they say.

Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017, section 4.2: the temperature is
the one with the least log loss on the validation part. It leaves the order of the values, and so what is most probable,
as it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from XRayAILib.learning.classification.probability import log_loss
from XRayAILib.learning.classification.question import Question

LOWEST, HIGHEST = 0.1, 20.0
LEAST = 10
"""Fewer answers than this say nothing of a temperature."""
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Temperature:
    """What was found.

    Attributes
    ----------
    before, after
        Mean log loss of the validation part's answers.
    answers
        How many there were.
    """

    value: float
    before: float
    after: float
    answers: int


def fit_temperature(question: Question, logits: np.ndarray, targets: np.ndarray) -> Temperature | None:
    """The temperature of a question; ``None`` where it is answered too seldom, or always in the same way.

    Parameters
    ----------
    logits, targets
        (N, values) of the validation part; -1 is not known.
    """

    def cost(logarithm: float) -> float:
        return float(log_loss(question, logits / math.exp(logarithm), targets).mean())

    known = targets[(targets >= 0).all(axis=1)] if question.exclusive else targets
    answers = len(known) if question.exclusive else int((known >= 0).sum())
    if answers < LEAST or all(len(np.unique(column[column >= 0])) < 2 for column in known.T):
        return None
    # The log loss is convex in 1 / T, so it has one valley whatever the scale.
    best = _valley(cost, math.log(LOWEST), math.log(HIGHEST))
    before, after = cost(0.0), cost(best)
    if after >= before:
        best, after = 0.0, before
    return Temperature(math.exp(best), before, after, answers)


def _valley(cost: Callable[[float], float], low: float, high: float, steps: int = 40) -> float:
    """Where a function with one minimum has it (golden section search)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(steps):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = cost(right)
    return (low + high) / 2
