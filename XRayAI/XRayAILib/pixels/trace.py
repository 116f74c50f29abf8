"""Pixels to outlines."""

from __future__ import annotations

import numpy as np


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """The outlines of a mask along the edges of its pixels.

    Filled together by the even-odd rule (:func:`XRayAILib.pixels.fill.fill_polygons`) they give back the mask exactly.
    Pixels that touch only at a corner belong to different outlines.

    Parameters
    ----------
    mask
        (rows, columns) array; what is not zero belongs to the mask.

    Returns
    -------
    One (N, 2) array of x, y per closed outline, in pixels of the image (centres at integers, so that all coordinates
    here are half-integers), corners only, the first point not repeated. Outer borders run clockwise as seen on the
    screen (positive :func:`signed_area`), holes the other way round.
    """
    mask = np.asarray(mask) != 0
    if mask.ndim != 2:
        raise ValueError(f"A mask has two axes (rows, columns); this one has the shape {mask.shape}.")
    x, y, across, along = _corners(mask)
    across_list, along_list = across.tolist(), along.tolist()
    visited = bytearray(len(x))
    found = []
    for start in range(len(x)):
        if visited[start]:
            continue
        ring, corner = [], start
        while not visited[corner]:
            partner = across_list[corner]
            visited[corner] = visited[partner] = 1
            ring += [corner, partner]
            corner = along_list[partner]
        # The first corner met is the upper left one of its ring: a hole has no mask below and right of it.
        if not mask[y[start], x[start]]:
            ring.reverse()
        found.append(np.stack([x[ring], y[ring]], axis=1) - 0.5)
    return found


def signed_area(points: np.ndarray) -> float:
    """Area of a closed polygon (N, 2) in square pixels: positive where it runs clockwise on the screen (y down)."""
    x, y = np.asarray(points, float).T
    across = np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:]) + x[-1] * y[0] - y[-1] * x[0]
    return float(across) / 2


def _corners(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The corners of the outlines in reading order, and how straight edges join them.

    Returns x and y (corner (x, y) is the upper left corner of pixel (x, y)), and for every corner the one at the other
    end of its horizontal and of its vertical edge. On every row of corners edges reach from the first to the second,
    from the third to the fourth and so on; likewise in every column. Where two pixels touch at a corner only, that
    corner counts twice, once for each of the two outlines.
    """
    padded = np.pad(mask, 1)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    odd = upper_left ^ upper_right ^ lower_left ^ lower_right
    falling = upper_left & lower_right & ~upper_right & ~lower_left
    rising = upper_right & lower_left & ~upper_left & ~lower_right
    y, x = np.nonzero(odd | falling | rising)
    twice = np.where(odd[y, x], 1, 2)
    first = np.cumsum(twice) - twice
    rank_in_row = np.arange(int(twice.sum())) - np.repeat(first, twice)
    x, y = np.repeat(x, twice), np.repeat(y, twice)
    # Of a doubled corner the first one has the edge to the left. Its outline goes on upward around the upper left pixel
    # where the touching pixels are falling, and downward around the lower left pixel where they are rising.
    rank_in_column = np.where(rising[y, x], 1 - rank_in_row, rank_in_row)
    return x, y, _partners(np.arange(len(x))), _partners(np.lexsort((rank_in_column, y, x)))


def _partners(order: np.ndarray) -> np.ndarray:
    """Who stands beside whom when those in ``order`` form pairs."""
    partner = np.empty_like(order)
    partner[order[0::2]] = order[1::2]
    partner[order[1::2]] = order[0::2]
    return partner
