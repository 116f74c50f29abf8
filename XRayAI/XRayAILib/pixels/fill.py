"""Polygons to pixels.

A pixel belongs to a polygon when its centre (integer coordinates) lies inside by the even-odd rule. Centres on the
outline count half-open: the left and upper border belongs to the polygon, the right and lower does not. So two polygons
that share an edge never share a pixel and leave none out, and a box from -0.5 to 9.5 fills exactly pixels 0 to 9.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def fill_polygon(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels inside one closed polygon.

    Parameters
    ----------
    points
        (N, 2) array of x, y in pixels of the image (centres at integers); the last point joins the first.
        Points may lie outside the image.
    shape
        (rows, columns) of the image.

    Returns
    -------
    Boolean array of ``shape``.

    Raises
    ------
    ValueError
        If the points are not (N, 2) with N of at least 3, or one of them is not finite.
    """
    return fill_polygons((points,), shape)


def fill_polygons(polygons: Iterable[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The pixels inside an odd number of the polygons, so that an outline within another one is a hole.

    Parameters, errors and coordinates as in :func:`fill_polygon`.
    """
    rows, columns = shape
    filled = np.zeros(shape, bool)
    crossings = [_crossings(_checked(points), rows, columns) for points in polygons]
    if not crossings or not columns:
        return filled
    # Row-major order; a closed outline crosses every row an even number of times, so starts and ends alternate.
    flat = np.sort(np.concatenate(crossings))
    row, column = np.divmod(flat, columns + 1)
    starts, ends = column[0::2], column[1::2]
    some = ends > starts
    for r, start, end in zip(row[0::2][some].tolist(), starts[some].tolist(), ends[some].tolist(), strict=True):
        filled[r, start:end] = True
    return filled


def _checked(points: np.ndarray) -> np.ndarray:
    points = np.asarray(points, float)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 3:
        raise ValueError(f"A polygon is an (N, 2) array of at least 3 points; this one has the shape {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("A polygon has a coordinate that is not a number.")
    return points


def _crossings(points: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Where the outline crosses the lines of pixel centres: row * (columns + 1) + first column at or right of it."""
    first, second = points, np.roll(points, -1, axis=0)
    # Every edge runs downward, whichever way the polygon goes: a shared edge then rounds alike in both polygons.
    downward = (first[:, 1] <= second[:, 1])[:, None]
    top, bottom = np.where(downward, first, second), np.where(downward, second, first)
    begin = np.clip(np.ceil(top[:, 1]), 0, rows).astype(np.int64)
    end = np.clip(np.ceil(bottom[:, 1]), 0, rows).astype(np.int64)
    count = end - begin
    edge = np.repeat(np.arange(len(points)), count)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + begin[edge]
    (x0, y0), (x1, y1) = top[edge].T, bottom[edge].T
    x = x0 + (row - y0) / (y1 - y0) * (x1 - x0)
    return row * (columns + 1) + np.clip(np.ceil(x), 0, columns).astype(np.int64)
