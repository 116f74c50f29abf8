"""Live wire in the view: while the corners of a polygon are clicked, its sides are laid along the edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from XRayAILib.scene.host import Host

Path = Callable[[tuple[float, float], tuple[float, float]], list[tuple[float, float]]]


class EdgeFollowing:
    """Watches one closed curve while it is placed.

    A line shows where the side to the mouse would run. Each click makes the side to the click before follow the edge;
    :meth:`finish` does so with the last side, which closes the polygon. What the person clicked is never moved.

    Parameters
    ----------
    host
        The scene.
    curve
        ``vtkMRMLMarkupsClosedCurveNode`` that is being placed.
    volume
        The radiograph under it.
    path
        Gives the corners from one pixel to another, both included.
    """

    def __init__(self, host: Host, curve: Any, volume: Any, path: Path) -> None:
        self.curve = curve
        self._host = host
        self._volume, self._path = volume, path
        self._clicked: list[str] = []
        self._busy = False
        self._tags = [
            curve.AddObserver(curve.PointPositionDefinedEvent, self._on_point),
            curve.AddObserver(curve.PointModifiedEvent, self._on_moved),
        ]

    def finish(self) -> None:
        """The polygon is closed, or was given up: lay its last side, and watch it no longer."""
        from XRayAILib.scene import outlines

        for tag in self._tags:
            self.curve.RemoveObserver(tag)
        self._tags = []
        line = outlines.of(self.curve)
        if line is not None:
            self._host.scene.RemoveNode(line)
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

    def _on_moved(self, _curve: Any, _event: str) -> None:
        """Show where the side to the mouse would run."""
        from XRayAILib.scene import outlines

        curve = self.curve
        last = curve.GetNumberOfControlPoints() - 1
        if self._busy or not self._clicked or curve.GetNthControlPointPositionStatus(last) != curve.PositionPreview:
            return
        start = curve.GetNthControlPointIndexByID(self._clicked[-1])
        if start >= 0:
            self._busy = True
            try:
                line = np.array(self._along(start, last))
                outlines.draw(self._host, curve, self._volume, [line], curve.GetDisplayNode().GetSelectedColor())
            finally:
                self._busy = False

    def _is_placed(self, index: int) -> bool:
        return bool(self.curve.GetNthControlPointPositionStatus(index) == self.curve.PositionDefined)

    def _along(self, start: int, end: int) -> list[tuple[float, float]]:
        """The corners from one point to another, both included."""
        from XRayAILib.scene.volume import ras_to_pixels

        world = np.array([self.curve.GetNthControlPointPositionWorld(index) for index in (start, end)])
        first, last = ((float(x), float(y)) for x, y in ras_to_pixels(self._volume, world))
        return self._path(first, last)

    def _between(self, start: int, end: int) -> list[tuple[float, float]]:
        """The corners between two points, without these."""
        return self._along(start, end)[1:-1]

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
