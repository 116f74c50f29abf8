"""Overlap of two regions: Dice and IoU.

Regions are :class:`Mask`, because only the bounding boxes of two of them have to be looked at. Where both are empty the
two say the same, and both figures are 1; where one is, both are 0. A mean over images should leave out those with two
empty regions: in a collection where a finding is rare they would say nothing but that it is rare. That readers agree on
its absence is told by kappa.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.objects import FindingError, Mask


@dataclass(frozen=True)
class Overlap:
    """Pixels of two regions and of what they share."""

    first: int
    second: int
    shared: int

    @property
    def dice(self) -> float:
        """Twice the shared pixels by the pixels of both (Dice, *Ecology* 26, 1945); 1 where both are empty."""
        both = self.first + self.second
        return 2 * self.shared / both if both else 1.0

    @property
    def iou(self) -> float:
        """Shared pixels by those of either (Jaccard, 1912); 1 where both are empty."""
        either = self.first + self.second - self.shared
        return self.shared / either if either else 1.0


def overlap(one: Mask, other: Mask) -> Overlap:
    """How far two regions of the same radiograph overlap.

    Raises
    ------
    FindingError
        They belong to radiographs of different size.
    """
    if one.shape != other.shape:
        raise FindingError(
            f"Regions of '{one.label}' on radiographs of {one.shape} and {other.shape} pixels cannot be compared."
        )
    return Overlap(_count(one.crop), _count(other.crop), shared_pixels(one, other))


def shared_pixels(one: Mask, other: Mask) -> int:
    """Number of pixels that belong to both."""
    top, left = max(one.origin[0], other.origin[0]), max(one.origin[1], other.origin[1])
    bottom, right = (min(a.origin[i] + a.crop.shape[i] for a in (one, other)) for i in (0, 1))
    if bottom <= top or right <= left:
        return 0
    windows = [
        mask.crop[top - mask.origin[0] : bottom - mask.origin[0], left - mask.origin[1] : right - mask.origin[1]]
        for mask in (one, other)
    ]
    return _count(windows[0] & windows[1])


def _count(array: np.ndarray) -> int:
    return int(np.count_nonzero(array))
