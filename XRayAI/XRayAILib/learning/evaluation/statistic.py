"""Statistic: a figure of some images as a function of how often each of them counts.

A bootstrap draws patients, so each image counts 0, 1, 2 ... times; a subgroup is the images that count at all. So one
function of weights gives a figure, its interval, that of any subgroup, and the gap between two of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.learning.classification.ranking import auroc


@dataclass(frozen=True)
class Statistic:
    """A figure of one class.

    Attributes
    ----------
    of
        From weights (draws, images), not negative, to values (draws,); NaN where it is not defined.
    things
        (images, kinds) what every image brings of each kind of thing that the figure needs: positives and negatives
        for an AUROC, boxes for a sensitivity. A group with few of one kind has no figure worth comparing.
    """

    of: Callable[[np.ndarray], np.ndarray]
    things: np.ndarray

    def value(self, members: np.ndarray) -> float:
        """The figure of the images that ``members`` (images,) bool tells."""
        return float(self.of(members[None].astype(float))[0])

    def fewest(self, members: np.ndarray) -> int:
        """How many things of the rarest kind the members have."""
        return int(self.things[members].sum(axis=0).min()) if members.any() else 0


def mean_of(values: ArrayLike) -> Statistic:
    """The mean of one value per image; NaN where an image has none."""
    numbers = np.asarray(values, float)
    return ratio_of(np.nan_to_num(numbers), np.isfinite(numbers))


def ratio_of(above: ArrayLike, below: ArrayLike) -> Statistic:
    """A sum by another one, such as hits by all boxes; both have one value per image."""
    both = np.stack([np.asarray(above, float), np.asarray(below, float)], axis=1)

    def of(weights: np.ndarray) -> np.ndarray:
        sums = weights @ both
        return divided(sums[:, 0], sums[:, 1])

    return Statistic(of, both[:, 1:])


def auroc_of(scores: ArrayLike, truths: ArrayLike) -> Statistic:
    """Area under the ROC curve; equal scores count half.

    Parameters
    ----------
    scores, truths
        One per image: higher is more likely positive; 1 is positive, 0 negative, NaN unknown, which takes no part.
    """
    seen, true = np.asarray(scores, float), np.asarray(truths, float)
    known = np.flatnonzero(np.isfinite(true))

    def of(weights: np.ndarray) -> np.ndarray:
        return auroc(true[known], seen[known], weights[:, known])

    return Statistic(of, np.stack([true == 1, true == 0], axis=1).astype(float))


def mean_of_all(statistics: list[Statistic]) -> Statistic:
    """The mean of several figures, such as those of all structures; those that are not defined are left out."""

    def of(weights: np.ndarray) -> np.ndarray:
        values = np.stack([statistic.of(weights) for statistic in statistics])
        known = np.isfinite(values)
        return divided(np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0).astype(float))

    return Statistic(of, np.max([statistic.things.min(axis=1) for statistic in statistics], axis=0)[:, None])
