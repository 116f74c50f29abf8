"""Several objects as one region: the pixels that they cover together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import FindingObject, Mask, Polygon
from XRayAILib.findings.region import Region
from XRayAILib.findings.shapes import Ellipse

REGIONS = (Mask, Polygon, Ellipse)
"""Kinds of object whose pixels are what they say; boxes only surround it."""


def region(items: Sequence[FindingObject], shape: tuple[int, int]) -> Mask:
    """The pixels of objects that have an area; an empty mask where there are none.

    Label and author are those of the first; ``shape`` is (rows, columns) of the radiograph.
    """
    label = items[0].label if items else "region"
    author = items[0].author if items else Author.consensus("nobody")
    parts = [part for part in (Region(item, shape) for item in items) if part.pixels.size]
    if not parts:
        return Mask(label=label, author=author, shape=shape, origin=(0, 0), crop=np.zeros((0, 0), bool))
    top, left = (min(part.window[i] for part in parts) for i in (0, 1))
    if len(parts) == 1:
        return Mask(label=label, author=author, shape=shape, origin=(top, left), crop=parts[0].pixels)
    bottom, right = (max(part.window[i] for part in parts) for i in (2, 3))
    whole = np.zeros((bottom - top, right - left), bool)
    for part in parts:
        row0, column0, row1, column1 = part.window
        whole[row0 - top : row1 - top, column0 - left : column1 - left] |= part.pixels
    return Mask(label=label, author=author, shape=shape, origin=(top, left), crop=whole)
