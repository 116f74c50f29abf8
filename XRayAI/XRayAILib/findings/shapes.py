"""Shapes beside the upright box and the closed polygon: rotated box, ellipse and open line through points.

Coordinates as in :mod:`XRayAILib.findings.objects`: pixels, x right, y down, pixel centres at integers. Angles are in
degrees, clockwise as seen on the screen (from x towards y).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

import numpy as np

from XRayAILib.findings.objects import FindingError, FindingObject, require_finite

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class _Turned(FindingObject):
    """A centre, two extents along the shape's own axes, and by how much these are turned."""

    x: float
    y: float
    angle: float = 0.0

    def _placed(self, along: np.ndarray, across: np.ndarray) -> tuple[Point, ...]:
        """Points given by their place along and across the shape's own axes, in pixels of the image."""
        turn = math.radians(self.angle)
        cos, sin = math.cos(turn), math.sin(turn)
        x, y = self.x + along * cos - across * sin, self.y + along * sin + across * cos
        return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


@dataclass(frozen=True, kw_only=True)
class RotatedBox(_Turned):
    """A rectangle that is turned about its centre.

    Attributes
    ----------
    x, y
        Its centre.
    width, height
        Lengths of its sides, outer edge to outer edge; more than 0.
    angle
        Degrees, clockwise on the screen; 0 is an upright box.
    """

    width: float
    height: float
    kind = "rotated box"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(self.kind, self.label, (self.x, self.y, self.width, self.height, self.angle))
        if self.width <= 0 or self.height <= 0:
            raise FindingError(f"The rotated box '{self.label}' has no area: {self.width} x {self.height}.")

    @property
    def corners(self) -> tuple[Point, ...]:
        """Upper left, upper right, lower right, lower left, as they stand where the angle is 0."""
        half = np.array([-1, 1, 1, -1]) * self.width / 2, np.array([-1, -1, 1, 1]) * self.height / 2
        return self._placed(*half)


@dataclass(frozen=True, kw_only=True)
class Ellipse(_Turned):
    """An ellipse by its centre and half axes.

    Attributes
    ----------
    radius_x, radius_y
        Half axes, the first along x where ``angle`` is 0; more than 0.
    """

    radius_x: float
    radius_y: float
    kind = "ellipse"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(self.kind, self.label, (self.x, self.y, self.radius_x, self.radius_y, self.angle))
        if self.radius_x <= 0 or self.radius_y <= 0:
            raise FindingError(f"The ellipse '{self.label}' has no area: {self.radius_x} x {self.radius_y}.")

    @property
    def area(self) -> float:
        """In square pixels."""
        return math.pi * self.radius_x * self.radius_y

    def outline(self, points: int = 72) -> tuple[Point, ...]:
        """So many points on it, clockwise from the end of its first axis."""
        turns = np.arange(points) * 2 * math.pi / points
        return self._placed(self.radius_x * np.cos(turns), self.radius_y * np.sin(turns))


@dataclass(frozen=True, kw_only=True)
class Polyline(FindingObject):
    """An open line of straight pieces, such as a catheter or a fracture."""

    points: tuple[Point, ...]
    kind = "polyline"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 2:
            raise FindingError(f"The polyline '{self.label}' has {len(self.points)} points; it needs at least 2.")
        require_finite(self.kind, self.label, chain.from_iterable(self.points))
