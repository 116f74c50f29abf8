"""ProbableFindings: what a classifier says of an image, with the probabilities of what it does not say."""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError


@dataclass(frozen=True)
class Probability:
    """How probable a class is in one image.

    Attributes
    ----------
    name
        Of the class: ``view=PA``.
    value, uncalibrated
        With and without the temperature of its question.
    over
        Whether it lies at or over the class's threshold.
    """

    name: str
    value: float
    uncalibrated: float
    over: bool


@dataclass(frozen=True)
class ProbableFindings(Findings):
    """Findings whose objects are what is said, and the whole vector that this was decided from.

    The vector is for whoever measures the model or asks how sure it is. A project keeps the objects: each has its
    probability as score, and what a person should know beside it as attributes.

    Attributes
    ----------
    probabilities
        Of every class with figures of its own.
    """

    probabilities: tuple[Probability, ...] = ()

    def probability(self, name: str) -> Probability:
        """Of a class; :class:`FindingError` where there is none."""
        for item in self.probabilities:
            if item.name == name:
                return item
        raise FindingError(f"Nothing is known of '{name}' in {self.radiograph_uid}.")
