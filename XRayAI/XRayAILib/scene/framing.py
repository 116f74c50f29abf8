"""Which part of a radiograph the Red view shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.scene.host import Host
from XRayAILib.scene.volume import image_shape, pixels_to_ras, ras_to_pixels


@dataclass(frozen=True)
class Framing:
    """A part of an image.

    Attributes
    ----------
    zoom
        1 where the whole image is as large as the view allows, 2 where it is twice as large.
    x, y
        What lies in the middle of the view, as a part of the image's width and height, 0..1 within the image.
    """

    zoom: float
    x: float
    y: float


def framing(host: Host, volume_node: Any) -> Framing:
    """What part of a volume the view shows now."""
    node = host.slice_node
    width, height, _ = node.GetDimensions()
    to_ras = node.GetXYToRAS()
    middle = np.array([to_ras.MultiplyPoint((width / 2, height / 2, 0.0, 1.0))[:3]])
    (x, y), (rows, columns) = ras_to_pixels(volume_node, middle)[0], image_shape(volume_node)
    scale = node.GetFieldOfView()[0] / width
    return Framing(_whole(host, volume_node) / scale, (x + 0.5) / columns, (y + 0.5) / rows)


def set_framing(host: Host, volume_node: Any, wanted: Framing) -> None:
    """Show this part of a volume, in whatever size the view has now."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    node = host.slice_node
    width, height, _ = node.GetDimensions()
    rows, columns = image_shape(volume_node)
    middle = pixels_to_ras(volume_node, np.array([[wanted.x * columns - 0.5, wanted.y * rows - 0.5]]))[0]
    to_slice = vtkMatrix4x4()
    vtkMatrix4x4.Invert(node.GetSliceToRAS(), to_slice)
    across, up, _depth, _one = to_slice.MultiplyPoint((*middle, 1.0))
    scale = _whole(host, volume_node) / wanted.zoom
    changing = node.StartModify()
    node.SetFieldOfView(width * scale, height * scale, node.GetFieldOfView()[2])
    # Slicer's own panning moves this origin as well: the middle of the view in the coordinates of the slice.
    node.SetXYZOrigin(across, up, 0.0)
    node.EndModify(changing)


def _whole(host: Host, volume_node: Any) -> float:
    """Length of a pixel of the view where it shows the whole image, in units of the volume."""
    width, height, _ = host.slice_node.GetDimensions()
    (rows, columns), spacing = image_shape(volume_node), volume_node.GetSpacing()
    return float(max(columns * spacing[0] / max(width, 1), rows * spacing[1] / max(height, 1)))
