"""A box drawn by hand, laid tightly around what it shows."""

from __future__ import annotations

import numpy as np

REACH = 0.15
"""The snapped box may be larger than the drawn one by so much of its size on each side."""
LEAST_SIDE = 6
"""Pixels that a box must have to hold anything."""
LEAST_CONTENT = 0.1
"""Of the drawn box; less is noise, not what it was drawn around."""
SIGMA = 0.01
"""Of the box's shorter side: what is smaller is noise."""

Edges = tuple[float, float, float, float]
"""x0, y0, x1, y1: outer edges in pixels, centres at integers."""


def snap(display: np.ndarray, box: Edges) -> Edges | None:
    """The box around what stands out from its surroundings near ``box``; ``None`` where nothing does clearly.

    For things with an end of their own: a nodule, an implant, a marker, a hand. The greys around the drawn box are
    split in two (Otsu, 1979); of the two halves, the connected piece that fits the drawn box best is its content.

    Parameters
    ----------
    display
        (rows, columns) display values.

    Raises
    ------
    ValueError
        The box is too small to hold anything, or lies outside the image.
    """
    from scipy import ndimage
    from skimage.filters import threshold_otsu

    rows, columns = display.shape
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    if min(width, height) < LEAST_SIDE:
        raise ValueError(f"The box is {width:.0f} x {height:.0f} pixels: too small to find anything in it.")
    left, right = _span(x0 - REACH * width, x1 + REACH * width, columns)
    top, bottom = _span(y0 - REACH * height, y1 + REACH * height, rows)
    if right <= left or bottom <= top:
        raise ValueError("The box lies outside the image.")
    part = ndimage.gaussian_filter(
        np.asarray(display[top:bottom, left:right], np.float32), max(0.7, SIGMA * min(width, height))
    )
    if not float(np.ptp(part)) > 0:
        return None
    threshold = threshold_otsu(part)
    best, found = 0.0, None
    for half in (part > threshold, part <= threshold):
        labelled, _ = ndimage.label(half)
        for place in ndimage.find_objects(labelled):
            edges = (
                left + place[1].start - 0.5,
                top + place[0].start - 0.5,
                left + place[1].stop - 0.5,
                top + place[0].stop - 0.5,
            )
            fits = overlap(edges, box)
            if fits > best:
                best, found = fits, edges
    # What goes on beyond the part that was looked at has no end there to snap to: a lung that runs into the neck.
    if found is None or best < LEAST_CONTENT or not _ends_within(found, (left, top, right, bottom), (rows, columns)):
        return None
    return found


def overlap(one: Edges, other: Edges) -> float:
    """Intersection over union of two boxes, 0..1."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return both / (areas - both)


def _ends_within(edges: Edges, part: tuple[int, int, int, int], shape: tuple[int, int]) -> bool:
    """Whether the content ends before the part does; at the border of the image it may end with it."""
    left, top, right, bottom = part
    rows, columns = shape
    return (
        (edges[0] > left or left == 0)
        and (edges[1] > top or top == 0)
        and (edges[2] < right - 1 or right == columns)
        and (edges[3] < bottom - 1 or bottom == rows)
    )


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, round(low + 0.5)), min(size, round(high + 0.5))
