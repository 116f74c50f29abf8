"""Consensus of regions: pixels by majority, or by STAPLE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.objects import Mask

PROBABILITY = 0.5
"""From which on a pixel of STAPLE belongs to the region."""
ROUNDS = 100


@dataclass(frozen=True)
class Vote:
    """What a majority decided.

    Attributes
    ----------
    region
        Boolean array (rows, columns).
    tied
        Number of pixels that exactly half of the readers have; they do not belong to the region.
    """

    region: np.ndarray
    tied: int


@dataclass(frozen=True)
class Staple:
    """What STAPLE estimates.

    Attributes
    ----------
    region
        Boolean array (rows, columns).
    sensitivity, specificity
        Of each reader, against the estimated truth.
    """

    region: np.ndarray
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]


def majority(regions: Sequence[Mask]) -> Vote:
    """The pixels that more than half of the readers have; one :class:`Mask` per reader, an empty one is a vote too.

    With two readers these are the pixels that both have.
    """
    votes = np.zeros(regions[0].shape, np.uint16)
    for region in regions:
        row, column = region.origin
        votes[row : row + region.crop.shape[0], column : column + region.crop.shape[1]] += region.crop
    return Vote(2 * votes > len(regions), int(np.count_nonzero(2 * votes == len(regions))))


def staple(regions: Sequence[Mask]) -> Staple:
    """The region that explains what the readers drew, each weighed by how well he fits it.

    Simultaneous truth and performance level estimation (Warfield, Zou and Wells, *IEEE Trans. Med. Imaging* 23, 2004)
    as SimpleITK does it, over the whole image: the part that the region takes of it is the prior. A pixel belongs to
    the region from a probability of 0.5 on.
    """
    import SimpleITK as sitk

    arrays = [region.array() for region in regions]
    if not any(array.any() for array in arrays):
        return Staple(arrays[0], (1.0,) * len(arrays), (1.0,) * len(arrays))
    method = sitk.STAPLEImageFilter()
    method.SetForegroundValue(1)
    method.SetMaximumIterations(ROUNDS)
    threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    try:
        # Sums in another order would give other digits from run to run.
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        probability = method.Execute([sitk.GetImageFromArray(array.astype(np.uint8)) for array in arrays])
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
    region = sitk.GetArrayViewFromImage(probability) >= PROBABILITY
    return Staple(region, tuple(method.GetSensitivity()), tuple(method.GetSpecificity()))
