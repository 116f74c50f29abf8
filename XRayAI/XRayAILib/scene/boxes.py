"""Boxes, rotated boxes and ellipses as ROI nodes: a frame whose sides, and for the last two its turn, can be dragged.

A frame is a rectangle in millimetres. Where a pixel is not square, a turned rectangle of pixels would be askew there:
then its axes keep their lengths and the first one its direction, so it is read back as it was given.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from XRayAILib.findings.objects import Box
from XRayAILib.findings.shapes import Ellipse, RotatedBox
from XRayAILib.scene.markups import is_complete
from XRayAILib.scene.points import STILL_THERE, read_place
from XRayAILib.scene.volume import pixels_to_ras, ras_to_pixels

THICKNESS = 0.01
"""Depth of a ROI in the scene, in millimetres: it lies in the image, with no third dimension to grab."""


def place_of(shape: Box | RotatedBox | Ellipse) -> tuple[float, ...]:
    """The numbers that say where a shape is."""
    if isinstance(shape, Box):
        return shape.x0, shape.y0, shape.x1, shape.y1
    if isinstance(shape, Ellipse):
        return shape.x, shape.y, 2 * shape.radius_x, 2 * shape.radius_y, shape.angle
    return shape.x, shape.y, shape.width, shape.height, shape.angle


def show_box(node: Any, volume_node: Any, box: Box) -> None:
    """Put a box into a ROI node."""
    corners = pixels_to_ras(volume_node, np.array([[box.x0, box.y0], [box.x1, box.y1]]))
    across, down, _ = np.abs(corners[1] - corners[0])
    _place(node, corners.mean(axis=0), np.eye(3), (across, down))


def read_box(node: Any, volume_node: Any) -> dict[str, object]:
    """The edges of the box in a ROI node, or of the upright one around it where somebody turned it."""
    width, height = _size(node)
    halves = np.array([[x, y, 0.0, 1.0] for x in (-width / 2, width / 2) for y in (-height / 2, height / 2)])
    corners = ras_to_pixels(volume_node, (halves @ _to_world(node).T)[:, :3])
    edges = _unchanged(read_place(node), np.concatenate([corners.min(axis=0), corners.max(axis=0)]))
    return dict(zip(("x0", "y0", "x1", "y1"), edges.tolist(), strict=True))


def show_turned(node: Any, volume_node: Any, shape: RotatedBox | Ellipse) -> None:
    """Put a rotated box, or the frame of an ellipse, into a ROI node."""
    _x, _y, width, height, _angle = place_of(shape)
    along, across = _steps(volume_node, shape.angle)
    center = pixels_to_ras(volume_node, np.array([[shape.x, shape.y]]))[0]
    size = (width * np.linalg.norm(along), height * np.linalg.norm(across))
    _place(node, center, _axes(volume_node, along), size)


def read_rotated_box(node: Any, volume_node: Any) -> dict[str, object]:
    """Centre, size and angle of the rotated box in a ROI node."""
    x, y, width, height, angle = _read_turned(node, volume_node)
    return {"x": x, "y": y, "width": width, "height": height, "angle": angle}


def read_ellipse(node: Any, volume_node: Any) -> dict[str, object]:
    """Centre, half axes and angle of the ellipse whose frame is a ROI node."""
    x, y, width, height, angle = _read_turned(node, volume_node)
    return {"x": x, "y": y, "radius_x": width / 2, "radius_y": height / 2, "angle": angle}


def flatten(node: Any) -> None:
    """Give a ROI that was placed by hand no depth: Slicer makes it as deep as its shorter side."""
    across, down, deep = node.GetSize()
    if is_complete(node) and deep != THICKNESS and min(across, down) > 0:
        node.SetSize(across, down, THICKNESS)


def _read_turned(node: Any, volume_node: Any) -> list[float]:
    """Centre, width, height, angle; what nobody changed as it was given."""
    matrix, given = _to_world(node), read_place(node)
    ((x, y),) = ras_to_pixels(volume_node, matrix[:3, 3])
    origin, tip = ras_to_pixels(volume_node, np.array([np.zeros(3), -matrix[:3, 0]]))
    angle = math.degrees(math.atan2(*(tip - origin)[::-1]))
    # A rectangle looks the same after half a turn: of these angles the one next to the last, or in 0..180.
    angle = angle + 180.0 * round((given[4] - angle) / 180.0) if len(given) == 5 else angle % 180.0
    along, across = _steps(volume_node, angle)
    width, height = _size(node) / (np.linalg.norm(along), np.linalg.norm(across))
    read = np.array([x, y, width, height, angle])
    # An angle counts as changed where that moves the end of the longer side.
    least = np.full(5, STILL_THERE)
    least[4] /= math.radians(max(width, height) / 2)
    return [float(value) for value in _unchanged(given, read, least)]


def _unchanged(given: np.ndarray, measured: np.ndarray, least: np.ndarray | float = STILL_THERE) -> np.ndarray:
    """The measured values, each as it was given where it is still the same."""
    if given.shape != measured.shape:
        return measured
    return np.where(np.abs(given - measured) < least, given, measured)


def _place(node: Any, center: np.ndarray, axes: np.ndarray, size: tuple[float, float]) -> None:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, float(axes[row, column]))
    changing = node.StartModify()
    node.SetROIType(node.ROITypeBox)
    node.SetAndObserveObjectToNodeMatrix(matrix)
    node.SetCenterWorld(*(float(v) for v in center))
    node.SetSizeWorld(float(size[0]), float(size[1]), THICKNESS)
    node.EndModify(changing)


def _steps(volume_node: Any, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """One pixel along and across the axes of a shape turned by ``angle``, in RAS."""
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    origin, along, across = pixels_to_ras(volume_node, np.array([[0.0, 0.0], [cos, sin], [-sin, cos]]))
    return along - origin, across - origin


def _axes(volume_node: Any, along: np.ndarray) -> np.ndarray:
    """The axes of a ROI as columns; those of the world where ``along`` runs along the rows of the image."""
    origin, x, y = pixels_to_ras(volume_node, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    normal = np.cross(x - origin, y - origin)
    normal /= np.linalg.norm(normal)
    first = -along / np.linalg.norm(along)
    return np.stack([first, np.cross(normal, first), normal], axis=1)


def _size(node: Any) -> np.ndarray:
    size = [0.0, 0.0, 0.0]
    node.GetSizeWorld(size)
    return np.array(size[:2])


def _to_world(node: Any) -> np.ndarray:
    matrix = node.GetObjectToWorldMatrix()
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
