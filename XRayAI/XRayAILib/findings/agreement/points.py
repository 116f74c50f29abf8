"""Landmarks: how far the points of two readers lie apart.

MRE is the mean radial error, the mean of the distances; SDR the successful detection rate, the part of the points not
further apart than a radius (Wang et al., *Med. Image Anal.* 31, 2016, the ISBI 2015 cephalometric challenge).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.objects import Landmark

RADII = (2.0, 2.5, 3.0, 4.0)
"""In mm, as the challenge has them. In pixels no radius means the same on two images, so SDR needs a spacing."""


def landmark_error(one: Landmark, other: Landmark, spacing: Spacing) -> Quantity | None:
    """How far two points lie apart; ``None`` where somebody says that it is outside the image."""
    if one.outside or other.outside:
        return None
    return spacing.length((one.x, one.y), (other.x, other.y))


def within(errors: ArrayLike, radius: float) -> np.ndarray:
    """1 for each error of at most ``radius``, else 0: their mean is the SDR."""
    return (np.asarray(errors, float) <= radius).astype(float)
