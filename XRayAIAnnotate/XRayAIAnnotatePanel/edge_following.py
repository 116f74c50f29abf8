"""Live wire in the view: while the corners of a polygon are clicked, its sides are laid along the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Path = Callable[[tuple[float, float], tuple[float, float]], list[tuple[float, float]]]


class EdgeFollowing:
    """Watches one closed curve while it is placed.

    Each click makes the side to the click before follow the edge; :meth:`finish` does so with the last side, which
    closes the polygon. What the person clicked is never moved.

    Parameters
    ----------
    curve
        ``vtkMRMLMarkupsClosedCurveNode`` that is being placed.
    volume
        The radiograph under it.
    path
        Gives the corners from one pixel to another, both included.
    """

    def __init__(self, curve: Any, volume: Any, path: Path) -> None:
        self.curve = curve
        self._volume, self._path = volume, path
        self._clicked: list[str] = []
        self._busy = False
        self._tag = curve.AddObserver(curve.PointPositionDefinedEvent, self._on_point)

    def finish(self) -> None:
        """The polygon is closed, or was given up: lay its last side, and watch it no longer."""
        if self._tag is None:
            return
        self.curve.RemoveObserver(self._tag)
        self._tag = None
        if self.curve.GetScene() is not None and len(self._clicked) > 2:
            last = self.curve.GetNthControlPointIndexByID(self._clicked[-1])
            first = self.curve.GetNthControlPointIndexByID(self._clicked[0])
            if min(first, last) >= 0:
                self._insert(last + 1, self._between(last, first))

    def _on_point(self, _curve: Any, _event: str) -> None:
        if self._busy:
            return
        curve = self.curve
        placed = [i for i in range(curve.GetNumberOfControlPoints()) if self._is_placed(i)]
        if not placed:
            return
        here = placed[-1]
        if self._clicked and here > 0 and curve.GetNthControlPointID(here) != self._clicked[-1]:
            before = curve.GetNthControlPointIndexByID(self._clicked[-1])
            if before >= 0:
                clicked = curve.GetNthControlPointID(here)
                self._insert(here, self._between(before, here))
                self._clicked.append(clicked)
                return
        self._clicked.append(curve.GetNthControlPointID(here))

    def _is_placed(self, index: int) -> bool:
        return bool(self.curve.GetNthControlPointPositionStatus(index) == self.curve.PositionDefined)

    def _between(self, start: int, end: int) -> list[tuple[float, float]]:
        """The corners between two points, without these."""
        from XRayAILib.scene.volume import ras_to_pixels

        world = np.array([self.curve.GetNthControlPointPositionWorld(index) for index in (start, end)])
        first, last = ((float(x), float(y)) for x, y in ras_to_pixels(self._volume, world))
        return self._path(first, last)[1:-1]

    def _insert(self, index: int, corners: list[tuple[float, float]]) -> None:
        import vtk

        from XRayAILib.scene.volume import pixels_to_ras

        if not corners:
            return
        self._busy = True
        changing = self.curve.StartModify()
        try:
            for offset, place in enumerate(pixels_to_ras(self._volume, np.array(corners))):
                self.curve.InsertControlPointWorld(index + offset, vtk.vtkVector3d(*(float(v) for v in place)))
        finally:
            self.curve.EndModify(changing)
            self._busy = False
