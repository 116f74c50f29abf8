"""Measurements drawn on a radiograph: line, angle, Cobb angle and cardiothoracic ratio.

Each is a few points; what it comes to depends on the spacing, so it is computed and never stored. Points are pixels, x
right, y down, pixel centres at integers. Where a pixel is not square, angles and ratios are those in millimetres.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

import numpy as np

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.objects import FindingError, FindingObject, require_finite
from XRayAILib.findings.shapes import Point


@dataclass(frozen=True, kw_only=True)
class Measurement(FindingObject):
    """Points with a meaning in their order.

    Attributes
    ----------
    points
        As many as :attr:`parts` names.
    """

    points: tuple[Point, ...]
    parts: ClassVar[tuple[str, ...]] = ()
    """What each point is, in the order in which they are set."""
    strokes: ClassVar[tuple[tuple[int, int], ...]] = ()
    """The lines that are drawn, as pairs of indices into the points."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) != len(self.parts):
            raise FindingError(
                f"The {self.kind} '{self.label}' has {len(self.points)} points; it has {len(self.parts)}."
            )
        require_finite(self.kind, self.label, chain.from_iterable(self.points))
        for first, second in self.strokes:
            if self.points[first] == self.points[second]:
                raise FindingError(
                    f"The {self.kind} '{self.label}' has a line without length: two points are the same."
                )

    def value(self, spacing: Spacing) -> Quantity:
        """What it comes to, with what its unit is worth."""
        raise NotImplementedError

    def _direction(self, start: int, end: int, spacing: Spacing) -> np.ndarray:
        """From one point to another, in millimetres or pixels."""
        (x0, y0), (x1, y1) = self.points[start], self.points[end]
        return np.array([(x1 - x0) * spacing.column, (y1 - y0) * spacing.row])


@dataclass(frozen=True, kw_only=True)
class Line(Measurement):
    """A straight line; its value is its length."""

    kind = "line"
    parts = ("start", "end")
    strokes = ((0, 1),)

    def value(self, spacing: Spacing) -> Quantity:
        return spacing.length(*self.points)


@dataclass(frozen=True, kw_only=True)
class Angle(Measurement):
    """The angle at a corner, 0..180 degrees."""

    kind = "angle"
    parts = ("first arm", "corner", "second arm")
    strokes = ((1, 0), (1, 2))

    def value(self, spacing: Spacing) -> Quantity:
        degrees = _between(self._direction(1, 0, spacing), self._direction(1, 2, spacing))
        return Quantity(degrees, "°", spacing.source)


@dataclass(frozen=True, kw_only=True)
class CobbAngle(Measurement):
    """The angle between two end plates, 0..90 degrees, whichever way each line was drawn (Cobb, 1948)."""

    kind = "cobb angle"
    parts = ("upper end plate, start", "upper end plate, end", "lower end plate, start", "lower end plate, end")
    strokes = ((0, 1), (2, 3))

    def value(self, spacing: Spacing) -> Quantity:
        degrees = _between(self._direction(0, 1, spacing), self._direction(2, 3, spacing))
        return Quantity(min(degrees, 180.0 - degrees), "°", spacing.source)


@dataclass(frozen=True, kw_only=True)
class CardiothoracicRatio(Measurement):
    """Greatest width of the heart by the inner width of the chest.

    The borders of the heart are rarely on one height, so the width of the heart is taken along the line across the
    chest (Danzer, 1919): both are lengths in one direction, and a turned patient changes nothing.
    """

    kind = "cardiothoracic ratio"
    parts = ("heart, one border", "heart, other border", "chest, one inner border", "chest, other inner border")
    strokes = ((0, 1), (2, 3))

    def value(self, spacing: Spacing) -> Quantity:
        chest = self._direction(2, 3, spacing)
        width = float(np.hypot(*chest))
        heart = abs(float(np.dot(self._direction(0, 1, spacing), chest))) / width
        return Quantity(heart / width, "", spacing.source)


def _between(one: np.ndarray, other: np.ndarray) -> float:
    """The angle between two directions, 0..180 degrees; exact also near 0 and 180."""
    cross = one[0] * other[1] - one[1] * other[0]
    return abs(math.degrees(math.atan2(cross, float(np.dot(one, other)))))
