"""Graphic annotations of a presentation state: lines, circles and texts over an image (PS3.3 C.10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import items, numbers, text

if TYPE_CHECKING:
    from pydicom import Dataset

OUTLINE_POINTS = 72
"""Corners of the polygon that stands for a circle or an ellipse."""

ToPixels = Callable[[np.ndarray], np.ndarray]
"""Fractions (N, 2) of the displayed area -> pixels of the image."""


@dataclass(frozen=True, eq=False)
class Graphic:
    """One drawn thing.

    Attributes
    ----------
    kind
        ``POINT``, ``POLYLINE``, ``INTERPOLATED``, ``CIRCLE``, ``ELLIPSE`` (PS3.3 C.10.5.1.2), or ``TEXT``.
    points
        (N, 2) as x, y in pixels of the stored image, centres at integers, in the order that the standard gives them. Of
        a text: its anchor, or the corner of its box.
    text
        What a text says.
    filled
        Meant to be filled.
    layer
        Graphic Layer.
    """

    kind: str
    points: np.ndarray
    text: str = ""
    filled: bool = False
    layer: str = ""

    def outline(self) -> tuple[np.ndarray, bool]:
        """Points (N, 2) of a line that looks like it, and whether the line is closed."""
        points = self.points
        if self.kind == "CIRCLE" and len(points) == 2:
            radius = float(np.hypot(*(points[1] - points[0])))
            return points[0] + radius * _circle(), True
        if self.kind == "ELLIPSE" and len(points) == 4:
            center = points[:2].mean(axis=0)
            axes = np.stack([(points[1] - points[0]) / 2, (points[3] - points[2]) / 2])
            return center + _circle() @ axes, True
        closed = len(points) > 2 and bool(np.array_equal(points[0], points[-1]))
        return (points[:-1], True) if closed else (points, False)


def read_graphics(annotation: Dataset, to_pixels: ToPixels) -> Iterator[Graphic]:
    """The drawn things in an item of the Graphic Annotation Sequence; what is incomplete is left out."""
    layer = text(annotation, "GraphicLayer")
    for item in items(annotation, "GraphicObjectSequence"):
        points = _points(item, "GraphicData", "GraphicAnnotationUnits", to_pixels)
        kind = text(item, "GraphicType")
        if points is not None and kind:
            yield Graphic(kind, points, filled=text(item, "GraphicFilled") == "Y", layer=layer)
    for item in items(annotation, "TextObjectSequence"):
        points = _points(item, "AnchorPoint", "AnchorPointAnnotationUnits", to_pixels)
        if points is None:
            points = _points(item, "BoundingBoxTopLeftHandCorner", "BoundingBoxAnnotationUnits", to_pixels)
        words = text(item, "UnformattedTextValue")
        if points is not None and words:
            yield Graphic("TEXT", points, words, layer=layer)


def _points(item: Dataset, keyword: str, units: str, to_pixels: ToPixels) -> np.ndarray | None:
    values = numbers(item, keyword)
    if len(values) < 2 or len(values) % 2 or not np.isfinite(values).all():
        return None
    points = np.array(values).reshape(-1, 2)
    if text(item, units) == "DISPLAY":
        return to_pixels(points)
    # The standard's origin is the outer corner of the first pixel, ours its centre.
    return points - 0.5


def _circle() -> np.ndarray:
    angles = np.arange(OUTLINE_POINTS) * (2 * np.pi / OUTLINE_POINTS)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
