"""Maps of the plane that keep shapes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Similarity:
    """A map of the plane that keeps shapes: scaled, turned, perhaps mirrored, and shifted.

    A point (x, y) in pixels becomes ``scale * R(angle) * M * (x, y) + (shift_x, shift_y)``, where ``M`` turns x round
    if ``mirrored``, and ``angle`` is in degrees, clockwise on the screen.
    """

    scale: float = 1.0
    angle: float = 0.0
    mirrored: bool = False
    shift_x: float = 0.0
    shift_y: float = 0.0

    @classmethod
    def mirror(cls, x: float) -> Similarity:
        """Left to right about the upright line at ``x``, in pixels."""
        return cls(mirrored=True, shift_x=2 * x)

    @property
    def matrix(self) -> np.ndarray:
        """As a (2, 3) matrix on columns (x, y, 1)."""
        turn = math.radians(self.angle)
        cos, sin = self.scale * math.cos(turn), self.scale * math.sin(turn)
        flip = -1.0 if self.mirrored else 1.0
        return np.array([[cos * flip, -sin, self.shift_x], [sin * flip, cos, self.shift_y]])

    def points(self, points: Any) -> np.ndarray:
        """Points (N, 2) as x, y where they go."""
        matrix = self.matrix
        moved: np.ndarray = np.asarray(points, float).reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
        return moved

    def turned(self, angle: float) -> float:
        """Where a direction of ``angle`` degrees goes, -180..180."""
        total = self.angle + (180.0 - angle if self.mirrored else angle)
        return (total + 180.0) % 360.0 - 180.0
