"""The outlines of a COCO file, looked at all at once: a file can have a million, and nearly all are in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from XRayAILib.exchange.foreign_objects import OFFSET

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Outlines:
    """Outlines about which there is no doubt but whether they are inside the image.

    Attributes
    ----------
    places
        Id of the annotation -> place of its outline in the arrays; others have to be looked at by themselves.
    x, y
        The points of all outlines, one behind the other, in our coordinates.
    starts
        Where each begins, and last where they end.
    low, high
        (number of outlines, 2): least and greatest x and y of each, with 0 on the outer corner of the first pixel.
    """

    places: dict[int, int]
    x: np.ndarray
    y: np.ndarray
    starts: list[int]
    low: list[list[float]]
    high: list[list[float]]

    @classmethod
    def of(cls, annotations: Iterable[dict[str, Any]]) -> Outlines:
        """Those of annotations with one outline of three points and more, which goes around its middle once."""
        ids: list[int] = []
        lists: list[list[float]] = []
        for annotation in annotations:
            parts = annotation.get("segmentation")
            if isinstance(parts, list) and len(parts) == 1 and isinstance(parts[0], list) and _is_plain(parts[0]):
                ids.append(annotation["id"])
                lists.append(parts[0])
        if not lists:
            return cls({}, np.zeros(0), np.zeros(0), [0], [], [])
        counts = np.array([len(values) // 2 for values in lists])
        points = np.fromiter(chain.from_iterable(lists), float, 2 * int(counts.sum())).reshape(-1, 2)
        ends = np.cumsum(counts)
        starts = ends - counts
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        good = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1) & _go_around_once(points, starts, counts)
        places = {ids[place]: place for place in np.flatnonzero(good).tolist()}
        x, y = np.ascontiguousarray(points.T) - OFFSET
        return cls(places, x, y, [*starts.tolist(), int(ends[-1])], low.tolist(), high.tolist())

    def inside(self, annotation_id: int, shape: tuple[int, int]) -> Points | None:
        """The points of an annotation's outline, where it is one of these and inside an image of (rows, columns)."""
        place = self.places.get(annotation_id)
        if place is None:
            return None
        (x0, y0), (x1, y1) = self.low[place], self.high[place]
        if x0 < 0 or y0 < 0 or x1 > shape[1] or y1 > shape[0]:
            return None
        here = slice(self.starts[place], self.starts[place + 1])
        return tuple(zip(self.x[here].tolist(), self.y[here].tolist(), strict=True))


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
