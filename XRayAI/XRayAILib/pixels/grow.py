"""Growing from a seed: the connected area around a point whose grey is like that of the point."""

from __future__ import annotations

import numpy as np

SIGMA = 1.0
"""Pixels by which noise is smoothed first."""
SEED = 2
"""The grey of the seed is the median of the pixels up to so many away."""


def grow(display: np.ndarray, seed: tuple[float, float], tolerance: float, radius: float | None = None) -> np.ndarray:
    """The area around ``seed``, without holes.

    Parameters
    ----------
    display
        (rows, columns) display values, 0..1.
    seed
        x, y in pixels, centres at integers.
    tolerance
        How far, of the range 0..1, a pixel's grey may be from that of the seed.
    radius
        Pixels farther from the seed stay out; everywhere without it.

    Returns
    -------
    Boolean array (rows, columns); the seed's pixel is always in.

    Raises
    ------
    ValueError
        The seed lies outside the image, or the tolerance is negative.
    """
    from scipy import ndimage
    from skimage.segmentation import flood

    rows, columns = display.shape
    column, row = (round(part) for part in seed)
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"The seed ({column}, {row}) lies outside the image of {columns} x {rows} pixels.")
    if tolerance < 0:
        raise ValueError(f"The tolerance is {tolerance}; it must not be negative.")
    top, bottom, left, right = 0, rows, 0, columns
    if radius is not None:
        reach = int(np.ceil(radius))
        top, bottom = max(0, row - reach), min(rows, row + reach + 1)
        left, right = max(0, column - reach), min(columns, column + reach + 1)
    part = ndimage.gaussian_filter(np.asarray(display[top:bottom, left:right], np.float32), SIGMA)
    at = row - top, column - left
    around = part[max(0, at[0] - SEED) : at[0] + SEED + 1, max(0, at[1] - SEED) : at[1] + SEED + 1]
    like = np.abs(part - np.float32(np.median(around))) <= tolerance
    if radius is not None:
        y, x = np.ogrid[top:bottom, left:right]
        like &= (y - seed[1]) ** 2 + (x - seed[0]) ** 2 <= radius**2
    like[at] = True
    grown = np.zeros(display.shape, bool)
    grown[top:bottom, left:right] = ndimage.binary_fill_holes(flood(like, at, connectivity=1))
    return grown
