"""The Red view: one radiograph, filling it, the right way up; and pictures of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.scene.drawing import NoDrawingError
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import image_shape

PICTURE_SIZE = 1024
"""Longest side of a rendered picture unless another size is asked for."""


def show(host: Host, volume_node: Any, fit: bool = True) -> None:
    """Show a radiograph alone in the one-up Red view, its rows horizontal and its first row on top.

    The slice is turned to the volume's plane, not to "axial": a volume with another orientation is shown upright too.
    Where the spacing is unknown there is no ruler.
    """
    import slicer

    host.layout_node.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
    composite = host.slice_logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(volume_node.GetID())
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    node = host.slice_node
    # RotateToVolumePlane keeps whatever was turned or mirrored before, so begin at a known orientation.
    node.SetOrientation("Axial")
    node.RotateToVolumePlane(volume_node)
    node.SetOrientationMarkerType(node.OrientationMarkerTypeNone)
    if volume_node.GetAttribute(PREFIX + "unit") == "px":
        node.SetRulerType(node.RulerTypeNone)
    if fit:
        fit_to_image(host)


def fit_to_image(host: Host) -> None:
    """Show the whole image, as large as the view allows."""
    # Panning moves this origin, and fitting leaves it as it is.
    host.slice_node.SetXYZOrigin(0.0, 0.0, 0.0)
    host.slice_logic.FitSliceToBackground()
    host.slice_logic.SnapSliceOffsetToIJK()


def render(host: Host, path: Path | str | None = None, size: tuple[int, int] | None = None) -> np.ndarray:
    """Draw the Red view as it is in the scene, with everything that lies over the image.

    Parameters
    ----------
    path
        PNG file to write; ``None`` for no file.
    size
        (width, height) in pixels. Without it the image fills the picture, its longest side :data:`PICTURE_SIZE`. In the
        desktop the view has the size that it has on the screen.

    Returns
    -------
    numpy.ndarray
        (height, width, 3) uint8, RGB, first row on top.

    Raises
    ------
    NoDrawingError
        Where the host has no view.
    """
    if host.render_window is None:
        raise NoDrawingError("This host has no view to draw: start it with drawing, or pass the Red view's window.")
    window = host.render_window()
    if host.offscreen:
        _resize(host, window, size or _size_of_image(host))
    pixels = _grab(window)
    if path is not None:
        _write_png(pixels, Path(path))
    return pixels


def _resize(host: Host, window: Any, size: tuple[int, int]) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ValueError(f"A picture of {width} x {height} pixels cannot be drawn.")
    window.SetSize(width, height)
    window.GetInteractor().UpdateSize(width, height)
    host.slice_logic.ResizeSliceNode(width, height)
    fit_to_image(host)
    # Slicer samples the image at the corners of the screen's pixels: at one image pixel per screen pixel that blurs.
    across, down, _ = host.slice_node.GetFieldOfView()
    host.slice_node.SetXYZOrigin(across / width / 2, down / height / 2, 0.0)


def _size_of_image(host: Host) -> tuple[int, int]:
    volume = host.slice_logic.GetBackgroundLayer().GetVolumeNode()
    if volume is None or volume.GetImageData() is None:
        return PICTURE_SIZE, PICTURE_SIZE
    (rows, columns), (across, down, _) = image_shape(volume), volume.GetSpacing()
    width, height = columns * across, rows * down
    scale = PICTURE_SIZE / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _grab(window: Any) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkRenderingCore import vtkWindowToImageFilter

    window.Render()
    grabber = vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.SetInputBufferTypeToRGB()
    grabber.ReadFrontBufferOff()
    grabber.ShouldRerenderOff()
    grabber.Update()
    image = grabber.GetOutput()
    width, height, _ = image.GetDimensions()
    # VTK's first row is the lowest.
    return np.ascontiguousarray(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(height, width, -1)[::-1, :, :3])


def _write_png(pixels: np.ndarray, path: Path) -> None:
    from PIL import Image

    temporary = path.with_name(f".{path.name}.part")
    try:
        Image.fromarray(pixels).save(temporary, format="PNG")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OSError(f"{path}: the picture cannot be written ({error.strerror or error}).") from error
