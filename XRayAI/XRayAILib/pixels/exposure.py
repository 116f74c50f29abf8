"""Pixels that hold no image: one grey value for all, or detail cut off at an end of the range."""

from __future__ import annotations

import numpy as np

LARGEST_SHARE = 0.1
"""Of the image's middle, that may have the lowest or the highest value. Of 705 real radiographs 3 have more."""


def is_constant(stored: np.ndarray) -> bool:
    """Whether all stored values (rows, columns) are the same, or all but a few: less than 1 in 10,000."""
    if not stored.size:
        return True
    low, high = np.percentile(stored, (0.005, 99.995))
    return bool(low == high)


def clipped_shares(stored: np.ndarray, inverted: bool) -> tuple[float, float]:
    """The shares of pixels at the dark and at the bright end of the stored range, in the middle of the image.

    The middle 60 % of rows and columns, without what is dark and reaches the image's border: that is air beside the
    patient, which may well saturate the detector.

    Parameters
    ----------
    stored
        (rows, columns), before any window, which would clip more.
    inverted
        High stored values are shown dark.
    """
    from scipy import ndimage

    rows, columns = stored.shape
    middle = np.s_[rows // 5 : rows - rows // 5, columns // 5 : columns - columns // 5]
    low, high = stored == stored.min(), stored == stored.max()
    dark, bright = (high, low) if inverted else (low, high)
    pieces, _ = ndimage.label(dark)
    outer = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]]))
    dark = dark & ~np.isin(pieces, outer)
    return float(dark[middle].mean()), float(bright[middle].mean())
