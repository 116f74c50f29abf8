"""Intersection over union of boxes, upright and rotated.

Boxes are their outer edges (:class:`Box`), so a box around one pixel has the area 1 and nothing is added to a side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.findings.objects import Box
from XRayAILib.findings.shapes import RotatedBox

Corners = Sequence[tuple[float, float]]


def box_ious(ones: Sequence[Box | RotatedBox], others: Sequence[Box | RotatedBox]) -> np.ndarray:
    """(ones, others) IoU of every two boxes, exact."""
    if all(isinstance(box, Box) for box in (*ones, *others)):
        return edge_ious(_edges(ones), _edges(others))
    return np.array([[_turned_iou(_corners(a), _corners(b)) for b in others] for a in ones]).reshape(
        len(ones), len(others)
    )


def _edges(boxes: Sequence[Box | RotatedBox]) -> np.ndarray:
    edges = [(box.x0, box.y0, box.x1, box.y1) for box in boxes if isinstance(box, Box)]
    return np.array(edges, float).reshape(-1, 4)


def edge_ious(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(N, M) IoU of every two upright boxes, given as (N, 4) and (M, 4) outer edges x0, y0, x1, y1."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (one, other)]
    ious: np.ndarray = shared / (areas[0][:, None] + areas[1][None, :] - shared)
    return ious


def _corners(box: Box | RotatedBox) -> Corners:
    if isinstance(box, RotatedBox):
        return box.corners
    return ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))


def _turned_iou(one: Corners, other: Corners) -> float:
    shared = _area(_clipped(one, other))
    return shared / (_area(one) + _area(other) - shared)


def _clipped(polygon: Corners, window: Corners) -> list[tuple[float, float]]:
    """The part of a convex polygon inside another one, both clockwise on the screen (Sutherland and Hodgman, 1974)."""
    kept = list(polygon)
    for (x0, y0), (x1, y1) in zip(window, [*window[1:], window[0]], strict=True):
        points, kept = kept, []
        sides = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for x, y in points]
        for i, ((x, y), side) in enumerate(zip(points, sides, strict=True)):
            (before_x, before_y), before = points[i - 1], sides[i - 1]
            if (side < 0) != (before < 0):
                t = before / (before - side)
                kept.append((before_x + t * (x - before_x), before_y + t * (y - before_y)))
            if side >= 0:
                kept.append((x, y))
    return kept


def _area(points: Corners) -> float:
    pairs = zip(points, [*points[1:], *points[:1]], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs)) / 2
