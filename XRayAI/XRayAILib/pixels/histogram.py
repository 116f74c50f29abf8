"""Grey values made alike across devices: an image's quantiles are moved to those of a reference.

The reference of several images is the mean of their quantiles, the barycentre of their histograms (Agueh and Carlier,
SIAM Journal on Mathematical Analysis 43, 2011). Matching by quantiles is Nyul and Udupa's standardisation (Magnetic
Resonance in Medicine 42, 1999) with every percentile as a landmark.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

COUNT = 101
"""Quantiles of a reference: from 0 to 100 % in steps of 1 %."""


def quantiles(image: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    """The quantiles of an image (rows, columns), float64 (COUNT,); of what is ``inside`` where that is given."""
    step = 4 if min(image.shape) > 1024 else 1
    values = image[::step, ::step]
    if inside is not None:
        values = values[inside[::step, ::step]]
    if not values.size:
        return np.linspace(0.0, 1.0, COUNT)
    found: np.ndarray = np.percentile(values, np.linspace(0, 100, COUNT)).astype(float)
    return found


def mean_quantiles(several: Iterable[np.ndarray]) -> np.ndarray:
    """The reference of several images, given by their quantiles; ValueError where there is none."""
    rows = list(several)
    if not rows:
        raise ValueError("A reference histogram needs at least one image.")
    mean: np.ndarray = np.mean(rows, axis=0)
    return mean


def matched(image: np.ndarray, inside: np.ndarray | None, reference: np.ndarray, strength: float) -> np.ndarray:
    """The image with the reference's histogram; ``strength`` 0 leaves it as it is, 1 moves it all the way."""
    own = quantiles(image, inside)
    # Several quantiles of one value, as in a saturated background, become the mean of what they should.
    values, place = np.unique(own, return_inverse=True)
    target = np.bincount(place, reference) / np.bincount(place)
    moved = np.interp(image, values, target).astype(np.float32)
    return moved if strength >= 1 else image + np.float32(strength) * (moved - image)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """How far two histograms are apart: the mean difference of their quantiles (the Wasserstein distance in 1D)."""
    return float(np.abs(np.asarray(first) - np.asarray(second)).mean())
