"""A mouse over the Red view: clicks at pixels of the radiograph, through Slicer's own displayable managers."""

from __future__ import annotations

from typing import Any

import numpy as np


class Mouse:
    """Moves and clicks in the off-screen Red view of a host.

    Parameters
    ----------
    host
        ``XRayAILib.scene.host.Host`` that draws.
    volume
        The radiograph whose pixels are meant.
    """

    def __init__(self, host: Any, volume: Any) -> None:
        from XRayAILib.scene import view

        self._host, self._volume = host, volume
        view.render(host, size=(800, 800))
        self._interactor = host.render_window().GetInteractor()
        self._interactor.EnterEvent()

    def move(self, x: float, y: float) -> None:
        """To a place in the image, in pixels (centres at integers)."""
        self._interactor.SetEventInformation(*self._on_screen(x, y), 0, 0, "\0", 0, None)
        self._interactor.MouseMoveEvent()

    def click(self, *places: tuple[float, float]) -> None:
        for x, y in places:
            self.move(x, y)
            self._interactor.LeftButtonPressEvent()
            self._interactor.LeftButtonReleaseEvent()

    def double_click(self, x: float, y: float) -> None:
        self.click((x, y))
        self._interactor.InvokeEvent("LeftButtonDoubleClickEvent")
        self._interactor.LeftButtonReleaseEvent()

    def _on_screen(self, x: float, y: float) -> tuple[int, int]:
        from vtkmodules.vtkCommonMath import vtkMatrix4x4

        from XRayAILib.scene.volume import pixels_to_ras

        matrix = vtkMatrix4x4()
        vtkMatrix4x4.Invert(self._host.slice_node.GetXYToRAS(), matrix)
        (ras,) = pixels_to_ras(self._volume, np.array([[x, y]]))
        across, up, _depth, _one = matrix.MultiplyPoint((*ras, 1.0))
        return round(across), round(up)
