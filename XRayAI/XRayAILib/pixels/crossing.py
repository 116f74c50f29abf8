"""Outlines that cross themselves."""

from __future__ import annotations

import numpy as np


def crosses_itself(points: np.ndarray) -> bool:
    """Whether two edges of a closed polygon (N, 2) cross in their inner parts.

    Edges that touch in a corner or run along each other do not count: outlines of pixels do both.
    """
    if len(points) < 4:
        return False
    start = np.ascontiguousarray(points, float)
    end = np.concatenate([start[1:], start[:1]])
    if _goes_around_once(start, end):
        return False
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.argsort(low[:, 0], kind="stable")
    start, end, low, high = start[order], end[order], low[order], high[order]
    # Sorted by their left ends, an edge can only meet those that begin before it ends.
    last = np.searchsorted(low[:, 0], high[:, 0], side="right")
    count = last - np.arange(len(points)) - 1
    one = np.repeat(np.arange(len(points)), count)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    near = (low[one, 1] <= high[other, 1]) & (low[other, 1] <= high[one, 1])
    one, other = one[near], other[near]
    a, b, c, d = start[one], end[one], start[other], end[other]
    apart = _turn(a, b, c) * _turn(a, b, d) < 0
    return bool((apart & (_turn(c, d, a) * _turn(c, d, b) < 0)).any())


def _goes_around_once(start: np.ndarray, end: np.ndarray) -> bool:
    """Whether the outline goes once around its middle, always onward: most do, and such a one cannot cross itself."""
    # As complex numbers, from the middle: the turn from one to the next has the sign of the imaginary part.
    first, second = start.view(complex).ravel(), end.view(complex).ravel()
    middle = first.sum() / len(first)
    turns = (second - middle) * (first - middle).conj()
    if not ((turns.imag > 0).all() or (turns.imag < 0).all()):
        return False
    return bool(abs(np.arctan2(turns.imag, turns.real).sum()) < 3 * np.pi)


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """On which side of the lines from a to b the points c lie."""
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
