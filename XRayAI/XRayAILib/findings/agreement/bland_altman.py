"""Differences between two readers' measurements (Bland and Altman, *Lancet* 327, 1986, and *Stat. Methods Med. Res.* 8,
1999)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.findings.agreement.estimate import Estimate


@dataclass(frozen=True)
class BlandAltman:
    """Bias and limits of agreement, each with its 95 % interval.

    Attributes
    ----------
    means, differences
        Of each pair: its mean and the first value less the second.
    bias
        Mean difference.
    lower, upper
        Limits between which 95 % of the differences are expected: bias -/+ 1.96 standard deviations.
    slope
        Correlation of differences with means: far from 0, the difference grows with what is measured, and limits in
        the unit of measurement say too little.
    """

    means: np.ndarray
    differences: np.ndarray
    sd: float
    bias: Estimate
    lower: Estimate
    upper: Estimate
    slope: float | None


def limits_of(sums: np.ndarray, side: float) -> np.ndarray:
    """Bias plus ``side`` standard deviations, of sums (..., 3): number, differences, their squares."""
    n, total, squares = sums[..., 0], sums[..., 1], sums[..., 2]
    bias = divided(total, n)
    variance = divided(squares - n * bias**2, n - 1)
    return bias + side * np.sqrt(np.maximum(variance, 0.0))


def bland_altman(one: ArrayLike, other: ArrayLike) -> BlandAltman | None:
    """Compare two readers' values of the same things; ``None`` with fewer than three pairs.

    Intervals by Student's t with n - 1 degrees of freedom; a limit's standard error is
    s * sqrt(1/n + 1.96^2 / (2 (n - 1))) (Bland and Altman, 1999, section 2.2).
    """
    from scipy.stats import t

    first, second = np.asarray(one, float), np.asarray(other, float)
    n = len(first)
    if n < 3:
        return None
    means, differences = (first + second) / 2, first - second
    bias, sd = float(differences.mean()), float(differences.std(ddof=1))
    width = float(t.ppf(0.975, n - 1))
    of_bias, of_limit = sd / math.sqrt(n), sd * math.sqrt(1 / n + 1.96**2 / (2 * (n - 1)))

    def around(value: float, error: float) -> Estimate:
        return Estimate(value, value - width * error, value + width * error, n)

    spread = float(means.std()) * sd
    slope = float(np.corrcoef(means, differences)[0, 1]) if spread > 0 else None
    lower, upper = around(bias - 1.96 * sd, of_limit), around(bias + 1.96 * sd, of_limit)
    return BlandAltman(means, differences, sd, around(bias, of_bias), lower, upper, slope)
