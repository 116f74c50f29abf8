"""Confidence intervals by drawing patients anew.

The images of one patient are not independent, so whole patients are drawn (cluster bootstrap: Davison and Hinkley,
*Bootstrap Methods and their Application*, 1997, 3.8), and the interval is the middle 95 % of what comes out (percentile
interval: Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, 13.3).

Every figure here comes from sums over images: of values and their number, of a table of answers, of hits and misses. So
a patient is kept as its sums, and a draw is the sum of those of the patients that were drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

RESAMPLES = 2000
LEAST_DEFINED = 0.9
"""Part of the draws in which a figure must be defined; kappa, for one, is not where all drawn images are alike."""


def interval(
    parts: np.ndarray,
    clusters: Sequence[str],
    statistic: Callable[[np.ndarray], np.ndarray],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[float, float] | None:
    """95 % percentile interval of a statistic of sums.

    Parameters
    ----------
    parts
        (images, ...): what each image adds to the sums.
    clusters
        The patient of each image.
    statistic
        From sums (draws, ...) to values (draws,), NaN where it is not defined.

    Returns
    -------
    Lower and upper bound; ``None`` with fewer than two patients, or where the statistic is not defined in more than a
    tenth of the draws.
    """
    names, index = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
    if len(names) < 2:
        return None
    parts = np.asarray(parts, float)
    flat = parts.reshape(len(parts), -1)
    sums = np.zeros((len(names), flat.shape[1]))
    np.add.at(sums, index, flat)
    # Drawn as one list of patients per resample, then counted: the same draws for every statistic of these patients.
    drawn = np.random.default_rng(seed).integers(0, len(names), (resamples, len(names)))
    offsets = np.arange(resamples)[:, None] * len(names)
    times = np.bincount((drawn + offsets).ravel(), minlength=resamples * len(names)).reshape(resamples, len(names))
    values = np.asarray(statistic((times @ sums).reshape(resamples, *parts.shape[1:])), float)
    values = values[np.isfinite(values)]
    if len(values) < LEAST_DEFINED * resamples:
        return None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def mean_interval(
    values: np.ndarray, clusters: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """95 % percentile interval of the mean of one value per image; see :func:`interval`."""
    values = np.asarray(values, float)
    return interval(np.stack([values, np.ones(len(values))], axis=1), clusters, ratio, seed, resamples)


def ratio(sums: np.ndarray) -> np.ndarray:
    """The first of two sums by the second: a mean, a rate; NaN where the second is 0."""
    return divided(sums[..., 0], sums[..., 1])


def divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A quotient that is NaN where the divisor is 0."""
    above, below = np.asarray(above, float), np.asarray(below, float)
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below != 0)
