"""Display shutters: what an image, or a presentation state, hides of the image (PS3.3 C.7.6.11, C.7.6.15)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import integer, items, number, numbers, texts
from XRayAILib.dicom.overlays import Overlay

if TYPE_CHECKING:
    from pydicom import Dataset

MOST_CORNERS = 2000
"""Of a polygonal shutter: each costs a look at the rows that its edge crosses."""


@dataclass(frozen=True, eq=False)
class Shutter:
    """What is hidden.

    Attributes
    ----------
    hidden
        Boolean array (rows, columns) of the image.
    value
        What is shown there instead: 0 black to 1 white.
    """

    hidden: np.ndarray
    value: float = 0.0


def read_shutter(dataset: Dataset, shape: tuple[int, int], overlays: tuple[Overlay, ...] = ()) -> Shutter | None:
    """The shutter of a dataset for an image of ``shape`` (rows, columns); ``None`` where it has none.

    Several shapes leave open what all of them leave open. ``overlays`` are those of the same dataset: a bitmap shutter
    is one of them.
    """
    names = texts(dataset, "ShutterShape")
    if not names:
        return None
    hidden = np.zeros(shape, bool)
    found = False
    for name in names:
        part = _SHAPES[name](dataset, shape) if name in _SHAPES else None
        if name == "BITMAP":
            group = integer(dataset, "ShutterOverlayGroup", 0)
            part = next((overlay.mask for overlay in overlays if overlay.group == group), None)
        if part is not None:
            hidden |= part
            found = True
    if not found:
        return None
    return Shutter(hidden, min(max(number(dataset, "ShutterPresentationValue", 0.0) / 65535.0, 0.0), 1.0))


def _rectangle(dataset: Dataset, shape: tuple[int, int]) -> np.ndarray | None:
    edges = [
        number(dataset, f"Shutter{edge}Edge", float("nan"))
        for edge in ("LeftVertical", "RightVertical", "UpperHorizontal", "LowerHorizontal")
    ]
    if not np.isfinite(edges).all() or max(map(abs, edges)) > 1e6:
        return None
    # Edges are pixels counted from 1, and themselves still seen.
    left, right, top, bottom = (int(edge) - 1 for edge in edges)
    hidden = np.ones(shape, bool)
    hidden[max(top, 0) : max(bottom + 1, 0), max(left, 0) : max(right + 1, 0)] = False
    return hidden


def _circle(dataset: Dataset, shape: tuple[int, int]) -> np.ndarray | None:
    center = numbers(dataset, "CenterOfCircularShutter")
    radius = number(dataset, "RadiusOfCircularShutter", 0.0)
    if len(center) != 2 or radius <= 0:
        return None
    # The radius counts pixels along a row; pixels that are not square make an ellipse of the circle.
    y, x = np.ogrid[: shape[0], : shape[1]]
    down = (y + 1 - center[0]) * _aspect(dataset)
    return down**2 + (x + 1 - center[1]) ** 2 > radius**2


def _polygon(dataset: Dataset, shape: tuple[int, int]) -> np.ndarray | None:
    values = numbers(dataset, "VerticesOfThePolygonalShutter")
    if not 6 <= len(values) <= 2 * MOST_CORNERS or len(values) % 2:
        return None
    points = np.array(values).reshape(-1, 2) - 1.0
    inside = np.zeros(shape, bool)
    columns = np.arange(shape[1])
    # Even-odd rule, edge by edge, for the rows that an edge crosses.
    for (y0, x0), (y1, x1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        low, high = sorted((y0, y1))
        first, last = max(int(np.ceil(low)), 0), min(int(np.ceil(high)), shape[0])
        rows = np.arange(first, last)
        crossing = x0 + (rows - y0) * (x1 - x0) / (y1 - y0)
        inside[first:last] ^= columns[None, :] < crossing[:, None]
    return ~inside


def _aspect(dataset: Dataset) -> float:
    # Height over width of a pixel, where the state says how it is to be shown.
    for area in items(dataset, "DisplayedAreaSelectionSequence"):
        spacing = numbers(area, "PresentationPixelSpacing")
        if len(spacing) == 2 and min(spacing) > 0:
            return spacing[0] / spacing[1]
        ratio = numbers(area, "PresentationPixelAspectRatio")
        if len(ratio) == 2 and min(ratio) > 0:
            return ratio[0] / ratio[1]
    return 1.0


_SHAPES = {"RECTANGULAR": _rectangle, "CIRCULAR": _circle, "POLYGONAL": _polygon}
