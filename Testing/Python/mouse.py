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
    size
        Width and height of the view.
    """

    def __init__(self, host: Any, volume: Any, size: tuple[int, int] = (800, 800)) -> None:
        from XRayAILib.scene import view

        self._host, self._volume = host, volume
        view.render(host, size=size)
        self._interactor = host.render_window().GetInteractor()
        self._interactor.EnterEvent()

    def move(self, x: float, y: float, control: bool = False) -> None:
        """To a place in the image, in pixels (centres at integers), with the Ctrl key held down or not."""
        self._interactor.SetEventInformation(*self._on_screen(x, y), int(control), 0, "\0", 0, None)
        self._interactor.MouseMoveEvent()

    def click(self, *places: tuple[float, float], control: bool = False) -> None:
        for x, y in places:
            self.move(x, y, control)
            self._interactor.LeftButtonPressEvent()
            self._interactor.LeftButtonReleaseEvent()

    def double_click(self, x: float, y: float) -> None:
        self.click((x, y))
        self._interactor.InvokeEvent("LeftButtonDoubleClickEvent")
        self._interactor.LeftButtonReleaseEvent()

    def right_click(self, x: float, y: float) -> None:
        self.move(x, y)
        self._interactor.RightButtonPressEvent()
        self._interactor.RightButtonReleaseEvent()

    def drag(self, start: tuple[float, float], *places: tuple[float, float]) -> None:
        """Press the left button at ``start``, and let it go at the last of the places."""
        self.move(*start)
        self.press()
        for place in places:
            self.move(*place)
        self.release()

    def press(self) -> None:
        """The left button goes down."""
        self._interactor.LeftButtonPressEvent()

    def release(self) -> None:
        """The left button comes up."""
        self._interactor.LeftButtonReleaseEvent()

    def look(self) -> None:
        """Let the view be drawn, as a screen does all the time: what was not drawn yet cannot be taken hold of."""
        self._host.render_window().Render()

    def key(self, name: str) -> None:
        """A key of the keyboard, by its name in VTK, where the mouse is."""
        x, y = self._interactor.GetEventPosition()
        self._interactor.SetEventInformation(x, y, 0, 0, "\x7f" if name == "Delete" else "\0", 1, name)
        self._interactor.KeyPressEvent()
        self._interactor.KeyReleaseEvent()

    def _on_screen(self, x: float, y: float) -> tuple[int, int]:
        from vtkmodules.vtkCommonMath import vtkMatrix4x4

        from XRayAILib.scene.volume import pixels_to_ras

        matrix = vtkMatrix4x4()
        vtkMatrix4x4.Invert(self._host.slice_node.GetXYToRAS(), matrix)
        (ras,) = pixels_to_ras(self._volume, np.array([[x, y]]))
        across, up, _depth, _one = matrix.MultiplyPoint((*ras, 1.0))
        return round(across), round(up)
