"""Masks that were read from segments before: reading again costs only what was drawn since.

VTK gives every change of any object in the process a number of its own (``vtkTimeStamp``). So the number of the last
change of a labelmap, with the value that stands for the segment in it and the grid that it is read on, tells its
pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from XRayAILib.findings.objects import Mask

MOST = 128
"""Masks that are remembered; those read longest ago go first."""

_masks: OrderedDict[tuple[Any, ...], Mask] = OrderedDict()


def mask_of(
    labelmap: Any, value: int, grid: tuple[Any, ...], identity: dict[str, Any], read: Callable[[], Mask]
) -> Mask:
    """The mask of a segment; the very object as before where neither its pixels nor anything else of it has changed.

    Parameters
    ----------
    labelmap, value
        The segment's ``vtkOrientedImageData``, and its label value there.
    grid
        What tells the pixel grid of the radiograph: its shape and where it lies.
    identity
        What is said of the object beside its pixels.
    read
        Reads the pixels, where they are not known.
    """
    key = _key(labelmap, value, grid)
    known = _masks.pop(key, None)
    if known is None:
        known = read()
    elif any(getattr(known, name) != wanted for name, wanted in identity.items()):
        known = known.changed(**identity)
    _masks[key] = known
    while len(_masks) > MOST:
        _masks.popitem(last=False)
    return known


def shows(labelmap: Any, value: int, grid: tuple[Any, ...], mask: Mask) -> bool:
    """Whether a labelmap is known to hold the pixels of a mask already."""
    known = _masks.get(_key(labelmap, value, grid))
    if known is None or (known.origin, known.shape) != (mask.origin, mask.shape):
        return False
    return known.crop is mask.crop or np.array_equal(known.crop, mask.crop)


def _key(labelmap: Any, value: int, grid: tuple[Any, ...]) -> tuple[Any, ...]:
    return (labelmap.GetMTime(), value, *grid)
