"""Findings moved to another image of the same thing: mirrored, or laid over a later radiograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.findings.shapes import Ellipse, Point, RotatedBox
from XRayAILib.pixels.similarity import Similarity


def moved(item: FindingObject, by: Similarity, shape: tuple[int, int]) -> FindingObject:
    """The same object (same ``id``) where ``by`` takes it.

    An upright box becomes the upright box around where its corners go. Of a mask, what leaves the image is cut off.

    Parameters
    ----------
    shape
        (rows, columns) of the image that it goes to.
    """
    if isinstance(item, ImageLabel):
        return item
    if isinstance(item, Box):
        corners = by.points([(item.x0, item.y0), (item.x1, item.y0), (item.x1, item.y1), (item.x0, item.y1)])
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return replace(item, x0=x0, y0=y0, x1=x1, y1=y1)
    if isinstance(item, Mask):
        return item.with_array(_moved_pixels(item, by, shape))
    if isinstance(item, Landmark):
        x, y = _one(by, item.x, item.y)
        return replace(item, x=x, y=y)
    if isinstance(item, RotatedBox):
        x, y = _one(by, item.x, item.y)
        width, height = item.width * by.scale, item.height * by.scale
        return replace(item, x=x, y=y, width=width, height=height, angle=_half_turn(by.turned(item.angle)))
    if isinstance(item, Ellipse):
        x, y = _one(by, item.x, item.y)
        along, across = item.radius_x * by.scale, item.radius_y * by.scale
        return replace(item, x=x, y=y, radius_x=along, radius_y=across, angle=_half_turn(by.turned(item.angle)))
    points: tuple[Point, ...] = tuple((x, y) for x, y in by.points(item.points).tolist())  # type: ignore[attr-defined]
    return item.changed(points=points)


def _one(by: Similarity, x: float, y: float) -> Point:
    ((a, b),) = by.points([(x, y)]).tolist()
    return a, b


def _half_turn(angle: float) -> float:
    """A rectangle or an ellipse looks the same after half a turn: the smaller angle is the one a person means."""
    return angle - 180.0 if angle > 90.0 else angle + 180.0 if angle <= -90.0 else angle


def _moved_pixels(item: Mask, by: Similarity, shape: tuple[int, int]) -> np.ndarray:
    """The pixels of ``shape`` whose centres come from a pixel of the mask."""
    array = np.zeros(shape, bool)
    if not item.crop.size:
        return array
    (row, column), (rows, columns) = item.origin, item.crop.shape
    edges = [(column - 0.5, row - 0.5), (column + columns - 0.5, row + rows - 0.5)]
    (left, top), (right, bottom) = edges
    around = by.points([(left, top), (right, top), (right, bottom), (left, bottom)])
    x0, y0 = np.maximum(np.floor(around.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(around.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    if x1 <= x0 or y1 <= y0:
        return array
    matrix = by.matrix
    back = np.linalg.inv(matrix[:, :2])
    y, x = np.mgrid[y0:y1, x0:x1]
    from_x, from_y = np.tensordot(back, np.stack([x - matrix[0, 2], y - matrix[1, 2]]), axes=1)
    source_column, source_row = np.rint(from_x).astype(int) - column, np.rint(from_y).astype(int) - row
    inside = (source_column >= 0) & (source_column < columns) & (source_row >= 0) & (source_row < rows)
    part = np.zeros(inside.shape, bool)
    part[inside] = item.crop[source_row[inside], source_column[inside]]
    array[y0:y1, x0:x1] = part
    return array
