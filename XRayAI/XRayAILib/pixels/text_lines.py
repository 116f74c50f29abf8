"""Pieces of ink side by side as lines, each with what tells writing from anatomy: letters of one height and pen,
standing on a line, with nothing around."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from XRayAILib.pixels.strokes import Strokes

FEATURES = (
    "pieces",
    "length",
    "height",
    "heights alike",
    "straight",
    "contrast",
    "contrasts alike",
    "sharp",
    "sharpest",
    "even",
    "stroke",
    "strokes alike",
    "filled",
    "gap",
    "gaps alike",
    "clutter",
)
"""What the columns of :attr:`Lines.features` are."""

_WIDEST_GAP, _DEEPEST_OVERLAP = 1.4, 0.35
"""Between two letters that follow each other, in heights of the taller one; a space between words is half of it."""

_CLASSES = ((3, 8), (6, 16), (12, 32), (24, 1000))
"""Heights that are joined with each other in one go: the search need not reach as far as the tallest letter would."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Rows of ink of one scale that run across.

    Attributes
    ----------
    boxes
        (N, 4) left, top, right, bottom: outer edges in pixels of the scale (pixel i spans i..i + 1).
    heights
        (N,) of the letters: the median.
    contrasts
        (N,) of the ink.
    features
        (N, F) what :data:`FEATURES` names.
    """

    boxes: np.ndarray
    heights: np.ndarray
    contrasts: np.ndarray
    features: np.ndarray


def lines_of(strokes: Strokes, ink: np.ndarray) -> Lines:
    """The rows of at least three letters, or of something as long, that run across.

    Parameters
    ----------
    ink
        Bool array (rows, columns); transposed where the strokes are.
    """
    row = _rows(strokes)
    order = np.lexsort((strokes.left, row))
    starts = np.flatnonzero(np.diff(row[order], prepend=-1))
    count = np.diff(np.append(starts, len(order)))
    length = np.maximum.reduceat(strokes.right[order], starts) - strokes.left[order][starts] if len(order) else count
    height = _median(strokes.height, row, starts, count)
    long = (length >= 2 * height) & ((count >= 3) | (length >= 3 * height))
    kept = strokes.chosen(order[np.repeat(long, count)])
    count = count[long]
    group = np.repeat(np.arange(len(count)), count)
    starts = np.cumsum(count) - count
    return _described(kept, group, starts, height[long], ink)


def grown(box: np.ndarray, height: float, contrast: float, strokes: Strokes) -> np.ndarray:
    """The box of a line with the pieces that go on where it ends: after a comma, or a word of two letters."""
    tall, box = strokes.height / height, box.copy()
    middle = (strokes.top + strokes.bottom) / 2
    like = (tall >= 0.3) & (tall <= 1.8) & (strokes.contrast >= 0.3 * contrast)
    # Where the ground changes, the same grey hardly stands out any more.
    like |= (tall >= 0.6) & (tall <= 1.25) & (strokes.contrast >= 0.08 * contrast)
    while True:
        beside = (middle > box[1]) & (middle < box[3])
        near = (strokes.left < box[2] + 1.8 * height) & (strokes.right > box[0] - 1.8 * height)
        new = like & beside & near
        larger = np.array(
            [
                min(box[0], strokes.left[new].min(initial=np.inf)),
                min(box[1], strokes.top[new].min(initial=np.inf)),
                max(box[2], strokes.right[new].max(initial=-np.inf)),
                max(box[3], strokes.bottom[new].max(initial=-np.inf)),
            ]
        )
        # A line may rise a little; what makes it much taller is not of it.
        if np.array_equal(larger, box) or larger[3] - larger[1] > 1.6 * (box[3] - box[1]):
            return box
        box = larger


def _rows(strokes: Strokes) -> np.ndarray:
    """For each piece the number of its row."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = _neighbours(strokes)
    matrix = coo_matrix((np.ones(len(first), bool), (first, second)), (len(strokes),) * 2)
    return np.asarray(connected_components(matrix, directed=False)[1])


