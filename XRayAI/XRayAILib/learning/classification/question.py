"""Question: what is asked of a whole image, and how its answers stand in a network's output.

A question has a column of the output for each of its values. Where one value holds at most, they share a softmax; where
several may hold, each has a sigmoid of its own. An exclusive question is *open* where it may be that none of its values
holds: then "none" takes part in the softmax with a logit of 0, so that an open question of one value is a sigmoid.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import Legend

UNKNOWN = ("unknown", "uncertain")
"""Values that say that it cannot be said."""
NEGATIVE = ("no", "none", "absent", "negative", "normal", "no finding", "no_finding")
"""Values that say that there is nothing."""
UNANSWERED = -1
FREE = ("yes",)
"""The values of a label without options, as :class:`ImageLabel` has them."""


@dataclass(frozen=True)
class Question:
    """One image label.

    Attributes
    ----------
    values
        What may hold, in the order of the columns; values that are unknown are none of them.
    start
        The first column.
    exclusive
        One value holds at most.
    open
        It may be that none holds; always so where several may.
    unsaid
        The values that hold where nobody answered: ``None`` where that is not known.
    unknown
        Values that leave the question open, in lower case.
    """

    name: str
    title: str
    values: tuple[str, ...]
    start: int
    exclusive: bool
    open: bool
    unsaid: tuple[str, ...] | None
    unknown: tuple[str, ...] = UNKNOWN
    negative: tuple[str, ...] = NEGATIVE

    @property
    def columns(self) -> slice:
        """Of its values, in the network's output."""
        return slice(self.start, self.start + len(self.values))

    @property
    def names(self) -> tuple[str, ...]:
        """Of its columns: ``view=PA``."""
        return tuple(class_name(self.name, value) for value in self.values)

    @property
    def is_pair(self) -> bool:
        """One of exactly two values holds, so that each is the other's contrary."""
        return self.exclusive and not self.open and len(self.values) == 2

    @property
    def positive(self) -> int:
        """Of a pair, the value that is looked for: the one that does not say that there is nothing."""
        return 1 if self.values[0].lower() in self.negative else 0

    @property
    def scored(self) -> tuple[int, ...]:
        """Positions of the values that have figures of their own: of yes and no, yes alone."""
        if self.is_pair and any(value.lower() in self.negative for value in self.values):
            return (self.positive,)
        return tuple(range(len(self.values)))

    def row(self, answers: Sequence[str]) -> np.ndarray:
        """What the answers mean for each column, int8: 1 holds, 0 does not, :data:`UNANSWERED`.

        Raises
        ------
        TrainingError
            An answer is none of the question's values.
        """
        row = np.zeros(len(self.values), np.int8)
        lower = {value.lower() for value in answers}
        said = {value for value in answers if value in self.values}
        unsure = bool(lower & set(self.unknown))
        if not answers:
            if self.unsaid is None:
                row[:] = UNANSWERED
                return row
            said = set(self.unsaid)
        for value in set(answers) - said:
            if value.lower() not in (*self.unknown, *(self.negative if self.open else ())):
                raise TrainingError(
                    f"{self.title} is answered '{value}', which is none of {', '.join(self.values)}. "
                    "Give the label this option in the schema, or correct the answer."
                )
        if unsure and self.exclusive:
            row[:] = UNANSWERED
            return row
        if unsure:
            row[:] = UNANSWERED
        elif self.exclusive and len(said) > 1:
            raise TrainingError(
                f"{self.title} is answered {len(said)} times ({', '.join(sorted(said))}) in one image; "
                "one answer is wanted."
            )
        for value in said:
            row[self.values.index(value)] = 1
        return row


def class_name(label: str, value: str) -> str:
    """How a value of a question is called among the classes."""
    return f"{label}={value}"


def answers_of(findings: Findings, label: str) -> list[str]:
    """The values that are said of a label."""
    return [item.value for item in findings.of(ImageLabel, label)]


def said_of(findings: Findings, labels: Collection[str], unknown: Collection[str] = UNKNOWN) -> frozenset[str]:
    """The classes that findings name, without answers that say nothing."""
    return frozenset(
        class_name(item.label, item.value)
        for item in findings.of(ImageLabel)
        if item.label in labels and item.value.lower() not in unknown
    )


def questions_of(
    legend: Legend, missing: str, unknown: Sequence[str] = UNKNOWN, negative: Sequence[str] = NEGATIVE
) -> tuple[Question, ...]:
    """The questions that labels ask.

    Parameters
    ----------
    missing
        As in the configuration: ``absent`` where an image that is not answered has none of the values. An exclusive
        question that has a negative value (``no``) is then answered with it.
    unknown, negative
        Values that say that it cannot be said, and that there is nothing.

    Raises
    ------
    TrainingError
        A label has no value that could be learnt.
    """
    unsure, none = (tuple(value.lower() for value in values) for values in (unknown, negative))
    found: list[Question] = []
    start = 0
    for label in legend:
        options = label.options or FREE
        values = tuple(value for value in options if value.lower() not in unsure)
        if label.multiple or len(values) == 1:
            # "no" beside values that are ticked one by one says that none of them is.
            values = tuple(value for value in values if value.lower() not in none)
        if not values:
            raise TrainingError(
                f"{label.title}: none of its options ({', '.join(options)}) can be learnt. "
                "Give the label other options in the schema, or leave it out of 'labels'."
            )
        nothing = tuple(value for value in values if value.lower() in none)[:1]
        exclusive = not label.multiple
        is_open = label.multiple or len(values) == 1 or (missing == "absent" and not nothing)
        unsaid = nothing if missing == "absent" else None
        question = Question(
            label.name, label.title, values, start, exclusive, is_open, unsaid, unknown=unsure, negative=none
        )
        found.append(question)
        start += len(values)
    return tuple(found)


def targets_of(findings: Findings, questions: Sequence[Question]) -> np.ndarray:
    """What findings say of every column, int8: 1 holds, 0 does not, :data:`UNANSWERED`."""
    return np.concatenate([question.row(answers_of(findings, question.name)) for question in questions])


def mirrored(questions: Sequence[Question], mirrors: Sequence[int]) -> list[int]:
    """For each column, the one whose answer it has in a mirrored image.

    Parameters
    ----------
    mirrors
        For each question, the position of the question it becomes.
    """
    order: list[int] = []
    for question, other in zip(questions, mirrors, strict=True):
        source = questions[other]
        # Left and right of something are asked alike, or they are no mirror images.
        alike = (source.values, source.exclusive, source.open) == (question.values, question.exclusive, question.open)
        start = source.start if alike else question.start
        order += range(start, start + len(question.values))
    return order
