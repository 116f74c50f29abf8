"""The connected pieces of a mask."""

from __future__ import annotations

import numpy as np


def solid(mask: np.ndarray, pieces: int) -> np.ndarray:
    """A bool mask (rows, columns) with only its largest connected ``pieces`` and with their holes filled.

    Pixels touching by an edge or a corner are connected. 0 keeps every piece.
    """
    from scipy import ndimage

    mask = np.asarray(mask, bool)
    labelled, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if pieces and count > pieces:
        sizes = np.bincount(labelled.ravel())
        sizes[0] = 0
        mask = np.isin(labelled, np.argsort(-sizes, kind="stable")[:pieces])
    filled: np.ndarray = ndimage.binary_fill_holes(mask)
    return filled
