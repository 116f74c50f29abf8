"""What is wrong with a training before it starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from XRayAILib.learning.errors import TrainingError

MOST_NAMED = 3
"""Files, images or patients that a sentence names."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, in a sentence that says what to do.

    Attributes
    ----------
    kind
        A word for programs: ``labels``, ``patients``, ``files``, ``disk``, ...
    error
        Whether the training cannot start; else it is a warning.
    uids
        The images it is about, where it is about some.
    """

    kind: str
    text: str
    error: bool = True
    uids: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As a plain mapping, for a job's events or a page."""
        return {**asdict(self), "uids": list(self.uids)}


def refuse(problems: Iterable[Problem]) -> None:
    """Raise :class:`TrainingError` with the sentences of all that are errors; nothing where there are none."""
    texts = [problem.text for problem in problems if problem.error]
    if texts:
        raise TrainingError(" ".join(texts))


def few(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
