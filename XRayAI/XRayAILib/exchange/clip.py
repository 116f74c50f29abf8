"""Cutting boxes and polygons at the border of the image."""

from __future__ import annotations

import numpy as np

from XRayAILib.findings.objects import Box


def clip_box(box: Box, shape: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """x0, y0, x1, y1 of the part inside an image of (rows, columns); ``None`` where nothing of the box is inside."""
    x0, y0 = max(box.x0, -0.5), max(box.y0, -0.5)
    x1, y1 = min(box.x1, shape[1] - 0.5), min(box.y1, shape[0] - 0.5)
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def clip_polygon(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The part of a polygon (N, 2) inside an image of (rows, columns); it may have no points.

    One border after the other cuts the polygon (Sutherland and Hodgman, Communications of the ACM 17, 1974).
    """
    rows, columns = shape
    for axis, limit, side in ((0, -0.5, 1), (1, -0.5, 1), (0, columns - 0.5, -1), (1, rows - 0.5, -1)):
        distance = side * (points[:, axis] - limit)
        kept = []
        for i, (point, d) in enumerate(zip(points, distance, strict=True)):
            before = distance[i - 1]
            if (d >= 0) != (before >= 0):
                kept.append(points[i - 1] + (point - points[i - 1]) * before / (before - d))
            if d >= 0:
                kept.append(point)
        points = np.array(kept, float).reshape(-1, 2)
        if not len(points):
            break
    return points
