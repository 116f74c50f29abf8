"""Pieces of ink side by side as lines of writing, each with how much it looks like writing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.pixels.strokes import Strokes

_WIDEST_GAP, _DEEPEST_OVERLAP = 1.4, 0.35
"""Between two letters that follow each other, in heights of the taller one; a space between words is half of it."""


@dataclass(frozen=True, eq=False)
class Line:
    """Pieces of ink in a row, as found in one scale.

    Attributes
    ----------
    box
        left, top, right, bottom, outer edges in pixels of its scale (pixel i spans i..i + 1).
    height
        Of its letters: the median.
    features
        (F,) what :data:`FEATURES` names.
    """

    box: tuple[float, float, float, float]
    height: float
    features: np.ndarray


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


def lines_of(strokes: Strokes, ink_sum: np.ndarray) -> list[Line]:
    """The rows of at least three letters, or of something as long, running across.

    Parameters
    ----------
    ink_sum
        (rows + 1, columns + 1) summed-area table of the ink, transposed where the strokes are.
    """
    if not len(strokes):
        return []
    group = _joined(strokes)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0])
    lines = []
    for start, end in zip(starts, np.r_[starts[1:], len(order)], strict=True):
        pieces = order[start:end]
        left, right = strokes.left[pieces].min(), strokes.right[pieces].max()
        height = float(np.median(strokes.height[pieces]))
        if right - left >= 2.0 * height and (end - start >= 3 or right - left >= 3.0 * height):
            box = float(left), float(strokes.top[pieces].min()), float(right), float(strokes.bottom[pieces].max())
            lines.append(Line(box, height, _features(strokes, pieces, ink_sum)))
    return lines


def _joined(strokes: Strokes) -> np.ndarray:
    """For each piece the number of its row."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = _neighbours(strokes)
    matrix = coo_matrix((np.ones(len(first), bool), (first, second)), (len(strokes),) * 2)
    return connected_components(matrix, directed=False)[1]


def _neighbours(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of pieces of which the second follows the first like the next letter."""
    from scipy.spatial import cKDTree

    height, middle = strokes.height, (strokes.top + strokes.bottom) / 2
    stroke = np.minimum(strokes.run_across, strokes.run_down)
    pairs = []
    # Within one class of heights, the search need not reach as far as the tallest letter would.
    for least, most in ((3, 8), (6, 16), (12, 32), (24, 1000)):
        which = np.flatnonzero((height >= least) & (height <= most))
        if len(which) < 2:
            continue
        reach = _WIDEST_GAP * min(most, height[which].max())
        ends = cKDTree(np.stack([strokes.right[which], 2 * middle[which]], 1))
        begins = cKDTree(np.stack([strokes.left[which], 2 * middle[which]], 1))
        near = ends.sparse_distance_matrix(begins, reach, p=np.inf, output_type="coo_matrix")
        pairs.append(which[np.stack([near.row, near.col], 1)])
    if not pairs:
        return np.empty(0, int), np.empty(0, int)
    first, second = np.unique(np.concatenate(pairs), axis=0).T
    taller, lower = np.maximum(height[first], height[second]), np.minimum(height[first], height[second])
    gap = strokes.left[second] - strokes.right[first]
    follows = (
        (first != second)
        & (strokes.left[second] > strokes.left[first])
        & (gap <= _WIDEST_GAP * taller)
        & (gap >= -_DEEPEST_OVERLAP * lower)
        & (np.abs(middle[first] - middle[second]) <= 0.5 * taller)
        & (lower >= 0.4 * taller)
        & _alike(strokes.contrast, first, second, 0.55)
        & _alike(stroke, first, second, 0.45)
    )
    return first[follows], second[follows]


def _alike(values: np.ndarray, first: np.ndarray, second: np.ndarray, least: float) -> np.ndarray:
    a, b = values[first], values[second]
    return np.asarray(np.minimum(a, b) >= least * np.maximum(a, b))


def _features(strokes: Strokes, pieces: np.ndarray, ink_sum: np.ndarray) -> np.ndarray:
    part = strokes.chosen(pieces[np.argsort(strokes.left[pieces])])
    height = float(np.median(part.height))
    length = float(part.right.max() - part.left.min())
    stroke = np.minimum(part.run_across, part.run_down)
    gaps = (part.left[1:] - part.right[:-1]) / height if len(part) > 1 else np.zeros(1)
    ink = float(part.area.sum())
    around = _sum(ink_sum, part.left.min() - height, part.top.min() - height, part.right.max() + height,
                  part.bottom.max() + height)  # fmt: skip
    return np.array(
        [
            np.log(len(part)),
            np.log(length / height),
            np.log(height),
            np.std(part.height) / height,
            _crooked(part) / height,
            np.log(part.contrast.mean()),
            np.std(part.contrast) / part.contrast.mean(),
            np.average(part.sharpness, weights=part.area),
            part.sharpness.max(),
            np.average(part.evenness, weights=part.area),
            np.average(stroke, weights=part.area) / height,
            np.std(stroke) / stroke.mean(),
            ink / (length * height),
            np.median(gaps),
            np.std(gaps),
            (around - ink) / ink,
        ],
        np.float32,
    )


def _crooked(part: Strokes) -> float:
    """How far the upper or the lower ends of the letters lie from a straight line, whichever is the straighter."""
    x = (part.left + part.right) / 2
    x = x - x.mean()
    spread = float(x @ x)
    deviations = []
    for y in (part.top, part.bottom):
        y = y - y.mean()
        slope = float(x @ y) / spread if spread > 0 else 0.0
        deviations.append(float(np.median(np.abs(y - slope * x))))
    return min(deviations)


def _sum(table: np.ndarray, left: float, top: float, right: float, bottom: float) -> float:
    rows, columns = table.shape
    y0, y1 = (int(np.clip(v, 0, rows - 1)) for v in (top, bottom))
    x0, x1 = (int(np.clip(v, 0, columns - 1)) for v in (left, right))
    return float(table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0])
