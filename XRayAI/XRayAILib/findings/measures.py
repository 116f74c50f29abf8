"""How large an object is, in units that say what they are worth."""

from __future__ import annotations

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.measurements import Line, Measurement
from XRayAILib.findings.objects import Box, FindingObject, Landmark, Mask, Polygon
from XRayAILib.findings.rule import Measure
from XRayAILib.findings.shapes import Ellipse, Point, Polyline, RotatedBox

FEW = 30
"""So many points are compared each with each; of more, only those of their convex hull."""


def extent(item: FindingObject) -> tuple[float, float, float, float] | None:
    """x0, y0, x1, y1 of the smallest upright box around an object, in pixels.

    Of areas it is the outer edges, of points and lines the points themselves; ``None`` of what lies nowhere in the
    image: an answer, an empty mask, a landmark outside.
    """
    if isinstance(item, Box):
        return item.x0, item.y0, item.x1, item.y1
    if isinstance(item, Mask):
        rows, columns = item.crop.shape
        if not rows or not columns:
            return None
        row, column = item.origin
        return column - 0.5, row - 0.5, column + columns - 0.5, row + rows - 0.5
    if isinstance(item, Landmark):
        return None if item.outside else (item.x, item.y, item.x, item.y)
    if isinstance(item, Ellipse):
        # The tangents along the axes of the image touch it there, whichever way it is turned.
        turn = np.radians(item.angle)
        half_x = float(np.hypot(item.radius_x * np.cos(turn), item.radius_y * np.sin(turn)))
        half_y = float(np.hypot(item.radius_x * np.sin(turn), item.radius_y * np.cos(turn)))
        return item.x - half_x, item.y - half_y, item.x + half_x, item.y + half_y
    points = outline(item)
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def centre(item: FindingObject) -> Point | None:
    """x, y of the middle of an object's extent, in pixels; ``None`` of what lies nowhere."""
    box = extent(item)
    return ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2) if box is not None else None


def outline(item: FindingObject) -> tuple[Point, ...]:
    """The points that an object is drawn by, corners in their order; empty of masks, answers and landmarks outside."""
    if isinstance(item, Polygon | Polyline | Measurement):
        return item.points
    if isinstance(item, RotatedBox):
        return item.corners
    if isinstance(item, Ellipse):
        return item.outline(180)
    if isinstance(item, Box):
        return ((item.x0, item.y0), (item.x1, item.y0), (item.x1, item.y1), (item.x0, item.y1))
    if isinstance(item, Landmark) and not item.outside:
        return ((item.x, item.y),)
    return ()


def measured(item: FindingObject, measure: Measure, spacing: Spacing) -> Quantity | None:
    """What a measure of an object comes to; ``None`` where the object has none.

    Parameters
    ----------
    spacing
        Of the image; ``Spacing.unknown()`` gives pixels.
    """
    if measure is Measure.VALUE:
        return item.value(spacing) if isinstance(item, Measurement) else None
    if measure is Measure.AREA:
        pixels = area(item)
        return None if pixels is None else spacing.area(pixels)
    if measure is Measure.LENGTH:
        return length(item, spacing)
    box = extent(item)
    if box is None or isinstance(item, Landmark):
        return None
    x0, y0, x1, y1 = box
    return spacing.length((x0, y0), (x1, y0) if measure is Measure.WIDTH else (x0, y1))


def area(item: FindingObject) -> float | None:
    """Square pixels; ``None`` of what has no area."""
    if isinstance(item, Mask):
        return float(np.count_nonzero(item.crop))
    if isinstance(item, Box | RotatedBox):
        return item.width * item.height
    if isinstance(item, Ellipse):
        return item.area
    if isinstance(item, Polygon):
        x, y = np.asarray(item.points).T
        return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
    return None


def length(item: FindingObject, spacing: Spacing) -> Quantity | None:
    """See :class:`Measure`; ``None`` of what has no length."""
    if isinstance(item, Polyline | Line):
        return spacing.length(*item.points)
    if isinstance(item, Box | RotatedBox):
        first, second, third, _ = outline(item)
        sides = spacing.length(first, second), spacing.length(second, third)
        return max(sides, key=lambda side: side.value)
    if isinstance(item, Mask):
        points = _rim(item.crop)
    elif isinstance(item, Polygon | Ellipse):
        points = np.asarray(outline(item), float)
    else:
        return None
    return spacing.length(*farthest(points, spacing)) if len(points) else None


def farthest(points: np.ndarray, spacing: Spacing) -> tuple[Point, Point]:
    """The two of ``points``, (N, 2) of x, y, that are farthest from each other in the spacing's unit."""
    if len(points) > FEW:
        from scipy.spatial import ConvexHull

        # Moved by a hair, so that points on one line have a hull, too.
        points = points[ConvexHull(points, qhull_options="QJ").vertices]
    scaled = points * (spacing.column, spacing.row)
    x, y = scaled.T
    squares = np.subtract.outer(x, x) ** 2 + np.subtract.outer(y, y) ** 2
    first, second = np.unravel_index(int(squares.argmax()), squares.shape)
    (x0, y0), (x1, y1) = points[first].tolist(), points[second].tolist()
    return (x0, y0), (x1, y1)


def _rim(crop: np.ndarray) -> np.ndarray:
    """Corners of the first and the last pixel of every row of a mask that has any, (N, 2) of x, y within the crop."""
    first = crop.argmax(axis=1)
    rows = np.flatnonzero(crop[np.arange(len(crop)), first])
    last = crop.shape[1] - 0.5 - crop[rows, ::-1].argmax(axis=1)
    first = first[rows] - 0.5
    x = np.concatenate((first, last, first, last))
    y = np.concatenate((rows - 0.5, rows - 0.5, rows + 0.5, rows + 0.5))
    return np.stack((x, y), axis=1)
