"""Consensus of points: landmarks and measurements by mean or median, coordinate by coordinate."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Landmark
from XRayAILib.findings.shapes import Point


class Centre(str, Enum):
    """What stands for several points. One reader far off moves the mean, and hardly the median."""

    MEAN = "mean"
    MEDIAN = "median"


def middle(points: Sequence[Sequence[float]], centre: Centre) -> Point:
    """The mean or the median of points, x and y each by itself."""
    of = np.mean if centre is Centre.MEAN else np.median
    x, y = of(np.asarray(points, float), axis=0)
    return float(x), float(y)


def landmark(points: Sequence[Landmark], centre: Centre) -> dict[str, object]:
    """The values of a landmark that several readers set: its place, and by majority whether it is visible.

    It is outside the image where more than half of the readers say so; the others' points take no part in the place
    where it is not. A tie counts as inside, and as not visible.
    """
    inside = [point for point in points if not point.outside]
    outside = 2 * (len(points) - len(inside)) > len(points)
    x, y = middle([(point.x, point.y) for point in (points if outside else inside)], centre)
    visible = not outside and 2 * sum(point.visible for point in inside) > len(inside)
    return {"x": x, "y": y, "visible": visible, "outside": outside}


def measurement_points(items: Sequence[Measurement], centre: Centre) -> tuple[Point, ...]:
    """The points of a measurement that several readers drew.

    The ends of a line are paired as they lie, not as they were drawn: each line is turned the way that brings its ends
    nearer to those of the first reader's.
    """
    aligned = [_aligned(item, items[0]) for item in items]
    return tuple(middle([points[i] for points in aligned], centre) for i in range(len(items[0].points)))


def _aligned(item: Measurement, first: Measurement) -> list[Point]:
    points = list(item.points)
    ends = [i for stroke in item.strokes for i in stroke]
    if len(ends) != len(set(ends)):  # the arms of an angle share its corner: both may be exchanged, none turned
        swapped = [points[2], points[1], points[0]]
        return min(points, swapped, key=lambda way: _apart(way, first.points))
    for start, end in item.strokes:
        straight = _apart([points[start], points[end]], [first.points[start], first.points[end]])
        turned = _apart([points[end], points[start]], [first.points[start], first.points[end]])
        if turned < straight:
            points[start], points[end] = points[end], points[start]
    return points


def _apart(one: Sequence[Point], other: Sequence[Point]) -> float:
    return float(np.hypot(*(np.asarray(one) - np.asarray(other)).T).sum())
