"""Live wire: the path between two points that runs along an edge (Mortensen and Barrett, 1995).

The path is the cheapest one over pixels, where a pixel costs little on a strong edge and much in a flat area. An edge
counts by how far it runs and falls as the edges at the two ends do, so that a rib that crosses the border of a lung
does not lead the path astray.
"""

from __future__ import annotations

import math

import numpy as np

SIGMA = 2.0
"""Pixels by which noise is smoothed before edges are looked for."""
AROUND = 4.0
"""Pixels around an end whose edges say which way the edge there runs, and on which side it is bright."""
FLAT = 0.4
"""What a step costs at least: it keeps the path from wandering along an edge and back."""
MARGIN = 0.15
"""The path may leave the rectangle around its ends by so much of their distance."""
LEAST_MARGIN = 16
LARGEST = 320
"""Longest side, in pixels, of what a path is searched in: longer edges are followed on a reduced image."""
TOLERANCE = 0.75
"""Pixels by which corners that are left out may lie beside the line without them."""


class LiveWire:
    """Follows the edges of one image.

    Parameters
    ----------
    display
        (rows, columns) display values, any real type.
    """

    def __init__(self, display: np.ndarray) -> None:
        if display.ndim != 2:
            raise ValueError(f"An image has two axes (rows, columns); this one has the shape {display.shape}.")
        self._display = display

    def path(self, start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
        """Corners of the line from ``start`` to ``end`` along the edge between them, both included.

        Points are x, y in pixels of the image, centres at integers; points outside it are taken to its border for the
        search, and stay what they are in the result.
        """
        from skimage.graph import route_through_array
        from skimage.measure import approximate_polygon

        top, bottom, left, right = self._window(start, end)
        part = np.asarray(self._display[top:bottom, left:right], np.float32)
        step = max(1, math.ceil(max(part.shape) / LARGEST))
        part = _reduced(part, step)
        first, last = (self._cell(point, (left, top), step, part.shape) for point in (start, end))
        if first == last:
            return [start, end]
        costs = _costs(part, first, last)
        cells, _ = route_through_array(costs, first, last, fully_connected=True, geometric=True)
        # A cell stands for step x step pixels: its centre.
        middle = (step - 1) / 2
        line = np.asarray(cells, float)[:, ::-1] * step + middle + (left, top)
        line[0], line[-1] = start, end
        corners = approximate_polygon(line, TOLERANCE * step)
        return [(float(x), float(y)) for x, y in corners]

    def outline(self, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        """A closed outline through ``points`` whose sides follow the edges; the last point is not repeated.

        Raises
        ------
        ValueError
            There are too few points.
        """
        if len(points) < 3:
            raise ValueError(f"An outline needs at least 3 points; there are {len(points)}.")
        corners: list[tuple[float, float]] = []
        for start, end in zip(points, [*points[1:], points[0]], strict=True):
            corners += self.path(start, end)[:-1]
        return corners

    def _window(self, start: tuple[float, float], end: tuple[float, float]) -> tuple[int, int, int, int]:
        rows, columns = self._display.shape
        margin = max(LEAST_MARGIN, MARGIN * math.dist(start, end))
        (x0, x1), (y0, y1) = sorted((start[0], end[0])), sorted((start[1], end[1]))
        left, right = _within(x0 - margin, columns), _within(x1 + margin, columns)
        top, bottom = _within(y0 - margin, rows), _within(y1 + margin, rows)
        return top, bottom + 1, left, right + 1

    @staticmethod
    def _cell(
        point: tuple[float, float], origin: tuple[int, int], step: int, shape: tuple[int, ...]
    ) -> tuple[int, int]:
        row, column = (round(point[axis] - origin[axis]) // step for axis in (1, 0))
        return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)


def _within(value: float, size: int) -> int:
    return int(min(max(round(value), 0), size - 1))


def _reduced(part: np.ndarray, step: int) -> np.ndarray:
    """The mean of each cell of ``step`` x ``step`` pixels."""
    if step == 1:
        return part
    rows, columns = part.shape[0] // step, part.shape[1] // step
    cells: np.ndarray = part[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    return cells


def _costs(part: np.ndarray, first: tuple[int, int], last: tuple[int, int]) -> np.ndarray:
    """What each pixel costs on a way from ``first`` to ``last`` (row, column): FLAT to 1 + FLAT."""
    from scipy import ndimage

    across = ndimage.gaussian_filter(part, SIGMA, order=(0, 1))
    down = ndimage.gaussian_filter(part, SIGMA, order=(1, 0))
    around = [ndimage.gaussian_filter(slope, AROUND) for slope in (across, down)]
    (x0, y0), (x1, y1) = (_direction(around[0][cell], around[1][cell]) for cell in (first, last))
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    to_first, to_last = (np.hypot(rows - cell[0], columns - cell[1]) for cell in (first, last))
    near = to_last / (to_first + to_last)
    # Between the ends the direction in which an edge falls goes over from the one to the other.
    x, y = x0 * near + x1 * (1 - near), y0 * near + y1 * (1 - near)
    edges = np.maximum(across * x + down * y, 0.0)
    # The strongest few edges of the neighbourhood would make the one that is wanted look flat.
    strong = float(np.percentile(edges, 97))
    flat: np.ndarray = 1.0 - np.clip(edges / strong, 0.0, 1.0) if strong > 0 else np.ones_like(part)
    return flat.astype(np.float64) ** 2 + FLAT


def _direction(across: float, down: float) -> tuple[float, float]:
    """A slope as a vector of length 1, or 0 where there is none."""
    length = float(np.hypot(across, down))
    return (across / length, down / length) if length else (0.0, 0.0)
