"""Decision: from logits to what is said of an image, and how that compares with what is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.learning.classification.probability import probabilities
from XRayAILib.learning.classification.probable_findings import Probability, ProbableFindings
from XRayAILib.learning.classification.question import Question, targets_of
from XRayAILib.learning.classification.threshold import HALF
from XRayAILib.learning.errors import TrainingError

DIGITS = 4
THRESHOLD = "threshold"
"""Attribute of an image label: the probability from which on it is said."""


def probability_attribute(value: str) -> str:
    """The attribute of an image label that has the probability of another, or the same, answer."""
    return f"probability of {value}"


class Decision:
    """How questions are answered by a model.

    Parameters
    ----------
    fitted
        ``temperatures`` and ``thresholds`` as they were found on the validation part; 1 and 0.5 without them.
    """

    def __init__(self, questions: Sequence[Question], fitted: Mapping[str, Any]) -> None:
        self._questions = questions
        self._temperatures = {name: float(entry["value"]) for name, entry in fitted.get("temperatures", {}).items()}
        self._thresholds: Mapping[str, float] = fitted.get("thresholds", {})

    def findings(self, logits: np.ndarray, uid: str, shape: tuple[int, int], author: Author) -> ProbableFindings:
        """What is said of one image, from logits (1, columns).

        An exclusive question is answered with its most probable value, which is nothing where that is "none"; which of
        two contrary values holds, and whether one does that may hold or not, is decided by the threshold that was
        chosen on the validation part. The score is the probability of what is said. Attributes say the threshold, or
        the probabilities of all values.
        """
        before = probabilities(self._questions, logits)[0]
        after = probabilities(self._questions, logits, self._temperatures)[0]
        objects: list[ImageLabel] = []
        known: list[Probability] = []
        for question in self._questions:
            value = np.round(after[question.columns], DIGITS)
            over = self._over(question, after[question.columns])
            for i in self._said(question, after[question.columns], over):
                objects.append(
                    ImageLabel(
                        label=question.name,
                        value=question.values[i],
                        author=author,
                        score=float(np.clip(value[i], 0, 1)),
                        attributes=tuple(self._attributes(question, value, i)),
                    )
                )
            for i in question.scored:
                column = question.start + i
                known.append(Probability(question.names[i], float(after[column]), float(before[column]), bool(over[i])))
        return ProbableFindings(uid, shape, author, tuple(objects), tuple(known))

    def _over(self, question: Question, values: np.ndarray) -> np.ndarray:
        edges = np.array([self._thresholds.get(name, HALF) for name in question.names])
        over: np.ndarray = values >= edges
        if question.is_pair:
            # Only one of them has a threshold; its contrary holds exactly where it does not.
            over[1 - question.positive] = not over[question.positive]
        return over

    def _said(self, question: Question, values: np.ndarray, over: np.ndarray) -> list[int]:
        if not question.exclusive or question.is_pair or len(values) == 1:
            return [int(i) for i in np.flatnonzero(over)]
        best = int(values.argmax())
        return [] if question.open and 1 - values.sum() > values[best] else [best]

    def _attributes(self, question: Question, values: np.ndarray, said: int) -> Iterator[tuple[str, str]]:
        if question.exclusive and len(values) > 1:
            for name, value in zip(question.values, values, strict=True):
                yield probability_attribute(name), f"{value:g}"
        if not question.exclusive or question.is_pair or len(values) == 1:
            edge = self._thresholds.get(question.names[said])
            if question.is_pair and edge is None and question.names[question.positive] in self._thresholds:
                edge = 1 - self._thresholds[question.names[question.positive]]
            yield THRESHOLD, f"{HALF if edge is None else edge:g}"


def case_of(questions: Sequence[Question], prediction: Findings, reference: Findings) -> dict[str, dict[str, float]]:
    """The facts of an image for :mod:`.figures`; a class of which the reference says nothing has none.

    Raises
    ------
    TrainingError
        The prediction has no probabilities: it was read back from a project, which keeps only what was said.
    """
    if not isinstance(prediction, ProbableFindings):
        raise TrainingError(
            f"What {prediction.author.name} says of {prediction.radiograph_uid} comes without the probabilities of "
            "what it does not say, so it cannot be measured. Let the model read the image again."
        )
    truth = targets_of(reference, questions)
    said = {(item.label, item.value) for item in prediction.of(ImageLabel)}
    found: dict[str, dict[str, float]] = {}
    for question in questions:
        for i in question.scored:
            held = int(truth[question.start + i])
            if held < 0:
                continue
            one = prediction.probability(question.names[i])
            found[one.name] = {
                "truth": held,
                "probability": round(one.value, 6),
                "uncalibrated": round(one.uncalibrated, 6),
                "over": int(one.over),
                "said": int((question.name, question.values[i]) in said),
            }
    return found
