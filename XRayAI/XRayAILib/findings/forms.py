"""Polygon to mask and mask to polygon: the same thing said with another tool."""

from __future__ import annotations

import numpy as np

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.objects import FindingError, FindingObject, Mask, Polygon, new_id, now
from XRayAILib.findings.region import Region
from XRayAILib.pixels.keyhole import keyholes
from XRayAILib.pixels.trace import outlines

TOLERANCE = 1.0
"""Pixels that an outline may leave the border of a mask by, unless another number is asked for."""


def as_mask(item: FindingObject, shape: tuple[int, int], author: Author) -> Mask:
    """The pixels inside an object as a new mask that was made from it.

    Parameters
    ----------
    shape
        (rows, columns) of the radiograph; what lies beyond is cut off.

    Raises
    ------
    FindingError
        The object has no area, or none of its pixels lies in the image.
    """
    region = Region(item, shape)
    if not region.has_area:
        raise FindingError(f"A {item.kind} has no area, so no pixels lie inside '{item.label}'.")
    if not region.count:
        raise FindingError(f"No pixel of the image lies inside the {item.kind} '{item.label}'.")
    pixels = np.zeros(shape, bool)
    row0, column0, row1, column1 = region.window
    pixels[row0:row1, column0:column1] = region.pixels
    return Mask.from_array(pixels, **_derived(item, author))  # type: ignore[arg-type]


def as_polygons(mask: Mask, author: Author, tolerance: float = TOLERANCE) -> list[Polygon]:
    """The outlines of a mask as new polygons that were made from it, one for each part that hangs together.

    A hole is joined to its border by a cut without width, see :mod:`XRayAILib.pixels.keyhole`. With ``tolerance`` 0 the
    polygons run along the edges of the pixels and fill exactly the pixels of the mask; else corners are left out as
    long as the outline stays that near (Douglas and Peucker, 1973), and what is smaller than that keeps its corners.

    Raises
    ------
    FindingError
        The mask is empty, or the tolerance is negative.
    """
    if not tolerance >= 0:
        raise FindingError(f"A tolerance is 0 pixels or more; {tolerance:g} was given.")
    if not mask.crop.size:
        raise FindingError(f"The mask '{mask.label}' is empty: it has no outline.")
    corner = np.array(mask.origin[::-1], float)
    rings = [_simplified(outline, tolerance) + corner for outline in outlines(mask.crop)]
    return [
        Polygon(points=tuple((float(x), float(y)) for x, y in ring), **_derived(mask, author))  # type: ignore[arg-type]
        for ring in keyholes(rings)
    ]


def _derived(item: FindingObject, author: Author) -> dict[str, object]:
    return {
        "label": item.label,
        "author": author,
        "id": new_id(),
        "created": now(),
        "status": Status.DRAFT,
        "derived_from": item.id,
        "attributes": item.attributes,
    }


def _simplified(ring: np.ndarray, tolerance: float) -> np.ndarray:
    from skimage.measure import approximate_polygon

    if not tolerance:
        return ring
    corners: np.ndarray = approximate_polygon(np.vstack([ring, ring[:1]]), tolerance)[:-1]
    return corners if len(corners) >= 3 else ring
