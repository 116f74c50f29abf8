"""Distance between the outlines of two regions.

The outline of a region is those of its pixels of which at least one of the four neighbours does not belong to it; what
lies beyond the border of the image belongs to nothing. Its points are pixel centres, so a distance is 0 where two
outlines run through the same pixels. From every point of one outline the distance to the nearest point of the other is
taken, exactly, in both directions (Maier-Hein et al., *Nature Methods* 21, 2024; Reinke et al., same volume):

- HD is the largest of all; HD95 the larger one of the two directions' 95th percentiles (linear between points);
- ASSD is the mean over the points of both outlines (Yeghiazaryan and Voiculescu, *J. Med. Imaging* 5, 2018).

Where a region is empty there is no distance: :func:`surface_distance` gives ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.objects import Mask


@dataclass(frozen=True)
class SurfaceDistance:
    """Distances between two outlines, in the unit of ``spacing``."""

    hd: float
    hd95: float
    assd: float
    spacing: Spacing

    def quantity(self, name: str) -> Quantity:
        """``hd``, ``hd95`` or ``assd`` with what its unit is worth."""
        return Quantity(getattr(self, name), self.spacing.unit, self.spacing.source, self.spacing.magnification)


def outline(region: Mask) -> np.ndarray:
    """The centres of the pixels of a region's outline: (N, 2) row and column, whole numbers, in reading order."""
    crop = region.crop
    inner = np.zeros_like(crop)
    inner[1:-1, 1:-1] = crop[1:-1, 1:-1] & crop[:-2, 1:-1] & crop[2:, 1:-1] & crop[1:-1, :-2] & crop[1:-1, 2:]
    edge = crop & ~inner
    rows, columns = np.divmod(np.flatnonzero(edge), max(crop.shape[1], 1))
    return np.stack([rows + region.origin[0], columns + region.origin[1]], axis=1)


def surface_distance(one: Mask, other: Mask, spacing: Spacing) -> SurfaceDistance | None:
    """Distances between the outlines of two regions; ``None`` where one is empty."""
    return point_distance(outline(one), outline(other), spacing)


def point_distance(one: np.ndarray, other: np.ndarray, spacing: Spacing) -> SurfaceDistance | None:
    """Distances between two sets of points, each (N, 2) row and column; ``None`` where one is empty."""
    from scipy.spatial import cKDTree

    if not len(one) or not len(other):
        return None
    scale = np.array([spacing.row, spacing.column])
    first, second = np.asarray(one) * scale, np.asarray(other) * scale
    # A tree that is not balanced is made faster, and searched as fast: points of an outline lie evenly.
    there = cKDTree(second, balanced_tree=False).query(first)[0]
    back = cKDTree(first, balanced_tree=False).query(second)[0]
    return SurfaceDistance(
        float(max(there.max(), back.max())),
        float(max(np.percentile(there, 95), np.percentile(back, 95))),
        float((there.sum() + back.sum()) / (len(there) + len(back))),
        spacing,
    )


def path_points(points: np.ndarray, step: float = 1.0) -> np.ndarray:
    """Points on an open line through ``points`` (N, 2: x and y), at most ``step`` pixels apart, as row and column."""
    points = np.asarray(points, float)
    lengths = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    at = np.linspace(0.0, along[-1], max(2, int(np.ceil(along[-1] / step)) + 1))
    return np.stack([np.interp(at, along, points[:, 1]), np.interp(at, along, points[:, 0])], axis=1)
