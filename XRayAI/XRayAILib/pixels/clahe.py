"""Contrast-limited adaptive histogram equalisation (Zuiderveld, Graphics Gems IV, 1994).

Written out here because a reader moves a slider and waits: scikit-image's takes many times as long
(``Testing/Benchmarks/enhance.py``), and neither it nor SimpleITK's leaves out pixels that are no image.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

BINS = 256
LEVELS = 1 << 14
"""Grey levels that are told apart; those of one bin are mapped to between the results of this bin and the next."""


def equalised(image: np.ndarray, inside: np.ndarray | None, tiles: int, limit: float) -> np.ndarray:
    """Equalise each part of an image by itself, with no jump between the parts.

    Parameters
    ----------
    image
        float32 (rows, columns), 0..1.
    inside
        What counts for the histograms, bool (rows, columns); ``None`` for all.
    tiles
        Parts along the longest side.
    limit
        How many times steeper the contrast may become; 1 leaves it as it is.

    Returns
    -------
    float32 (rows, columns), 0..1.
    """
    rows, columns = image.shape
    side = max(rows, columns) / tiles
    down, across = min(rows, max(1, round(rows / side))), min(columns, max(1, round(columns / side)))
    level = (image * np.float32(LEVELS - 1) + np.float32(0.5)).astype(np.uint16)
    bins = (level // (LEVELS // BINS)).astype(np.uint8)
    row_ends = np.linspace(0, rows, down + 1).round().astype(int)
    column_ends = np.linspace(0, columns, across + 1).round().astype(int)
    curves = np.empty((down, across, LEVELS), np.float32)
    whole = _curve(bins if inside is None else bins[inside], limit)
    for i in range(down):
        for j in range(across):
            part = slice(row_ends[i], row_ends[i + 1]), slice(column_ends[j], column_ends[j + 1])
            values = bins[part] if inside is None else bins[part][inside[part]]
            # A part with next to nothing in it has no histogram of its own.
            curves[i, j] = _curve(values, limit) if values.size >= BINS // 4 else whole
    return _interpolated(level, curves, row_ends, column_ends)


def _curve(values: np.ndarray, limit: float) -> np.ndarray:
    """The result 0..1 of each grey level, by the clipped histogram of its bins."""
    counts = np.bincount(values.ravel(), minlength=BINS).astype(float)
    if not counts.sum():
        counts += 1
    counts /= counts.mean()
    # What is cut off is spread over all bins, which lifts some above the limit again: find the cut that ends there.
    low, high = 0.0, limit
    for _step in range(20):
        cut = (low + high) / 2
        low, high = (cut, high) if cut + 1 - np.minimum(counts, cut).mean() < limit else (low, cut)
    counts = np.minimum(counts, low)
    counts += 1 - counts.mean()
    ends = np.concatenate([[0.0], np.cumsum(counts)]) / BINS
    curve: np.ndarray = np.interp(np.arange(LEVELS) / (LEVELS - 1), np.linspace(0, 1, BINS + 1), ends)
    return curve.astype(np.float32)


def _interpolated(level: np.ndarray, curves: np.ndarray, row_ends: np.ndarray, column_ends: np.ndarray) -> np.ndarray:
    """Each pixel by the curves of the four parts whose centres surround it."""
    down, across = curves.shape[:2]
    row_centres = (row_ends[:-1] + row_ends[1:] - 1) / 2
    column_centres = (column_ends[:-1] + column_ends[1:] - 1) / 2
    result = np.empty(level.shape, np.float32)
    for i, (top, bottom) in enumerate(_cells(row_centres, level.shape[0])):
        for j, (left, right) in enumerate(_cells(column_centres, level.shape[1])):
            y = _weight(np.arange(top, bottom), row_centres, i)[:, None]
            x = _weight(np.arange(left, right), column_centres, j)[None, :]
            first, second = curves[max(i - 1, 0)], curves[min(i, down - 1)]
            start, end = max(j - 1, 0), min(j, across - 1)
            at = level[top:bottom, left:right]
            above, below = first[start][at], second[start][at]
            above += x * (first[end][at] - above)
            below += x * (second[end][at] - below)
            result[top:bottom, left:right] = above + y * (below - above)
    return result


def _cells(centres: np.ndarray, length: int) -> list[tuple[int, int]]:
    """The ranges of pixels before the first centre, between two centres, and after the last."""
    ends = [0, *np.ceil(centres).astype(int).tolist(), length]
    return list(pairwise(ends))


def _weight(places: np.ndarray, centres: np.ndarray, cell: int) -> np.ndarray:
    """How much the later of two neighbouring centres counts, 0..1."""
    if cell in (0, len(centres)):
        return np.zeros(len(places), np.float32)
    before, after = centres[cell - 1], centres[cell]
    return ((places - before) / (after - before)).astype(np.float32)
