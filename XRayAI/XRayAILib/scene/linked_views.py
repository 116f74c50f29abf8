"""Slice views that move together, and images whose windows follow one another.

Slicer's own link (``vtkMRMLSliceLinkLogic``) copies places and fields of view in millimetres from one view to another,
and only while somebody moves the mouse. That fits two views of one image. A prior has another size and another origin:
its place is given relative to the middle of its image here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import image_shape, pixels_to_ras


@dataclass(frozen=True)
class View:
    """A slice view and the radiograph in it.

    Attributes
    ----------
    slice_node, volume_node
        ``vtkMRMLSliceNode`` and ``vtkMRMLScalarVolumeNode``.
    """

    slice_node: Any
    volume_node: Any


class LinkedViews:
    """Whoever moves or zooms one of the views moves and zooms the others.

    Where all images have millimetres, what is seen of them has the same scale; else the same share of each image is.

    Parameters
    ----------
    views
        Two or more.
    """

    def __init__(self, views: Sequence[View]) -> None:
        self._views = list(views)
        self._tags = [(view.slice_node, view.slice_node.AddObserver("ModifiedEvent", self._on_moved)) for view in views]
        self._busy = False
        known = all(view.volume_node.GetAttribute(PREFIX + "unit") == "mm" for view in views)
        self._sizes = [1.0 if known else _longer_side(view.volume_node) for view in views]

    def follow(self, leader: int = 0) -> None:
        """Bring the others to where one view looks now."""
        shift, scale = self._look_of(leader)
        self._busy = True
        try:
            for index in range(len(self._views)):
                if index != leader:
                    self._move(index, shift, scale)
        finally:
            self._busy = False

    def stop(self) -> None:
        """Let each view be moved for itself again."""
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._tags = []

    def _on_moved(self, caller: Any, _event: str) -> None:
        moved = next((n for n, view in enumerate(self._views) if view.slice_node is caller), None)
        if not self._busy and moved is not None:
            self.follow(moved)

    def _look_of(self, index: int) -> tuple[np.ndarray, float]:
        """What a view looks at: from the middle of the image, and the width of a pixel of the screen, both in sizes."""
        view, size = self._views[index], self._sizes[index]
        node = view.slice_node
        to_ras = _array(node.GetSliceToRAS())
        x, y, _z = node.GetXYZOrigin()
        center = to_ras @ np.array([x, y, 0.0, 1.0])
        shift = (center[:3] - _middle(view.volume_node)) @ to_ras[:3, :2]
        return shift / size, node.GetFieldOfView()[0] / max(node.GetDimensions()[0], 1) / size

    def _move(self, index: int, shift: np.ndarray, scale: float) -> None:
        view, size = self._views[index], self._sizes[index]
        node = view.slice_node
        to_ras = _array(node.GetSliceToRAS())
        wanted = _middle(view.volume_node) + to_ras[:3, :2] @ (shift * size)
        x, y, _z, _one = np.linalg.inv(to_ras) @ np.array([*wanted, 1.0])
        columns, rows, _slices = node.GetDimensions()
        pixel = scale * size
        changing = node.StartModify()
        node.SetFieldOfView(pixel * max(columns, 1), pixel * max(rows, 1), node.GetFieldOfView()[2])
        node.SetXYZOrigin(float(x), float(y), node.GetXYZOrigin()[2])
        node.EndModify(changing)


class LinkedWindows:
    """Changing the window of one image changes that of the other by as much of its own.

    Two radiographs seldom have the same greys, so a window is taken by the one that its image had at first: half
    as wide here is half as wide there.

    Parameters
    ----------
    volume_nodes
        Two volumes, with the windows that their files ask for.
    """

    def __init__(self, volume_nodes: Sequence[Any]) -> None:
        self._displays = [node.GetDisplayNode() for node in volume_nodes]
        self._first = [_window(display) for display in self._displays]
        self._tags = [(display, display.AddObserver("ModifiedEvent", self._on_changed)) for display in self._displays]
        self._busy = False

    def stop(self) -> None:
        """Let each window be changed for itself again."""
        for display, tag in self._tags:
            display.RemoveObserver(tag)
        self._tags = []

    def _on_changed(self, caller: Any, _event: str) -> None:
        if self._busy:
            return
        self._busy = True
        try:
            changed = self._displays.index(caller)
            (width, level), (first_width, first_level) = _window(caller), self._first[changed]
            for other, display in enumerate(self._displays):
                if other != changed:
                    own_width, own_level = self._first[other]
                    share = own_width / first_width
                    wanted = width * share, own_level + (level - first_level) * share
                    if not np.allclose(wanted, _window(display)):
                        display.SetWindowLevel(*wanted)
        finally:
            self._busy = False


def _window(display: Any) -> tuple[float, float]:
    return float(display.GetWindow()) or 1.0, float(display.GetLevel())


def _middle(volume_node: Any) -> np.ndarray:
    rows, columns = image_shape(volume_node)
    (middle,) = pixels_to_ras(volume_node, np.array([[(columns - 1) / 2, (rows - 1) / 2]]))
    return np.asarray(middle)


def _longer_side(volume_node: Any) -> float:
    (rows, columns), (across, down, _deep) = image_shape(volume_node), volume_node.GetSpacing()
    return float(max(columns * across, rows * down))


def _array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