def _neighbours(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of pieces of which the second follows the first like the next letter."""
    height, middle = strokes.height, (strokes.top + strokes.bottom) / 2
    pairs = np.concatenate([_near(strokes, middle, *limits) for limits in _CLASSES])
    first, second = np.unique(pairs, axis=0).T
    taller, lower = np.maximum(height[first], height[second]), np.minimum(height[first], height[second])
    gap = strokes.left[second] - strokes.right[first]
    follows = (
        (strokes.left[second] > strokes.left[first])
        & (gap <= _WIDEST_GAP * taller)
        & (gap >= -_DEEPEST_OVERLAP * lower)
        & (np.abs(middle[first] - middle[second]) <= 0.5 * taller)
        & (lower >= 0.4 * taller)
        & _alike(strokes.contrast, first, second, 0.55)
        & _alike(strokes.stroke, first, second, 0.45)
    )
    return first[follows], second[follows]


def _near(strokes: Strokes, middle: np.ndarray, least: float, most: float) -> np.ndarray:
    """(N, 2) pieces of a class of heights, the begin of the second near to the end of the first."""
    from scipy.spatial import cKDTree

    which = np.flatnonzero((strokes.height >= least) & (strokes.height <= most))
    if len(which) < 2:
        return np.empty((0, 2), int)
    reach = _WIDEST_GAP * min(most, strokes.height[which].max())
    # Twice as near in height: letters stand beside each other.
    ends = cKDTree(np.stack([strokes.right[which], 2 * middle[which]], 1))
    begins = cKDTree(np.stack([strokes.left[which], 2 * middle[which]], 1))
    near = ends.sparse_distance_matrix(begins, reach, p=np.inf, output_type="coo_matrix")
    return np.asarray(which[np.stack([near.row, near.col], 1)])


def _alike(values: np.ndarray, first: np.ndarray, second: np.ndarray, least: float) -> np.ndarray:
    a, b = values[first], values[second]
    return np.asarray(np.minimum(a, b) >= least * np.maximum(a, b))


def _median(values: np.ndarray, group: np.ndarray, starts: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The (upper) median of each group; ``starts`` and ``count`` are those of the sorted groups."""
    return np.asarray(values[np.lexsort((values, group))][starts + count // 2])


def _described(strokes: Strokes, group: np.ndarray, starts: np.ndarray, height: np.ndarray, ink: np.ndarray) -> Lines:
    """Lines and their features; the pieces are sorted by line and from left to right."""
    lines = len(starts)
    if not lines:
        return Lines(np.empty((0, 4)), np.empty(0), np.empty(0), np.empty((0, len(FEATURES))))
    count = np.bincount(group)

    def mean(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        if weights is None:
            return np.bincount(group, values, lines) / count
        return np.bincount(group, values * weights, lines) / np.bincount(group, weights, lines)

    def spread(values: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(mean(values**2) - mean(values) ** 2, 0))

    boxes = np.stack(
        [
            strokes.left[starts],
            np.minimum.reduceat(strokes.top, starts),
            np.maximum.reduceat(strokes.right, starts),
            np.maximum.reduceat(strokes.bottom, starts),
        ],
        axis=1,
    )
    length, area = boxes[:, 2] - boxes[:, 0], np.bincount(group, strokes.area, lines)
    contrast, stroke = mean(strokes.contrast), strokes.stroke
    follows = np.diff(group) == 0
    gaps = ((strokes.left[1:] - strokes.right[:-1]) / height[group[1:]])[follows]
    number = np.maximum(np.bincount(group[1:][follows], minlength=lines), 1)
    gap = np.bincount(group[1:][follows], gaps, lines) / number
    gap_spread = np.bincount(group[1:][follows], gaps**2, lines) / number - gap**2
    around = _sums(ink, boxes + height[:, None] * np.array([-1, -1, 1, 1]))
    columns = (
        np.log(count),
        np.log(length / height),
        np.log(height),
        spread(strokes.height) / height,
        _crooked(strokes, group, mean) / height,
        np.log(contrast),
        spread(strokes.contrast) / contrast,
        mean(strokes.sharpness, strokes.area),
        np.maximum.reduceat(strokes.sharpness, starts),
        mean(strokes.evenness, strokes.area),
        mean(stroke, strokes.area) / height,
        spread(stroke) / mean(stroke),
        area / (length * height),
        gap,
        np.sqrt(np.maximum(gap_spread, 0)),
        (around - area) / area,
    )
    return Lines(boxes, height, contrast, np.stack(columns, axis=1))


def _crooked(strokes: Strokes, group: np.ndarray, mean: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """How far the upper or the lower ends of the letters lie from a straight line, whichever is the straighter."""
    x = (strokes.left + strokes.right) / 2
    x = x - mean(x)[group]
    variance = np.maximum(mean(x * x), 1e-6)
    deviations = []
    for ends in (strokes.top, strokes.bottom):
        y = ends - mean(ends)[group]
        deviations.append(mean(np.abs(y - (mean(x * y) / variance)[group] * x)))
    return np.minimum(*deviations)


def _sums(ink: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(N,) pixels of ink in boxes (N, 4), which may reach beyond the image."""
    table = np.zeros((ink.shape[0] + 1, ink.shape[1] + 1), np.int32)
    np.cumsum(ink, 0, np.int32, table[1:, 1:])
    np.cumsum(table[1:, 1:], 1, out=table[1:, 1:])
    left, right = (np.clip(boxes[:, i], 0, ink.shape[1]).astype(int) for i in (0, 2))
    top, bottom = (np.clip(boxes[:, i], 0, ink.shape[0]).astype(int) for i in (1, 3))
    return np.asarray(table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left])
