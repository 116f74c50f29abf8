"""Krippendorff's alpha: agreement of any number of readers, also where some did not read everything.

After Krippendorff, *Computing Krippendorff's Alpha-Reliability*, University of Pennsylvania, 2011: 1 minus the observed
by the expected disagreement, both from the coincidences of values within a thing that was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.findings.agreement.estimate import Estimate, estimate
from XRayAILib.findings.agreement.kappa import ALIKE

ALONE = "nothing was read by two readers"


class Level(str, Enum):
    """What the values are: names, an order, numbers, or numbers with a true zero."""

    NOMINAL = "nominal"
    ORDINAL = "ordinal"
    INTERVAL = "interval"
    RATIO = "ratio"


def coincidences(ratings: np.ndarray, categories: int) -> np.ndarray:
    """(things, categories, categories) coincidences, to be added up.

    Parameters
    ----------
    ratings
        (readers, things) indices of categories, -1 where a reader gave no answer.

    Returns
    -------
    For each thing the pairs of answers in it by one less than their number; a single answer pairs with nothing.
    """
    ratings = np.asarray(ratings)
    counts = (ratings[:, :, None] == np.arange(categories)).sum(axis=0).astype(float)
    answers = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs[:, np.arange(categories), np.arange(categories)] -= counts
    return pairs * np.where(answers > 1, 1 / np.maximum(answers - 1, 1), 0.0)[:, None, None]


def alpha_of(tables: np.ndarray, level: Level, values: np.ndarray) -> np.ndarray:
    """Alpha of coincidences (..., categories, categories); NaN where all answers are the same.

    Parameters
    ----------
    values
        The number of each category, ascending; for nominal and ordinal ones only their order counts.
    """
    tables = np.asarray(tables, float)
    totals = tables.sum(axis=-1)
    difference = _differences(totals, level, np.asarray(values, float))
    observed = (tables * difference).sum(axis=(-2, -1))
    expected = (totals[..., :, None] * totals[..., None, :] * difference).sum(axis=(-2, -1))
    return 1 - divided((totals.sum(axis=-1) - 1) * observed, expected)


def alpha(ratings: Sequence[Sequence[float | None]], level: Level = Level.NOMINAL) -> Estimate:
    """Krippendorff's alpha of one row per reader and one column per thing, ``None`` or NaN where somebody did not read.

    Ordinal answers are given as numbers in their order.
    """
    numbers = np.array([[np.nan if value is None else value for value in row] for row in ratings], float)
    values = np.unique(numbers[np.isfinite(numbers)])
    indices = np.where(np.isfinite(numbers), np.searchsorted(values, numbers), -1)
    pairable = int(((indices >= 0).sum(axis=0) > 1).sum())
    if not pairable:
        return Estimate(None, n=0, reason=ALONE)
    table = coincidences(indices, len(values)).sum(axis=0)
    return estimate(float(alpha_of(table, level, values)), pairable, ALIKE)


def _differences(totals: np.ndarray, level: Level, values: np.ndarray) -> np.ndarray:
    """Squared difference of every two categories, (categories, categories) or with the leading axes of ``totals``."""
    if level is Level.NOMINAL:
        return 1.0 - np.eye(len(values))
    if level is Level.ORDINAL:
        # The answers from one category to the other, the two ends counted half: ranks, whatever the numbers are.
        middle = np.cumsum(totals, axis=-1) - totals / 2
        return (middle[..., :, None] - middle[..., None, :]) ** 2
    apart = np.subtract.outer(values, values) ** 2
    if level is Level.INTERVAL:
        return apart
    return np.nan_to_num(divided(apart, np.add.outer(values, values) ** 2))
