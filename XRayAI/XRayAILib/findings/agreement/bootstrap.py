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


class Draws:
    """The draws of one set of images, for as many figures as are wanted of them.

    Parameters
    ----------
    clusters
        The patient of each image.
    """

    def __init__(self, clusters: Sequence[str], seed: int = 0, resamples: int = RESAMPLES) -> None:
        names, self._index = np.unique(np.asarray(clusters, dtype=str), return_inverse=True)
        self.patients, self.resamples = len(names), resamples
        drawn = np.random.default_rng(seed).integers(0, max(self.patients, 1), (resamples, self.patients))
        drawn += np.arange(resamples)[:, None] * self.patients
        # How often each patient was drawn, in few bytes: 10,000 patients take 80 MB.
        counted = np.bincount(drawn.ravel(), minlength=resamples * self.patients)
        self._times = counted.reshape(resamples, self.patients).astype(np.float32)

    def weights(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """(draws, images): how often each image stands in the draws of these numbers; for figures that are no sums."""
        found: np.ndarray = self._times[start:stop][:, self._index]
        return found

    def interval(self, parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float] | None:
        """95 % percentile interval of a statistic of sums, see :meth:`values` and :meth:`bounds`."""
        values = self.values(parts, statistic)
        return None if values is None else self.bounds(values)

    def values(self, parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
        """A statistic of sums in every draw, (draws,), so that several of them can be put together.

        Parameters
        ----------
        parts
            (images, ...): what each image adds to the sums; zeros where it has nothing to add.
        statistic
            From sums (draws, ...) to values (draws,), NaN where it is not defined.

        Returns
        -------
        ``None`` where fewer than two patients add anything.
        """
        parts = np.asarray(parts, float)
        flat = parts.reshape(len(parts), -1)
        sums = np.zeros((self.patients, flat.shape[1]))
        np.add.at(sums, self._index, flat)
        if np.count_nonzero(sums.any(axis=1)) < 2:
            return None
        totals = (self._times @ sums).reshape(len(self._times), *parts.shape[1:])
        return np.asarray(statistic(totals), float)

    @staticmethod
    def bounds(values: np.ndarray) -> tuple[float, float] | None:
        """The middle 95 % of the values of all draws; ``None`` where more than a tenth of them is not defined."""
        defined = values[np.isfinite(values)]
        if len(defined) < LEAST_DEFINED * len(values):
            return None
        low, high = np.percentile(defined, (2.5, 97.5))
        return float(low), float(high)


def mean_interval(
    values: np.ndarray, clusters: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> tuple[float, float] | None:
    """95 % percentile interval of the mean of one value per image; see :meth:`Draws.interval`."""
    return Draws(clusters, seed, resamples).interval(mean_parts(values), ratio)


def mean_parts(values: np.ndarray) -> np.ndarray:
    """(images, 2) value and 1 for the mean of values; NaN, where an image has none, adds nothing."""
    values = np.asarray(values, float)
    known = np.isfinite(values)
    return np.stack([np.where(known, values, 0.0), known.astype(float)], axis=1)


def ratio(sums: np.ndarray) -> np.ndarray:
    """The first of two sums by the second: a mean, a rate; NaN where the second is 0."""
    return divided(sums[..., 0], sums[..., 1])


def divided(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A quotient that is NaN where the divisor is 0."""
    above, below = np.asarray(above, float), np.asarray(below, float)
    return np.divide(above, below, out=np.full(np.broadcast(above, below).shape, np.nan), where=below != 0)
