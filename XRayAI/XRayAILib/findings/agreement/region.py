"""Objects as regions: the pixels that they cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Point, RotatedBox
from XRayAILib.pixels.fill import fill_polygon

REGIONS = (Mask, Polygon, Ellipse)
"""Kinds of object whose pixels are what they say; boxes only surround it."""

OUTLINE_POINTS = 360
"""Of an ellipse: its polygon covers all but one part in 20,000 of its area."""


def region(items: Sequence[FindingObject], shape: tuple[int, int]) -> Mask:
    """The pixels that objects with an area cover together; an empty mask where there are none.

    Label and author are those of the first.
    """
    parts = [part for item in items for part in [_part(item, shape)] if part[1].size]
    label = items[0].label if items else "region"
    author = items[0].author if items else Author.consensus("nobody")
    if len(parts) == 1:
        (origin, crop) = parts[0]
        return Mask(label=label, author=author, shape=shape, origin=origin, crop=crop)
    if not parts:
        return Mask(label=label, author=author, shape=shape, origin=(0, 0), crop=np.zeros((0, 0), bool))
    top, left = (min(origin[i] for origin, _ in parts) for i in (0, 1))
    bottom, right = (max(origin[i] + crop.shape[i] for origin, crop in parts) for i in (0, 1))
    whole = np.zeros((bottom - top, right - left), bool)
    for (row, column), crop in parts:
        whole[row - top : row - top + crop.shape[0], column - left : column - left + crop.shape[1]] |= crop
    return Mask(label=label, author=author, shape=shape, origin=(top, left), crop=whole)


def has_area(item: FindingObject) -> bool:
    """Whether :func:`region` takes an object."""
    return isinstance(item, (*REGIONS, Box, RotatedBox))


def outline_points(item: FindingObject) -> tuple[Point, ...]:
    """The outline of an object that has an area and is no mask, as x and y of its corners."""
    if isinstance(item, Polygon):
        return item.points
    if isinstance(item, Ellipse):
        return item.outline(OUTLINE_POINTS)
    if isinstance(item, RotatedBox):
        return item.corners
    if isinstance(item, Box):
        return ((item.x0, item.y0), (item.x1, item.y0), (item.x1, item.y1), (item.x0, item.y1))
    raise TypeError(f"A {item.kind} has no area.")


def _part(item: FindingObject, shape: tuple[int, int]) -> tuple[tuple[int, int], np.ndarray]:
    """(row, column) of the first pixel, and the pixels."""
    if isinstance(item, Mask):
        return item.origin, item.crop
    points = np.asarray(outline_points(item), float)
    # Only its own bounding box is filled: polygons are small, radiographs are not.
    low = np.clip(np.floor(points.min(axis=0)), 0, None).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    if (high <= low).any():
        return (0, 0), np.zeros((0, 0), bool)
    crop = fill_polygon(points - low, (int(high[1] - low[1]), int(high[0] - low[0])))
    return (int(low[1]), int(low[0])), crop
