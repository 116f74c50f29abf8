"""Kappa: agreement of readers on categories beyond that of chance.

All work on a table of counts, so a bootstrap can give many tables at once (leading axes).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from enum import Enum

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.findings.agreement.estimate import Estimate, estimate
from XRayAILib.findings.objects import FindingError

ALIKE = "not defined: all answers are the same"
"""Then chance alone would make readers agree always, and there is nothing to be better than."""


class Weights(str, Enum):
    """How much two different answers differ, by how many steps lie between them."""

    NONE = "none"
    LINEAR = "linear"
    QUADRATIC = "quadratic"

    def table(self, categories: int) -> np.ndarray:
        """(categories, categories): 0 where the answers are the same."""
        steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))).astype(float)
        return {Weights.NONE: np.minimum(steps, 1.0), Weights.LINEAR: steps, Weights.QUADRATIC: steps**2}[self]


def crosstable(one: Sequence[Hashable], other: Sequence[Hashable], categories: Sequence[Hashable]) -> np.ndarray:
    """(things, categories, categories): for every thing a 1 where the first's answer meets the second's."""
    if len(one) != len(other):
        raise FindingError(f"Two readers answered {len(one)} and {len(other)} times: kappa needs pairs.")
    place = {category: i for i, category in enumerate(categories)}
    found = np.zeros((len(one), len(categories), len(categories)))
    for i, (a, b) in enumerate(zip(one, other, strict=True)):
        found[i, place[a], place[b]] = 1
    return found


def cohen_of(tables: np.ndarray, weights: Weights = Weights.NONE) -> np.ndarray:
    """Cohen's kappa of tables (..., categories, categories); NaN where all answers are the same.

    Cohen, *Educ. Psychol. Meas.* 20, 1960; weighted: Cohen, *Psychol. Bull.* 70, 1968.
    """
    tables = np.asarray(tables, float)
    n = tables.sum(axis=(-2, -1), keepdims=True)
    expected = divided(tables.sum(axis=-1, keepdims=True) * tables.sum(axis=-2, keepdims=True), n)
    weight = weights.table(tables.shape[-1])
    return 1 - divided((weight * tables).sum(axis=(-2, -1)), (weight * expected).sum(axis=(-2, -1)))


def cohen(
    one: Sequence[Hashable],
    other: Sequence[Hashable],
    categories: Sequence[Hashable],
    weights: Weights = Weights.NONE,
) -> Estimate:
    """Cohen's kappa of two readers who answered the same things.

    Parameters
    ----------
    categories
        Every answer there is; for weights, in their order.
    """
    table = crosstable(one, other, categories).sum(axis=0)
    return estimate(float(cohen_of(table, weights)), len(one), ALIKE if len(one) else "there is nothing that both read")


def agreed_of(tables: np.ndarray) -> np.ndarray:
    """Part of the answers that are the same, 0..1; tables as in :func:`cohen_of`."""
    tables = np.asarray(tables, float)
    return divided(np.trace(tables, axis1=-2, axis2=-1), tables.sum(axis=(-2, -1)))


def specific_of(tables: np.ndarray, category: int) -> np.ndarray:
    """Agreement on one answer: of all that either gave, the part that both gave (Cicchetti and Feinstein, 1990).

    Beside kappa it shows what a rare answer does to it: readers can agree on 98 of 100 images, and on none of the two
    that one of them called positive (Feinstein and Cicchetti, *J. Clin. Epidemiol.* 43, 1990).
    """
    tables = np.asarray(tables, float)
    given = tables.sum(axis=-1)[..., category] + tables.sum(axis=-2)[..., category]
    return divided(2 * tables[..., category, category], given)


def fleiss_parts(counts: np.ndarray) -> np.ndarray:
    """(things, categories) numbers of readers who gave each answer -> (things, categories + 2), to be added up.

    The columns: how often each answer was given, the part of pairs of readers that agree, and 1.

    Raises
    ------
    FindingError
        Not everything was read by the same number of readers, at least two; Krippendorff's alpha takes such data.
    """
    counts = np.asarray(counts, float)
    readers = counts.sum(axis=1)
    if len(counts) and (readers.min() != readers.max() or readers[0] < 2):
        raise FindingError(
            "Fleiss' kappa needs the same number of readers, at least two, for everything; "
            f"here it is {int(readers.min())} to {int(readers.max())}. Take Krippendorff's alpha."
        )
    agreeing = divided((counts * (counts - 1)).sum(axis=1), readers * (readers - 1))
    return np.column_stack([counts, agreeing, np.ones(len(counts))])


def fleiss_of(sums: np.ndarray) -> np.ndarray:
    """Fleiss' kappa of summed :func:`fleiss_parts`; NaN where all answers are the same (Fleiss, 1971)."""
    answers, agreeing, things = sums[..., :-2], sums[..., -2], sums[..., -1]
    observed = divided(agreeing, things)
    expected = (divided(answers, answers.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return np.where(np.isclose(expected, 1.0), np.nan, divided(observed - expected, 1 - expected))


def fleiss(counts: np.ndarray) -> Estimate:
    """Fleiss' kappa (*Psychol. Bull.* 76, 1971) of (things, categories) numbers of readers who gave each answer."""
    counts = np.asarray(counts)
    value = float(fleiss_of(fleiss_parts(counts).sum(axis=0)))
    return estimate(value, len(counts), ALIKE if len(counts) else "there is nothing that all read")
