"""Statistic: a figure of some images as a function of how often each of them counts.

A bootstrap draws patients, so each image counts 0, 1, 2 ... times; a subgroup is the images that count at all. So one
function of weights gives a figure, its interval, that of any subgroup, and the gap between two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.learning.classification.ranking import auroc

PAIRS = 2_000_000
"""Of an image with and one without the disease, up to which they are compared one by one."""


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
    parts
        Of a mean over classes, those of the classes, so that nobody computes them twice.
    """

    of: Callable[[np.ndarray], np.ndarray]
    things: np.ndarray
    parts: tuple[Statistic, ...] = ()

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
    known, ill, well = (np.flatnonzero(which) for which in (np.isfinite(true), true == 1, true == 0))
    things = np.stack([true == 1, true == 0], axis=1).astype(float)
    if len(ill) * len(well) > PAIRS:
        return Statistic(lambda weights: auroc(true[known], seen[known], weights[:, known]), things)
    # Of few images every pair fits into the memory, and to add up pairs is one product of matrices.
    higher = seen[ill, None] - seen[None, well]
    won = (np.sign(higher) + 1).astype(np.float32) / 2

    def of(weights: np.ndarray) -> np.ndarray:
        of_ill, of_well = (np.ascontiguousarray(weights[:, which], dtype=np.float32) for which in (ill, well))
        wins = ((of_ill @ won) * of_well).sum(axis=1, dtype=float)
        return divided(wins, of_ill.sum(axis=1, dtype=float) * of_well.sum(axis=1, dtype=float))

    return Statistic(of, things)


def mean_of_all(statistics: Sequence[Statistic]) -> Statistic:
    """The mean of several figures, such as those of all structures; those that are not defined are left out."""
    parts = tuple(statistics)

    def of(weights: np.ndarray) -> np.ndarray:
        return mean_of_parts([part.of(weights) for part in parts])

    return Statistic(of, np.max([part.things.min(axis=1) for part in parts], axis=0)[:, None], parts)


def mean_of_parts(values: Sequence[np.ndarray]) -> np.ndarray:
    """(draws,) from the values of the parts, each (draws,)."""
    every = np.stack(values)
    known = np.isfinite(every)
    return divided(np.where(known, every, 0.0).sum(axis=0), known.sum(axis=0).astype(float))
