"""Which pixels an object covers, and what of it lies inside another: any two kinds of shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.measures import extent, measured, outline
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.rule import Measure
from XRayAILib.findings.shapes import Ellipse, Point, RotatedBox
from XRayAILib.pixels.crossing import crosses_itself
from XRayAILib.pixels.fill import fill_polygon

STEP = 1.0
"""Pixels between the places at which a line is looked at."""


class Region:
    """An object by its pixels, computed when they are asked for and only around the object.

    Parameters
    ----------
    shape
        (rows, columns) of the radiograph; what lies beyond is cut off.
    known
        A region of the same pixels, whose measures serve again.

    Attributes
    ----------
    extent, is_placed
        See :func:`XRayAILib.findings.measures.extent`; nothing but zeros where the object lies nowhere.
    window
        First row, first column, row after the last, column after the last.
    """

    def __init__(self, item: FindingObject, shape: tuple[int, int], known: Region | None = None) -> None:
        self.item = item
        self.has_area = isinstance(item, Mask | Box | RotatedBox | Ellipse | Polygon)
        box = extent(item)
        self.is_placed = box is not None
        self.extent = x0, y0, x1, y1 = box or (0.0, 0.0, 0.0, 0.0)
        row0, row1 = (min(max(_round_up(y), 0), shape[0]) for y in (y0, y1))
        column0, column1 = (min(max(_round_up(x), 0), shape[1]) for x in (x0, x1))
        self.window = row0, column0, row1, column1
        self._measured: dict[tuple[Measure, Spacing], Quantity | None] = known._measured if known else {}

    @property
    def middle(self) -> Point:
        """x, y of the middle of the extent."""
        x0, y0, x1, y1 = self.extent
        return (x0 + x1) / 2, (y0 + y1) / 2

    def measured(self, measure: Measure, spacing: Spacing) -> Quantity | None:
        """See :func:`XRayAILib.findings.measures.measured`."""
        if (measure, spacing) not in self._measured:
            self._measured[measure, spacing] = measured(self.item, measure, spacing)
        return self._measured[measure, spacing]

    @cached_property
    def pixels(self) -> np.ndarray:
        """Boolean array of the window: the pixels whose centres lie inside."""
        row0, column0, row1, column1 = self.window
        size = row1 - row0, column1 - column0
        if isinstance(self.item, Mask):
            return self.item.crop
        if isinstance(self.item, Box):
            return np.ones(size, bool)
        if not self.has_area or not size[0] or not size[1]:
            return np.zeros(size, bool)
        return fill_polygon(np.asarray(outline(self.item)) - (column0, row0), size)

    @cached_property
    def crosses_itself(self) -> bool:
        """Whether it is a polygon whose line crosses itself, so that it is not clear which pixels are meant."""
        return isinstance(self.item, Polygon) and crosses_itself(np.asarray(self.item.points, float))

    @cached_property
    def count(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.pixels))

    @cached_property
    def places(self) -> np.ndarray:
        """(N, 2) of x, y along the lines of an object without area, at most a pixel from each other."""
        points = np.asarray(outline(self.item), float).reshape(-1, 2)
        if len(points) < 2:
            return points
        found = [points[:1]]
        for start, end in self.strokes:
            steps = max(math.ceil(float(np.hypot(*(end - start))) / STEP), 1)
            found.append(start + (end - start) * np.linspace(0, 1, steps + 1)[:, None])
        return np.concatenate(found)

    @property
    def strokes(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The straight pieces of an object without area."""
        points = np.asarray(outline(self.item), float).reshape(-1, 2)
        pairs = getattr(self.item, "strokes", None) or [(i, i + 1) for i in range(len(points) - 1)]
        return [(points[start], points[end]) for start, end in pairs]

    def covers(self, places: np.ndarray) -> np.ndarray:
        """Whether each of ``places``, (N, 2) of x, y, lies on a pixel of this region."""
        row0, column0, row1, column1 = self.window
        columns, rows = np.floor(places + 0.5).astype(np.int64).T
        within = (rows >= row0) & (rows < row1) & (columns >= column0) & (columns < column1)
        found = np.zeros(len(places), bool)
        found[within] = self.pixels[rows[within] - row0, columns[within] - column0]
        return found


def _round_up(value: float) -> int:
    """The first pixel centre at or after ``value``; far away it is cut, so that no number is too large."""
    return math.ceil(min(max(value, -1e9), 1e9))


def share_inside(region: Region, others: Sequence[Region]) -> float:
    """How much of a region, 0..1, lies in any of ``others``: of its pixels, or of the length of its lines."""
    if region.has_area and region.count:
        return _overlap(region, others) / region.count
    places = region.places
    if region.has_area:  # smaller than a pixel: its middle says where it lies
        places = np.array([region.middle])
    if not len(places):
        return 0.0
    inside = np.zeros(len(places), bool)
    for other in others:
        inside |= other.covers(places)
    return float(inside.mean())


def share_crossed(region: Region, other: Region) -> float:
    """How much of a region, 0..1, another one crosses; of two lines it is 1 where they cross anywhere."""
    if other.has_area:
        return share_inside(region, [other])
    if region.has_area:
        return share_inside(other, [region])
    return float(any(_cross(*one, *two) for one in region.strokes for two in other.strokes))


def _overlap(region: Region, others: Sequence[Region]) -> int:
    """Number of pixels of a region that lie in any of the others."""
    shared: list[tuple[tuple[int, int, int, int], np.ndarray]] = []
    for other in others:
        both = _common(region.window, other.window)
        if both is not None:
            shared.append((both, _cut(region, both) & _cut(other, both)))
    if len(shared) == 1:
        return int(np.count_nonzero(shared[0][1]))
    # Where two of the others overlap each other, a pixel must not count twice.
    union = np.zeros(region.pixels.shape, bool) if shared else np.zeros((0, 0), bool)
    row, column = region.window[:2]
    for (row0, column0, row1, column1), pixels in shared:
        union[row0 - row : row1 - row, column0 - column : column1 - column] |= pixels
    return int(np.count_nonzero(union))


def _common(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    row0, column0 = max(one[0], two[0]), max(one[1], two[1])
    row1, column1 = min(one[2], two[2]), min(one[3], two[3])
    return (row0, column0, row1, column1) if row0 < row1 and column0 < column1 else None


def _cut(region: Region, window: tuple[int, int, int, int]) -> np.ndarray:
    row, column = region.window[:2]
    return region.pixels[window[0] - row : window[2] - row, window[1] - column : window[3] - column]


def _cross(start: np.ndarray, end: np.ndarray, other_start: np.ndarray, other_end: np.ndarray) -> bool:
    """Whether two straight pieces meet."""

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    first, second = side(start, end, other_start), side(start, end, other_end)
    third, fourth = side(other_start, other_end, start), side(other_start, other_end, end)
    if first == second == third == fourth == 0:  # on one line: they meet where their extents do
        low = np.maximum(np.minimum(start, end), np.minimum(other_start, other_end))
        high = np.minimum(np.maximum(start, end), np.maximum(other_start, other_end))
        return bool((low <= high).all())
    return first * second <= 0 and third * fourth <= 0
