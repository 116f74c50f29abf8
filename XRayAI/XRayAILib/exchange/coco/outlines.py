"""The outlines of a COCO file, looked at all at once: a file can have a million, and nearly all are in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from XRayAILib.exchange.foreign_objects import OFFSET

Points = tuple[tuple[float, float], ...]


TOGETHER = 1000
"""Outlines that are looked at at once: arrays of a few hundred kilobytes, which fit into a processor's cache."""


@dataclass(frozen=True)
class _Part:
    """Some outlines.

    Attributes
    ----------
    x, y
        The points of all outlines, one behind the other, in our coordinates.
    starts
        Where each begins, and last where they end.
    low, high
        (number of outlines, 2): least and greatest x and y of each, with 0 on the outer corner of the first pixel.
    good
        Those that are finite and go around their middle once.
    """

    x: np.ndarray
    y: np.ndarray
    starts: list[int]
    low: list[list[float]]
    high: list[list[float]]
    good: list[int]

    @classmethod
    def of(cls, lists: Sequence[list[float]]) -> _Part:
        """Outlines as the file has them: x and y in turn."""
        counts = np.array([len(values) // 2 for values in lists])
        points = np.fromiter(chain.from_iterable(lists), float, 2 * int(counts.sum())).reshape(-1, 2)
        ends = np.cumsum(counts)
        starts = ends - counts
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        good = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1) & _go_around_once(points, starts, counts)
        x, y = np.ascontiguousarray(points.T) - OFFSET
        borders = [*starts.tolist(), int(ends[-1])]
        return cls(x, y, borders, low.tolist(), high.tolist(), np.flatnonzero(good).tolist())


@dataclass(frozen=True)
class Outlines:
    """Outlines about which there is no doubt but whether they are inside the image.

    Attributes
    ----------
    places
        Id of the annotation -> where its outline is; others have to be looked at by themselves.
    """

    places: dict[int, tuple[_Part, int]]

    @classmethod
    def of(cls, annotations: Iterable[dict[str, Any]]) -> Outlines:
        """Those of annotations with one outline of three points and more, which goes around its middle once."""
        plain: list[tuple[int, list[float]]] = []
        for annotation in annotations:
            parts = annotation.get("segmentation")
            if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], list) and _is_plain(parts[0]):
                plain.append((annotation["id"], parts[0]))
        places: dict[int, tuple[_Part, int]] = {}
        for begin in range(0, len(plain), TOGETHER):
            some = plain[begin : begin + TOGETHER]
            part = _Part.of([values for _, values in some])
            places.update((some[place][0], (part, place)) for place in part.good)
        return cls(places)

    def inside(self, annotation_id: int, shape: tuple[int, int]) -> Points | None:
        """The points of an annotation's outline, where it is one of these and inside an image of (rows, columns)."""
        found = self.places.get(annotation_id)
        if found is None:
            return None
        part, place = found
        (x0, y0), (x1, y1) = part.low[place], part.high[place]
        if x0 < 0 or y0 < 0 or x1 > shape[1] or y1 > shape[0]:
            return None
        here = slice(part.starts[place], part.starts[place + 1])
        return tuple(zip(part.x[here].tolist(), part.y[here].tolist(), strict=True))


def _is_plain(values: list[Any]) -> bool:
    return len(values) >= 6 and not len(values) % 2 and set(map(type, values)) <= {float, int}


def _go_around_once(points: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which outlines go once around their middle, always onward: such a one cannot cross itself."""
    following = np.arange(1, len(points) + 1)
    following[starts + counts - 1] = starts
    with np.errstate(invalid="ignore"):  # what is not finite is looked at by itself
        middle = np.repeat(np.add.reduceat(points, starts) / counts[:, None], counts, axis=0)
        (x0, y0), (x1, y1) = (points - middle).T, (points[following] - middle).T
        across = x0 * y1 - y0 * x1
        around = np.abs(np.add.reduceat(np.arctan2(across, x0 * x1 + y0 * y1), starts)) < 3 * np.pi
    onward = (np.minimum.reduceat(across, starts) > 0) | (np.maximum.reduceat(across, starts) < 0)
    return np.asarray(around & onward)
