"""A radiograph as a volume of one slice, with real grey values, real millimetres and the right look."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.dicom.grayscale import Grayscale, levels_of, window_limits
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX, decoded, encoded

GREY, INVERTED_GREY = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeInvertedGrey"
LEVELS = 256
"""Grey levels of Slicer's display: the window maps to 0..255, then a colour table."""


def show_radiograph(host: Host, radiograph: Radiograph, volume_node: Any = None, name: str = "") -> Any:
    """Put a radiograph into the scene, or into a volume that is there already.

    The voxels are modality values (rescaled, never inverted, never windowed), so a probe or a threshold sees what the
    file says. IJK to RAS is diag(-column spacing, -row spacing, 1): pixel (0, 0) lies at the origin, and the Red view
    shows the image as on the light box, the patient's right on the viewer's left.

    Attributes of the node, all beginning with ``XRayAI.``: ``uid``, ``unit`` (``mm`` or ``px``), ``spacingSource``,
    ``magnification`` (where known), ``polarity`` (``normal`` or ``inverted``), ``grey`` (see :func:`show_greys`).

    Returns
    -------
    vtkMRMLScalarVolumeNode
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    values = real_values(radiograph)
    image = vtkImageData()
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(values.ravel(), deep=True))
    if volume_node is None:
        volume_node = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or _name(radiograph))
    elif name:
        volume_node.SetName(name)
    changing = volume_node.StartModify()
    volume_node.SetIJKToRASMatrix(_ijk_to_ras(radiograph))
    volume_node.SetAndObserveImageData(image)
    spacing = radiograph.spacing
    _note(volume_node, "uid", radiograph.uid)
    _note(volume_node, "unit", spacing.unit)
    _note(volume_node, "spacingSource", spacing.source.value)
    _note(volume_node, "magnification", repr(spacing.magnification) if spacing.magnification else "")
    _note(volume_node, "polarity", "inverted" if radiograph.grayscale.inverted else "normal")
    volume_node.EndModify(changing)
    show_greys(host, volume_node, radiograph)
    return volume_node


def real_values(radiograph: Radiograph) -> np.ndarray:
    """Modality values (rows, columns) in the smallest type that holds them exactly: integers where they are whole."""
    grayscale, stored = radiograph.grayscale, radiograph.stored
    if grayscale.modality_table is None and grayscale.slope == 1.0 and grayscale.intercept == 0.0:
        values = stored
    else:
        values = grayscale.modality(stored)
        whole = np.rint(values)
        if np.array_equal(whole, values):
            values = whole.astype(np.int32)
    if values.dtype.kind in "iu":
        low, high = int(values.min(initial=0)), int(values.max(initial=0))
        for kind in (np.uint8, np.int16, np.uint16, np.int32):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return np.ascontiguousarray(values.astype(kind))
    return np.ascontiguousarray(values.astype(np.float32))


def show_greys(host: Host, volume_node: Any, radiograph: Radiograph) -> None:
    """Window, polarity and padding as the file asks for them (PS3.4 N.2), all in the display node.

    A linear window becomes Slicer's window; MONOCHROME1 takes the colour table InvertedGrey, since polarity changes
    after the window (``XRayAI.grey`` is ``window``). A VOI LUT or a SIGMOID function is no line: its curve becomes a
    colour table of its own over the values that it spreads (``XRayAI.grey`` is ``table``), so voxels keep their real
    values, and dragging the window still works. Padding beyond the values of the image is shown as background.
    """
    volume_node.CreateDefaultDisplayNodes()
    display = volume_node.GetDisplayNode()
    grayscale = radiograph.grayscale
    own = volume_node.GetNodeReference(PREFIX + "greyTable")
    changing = display.StartModify()
    display.SetAutoWindowLevel(False)
    if grayscale.linear:
        display.SetWindowLevelMinMax(*window_limits(grayscale.window))
        display.SetAndObserveColorNodeID(INVERTED_GREY if grayscale.inverted else GREY)
        if own is not None:
            host.scene.RemoveNode(own)
    else:
        low, high, curve = grey_curve(grayscale, radiograph.stored)
        table = own or _new_table(host, volume_node)
        for level, shown in enumerate(curve):
            table.SetColor(level, f"{level}", *(float(shown),) * 3)
        display.SetWindowLevelMinMax(low, high)
        display.SetAndObserveColorNodeID(table.GetID())
    _hide_padding(display, radiograph)
    display.EndModify(changing)
    _note(volume_node, "grey", "window" if grayscale.linear else "table")


def grey_curve(grayscale: Grayscale, stored: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The display curve of an image whose VOI step is no line.

    Returns
    -------
    low, high
        Modality values between which the curve changes.
    curve
        Display values 0..1 (256), from ``low`` to ``high``.
    """
    levels = levels_of(stored)
    levels = levels[grayscale.is_image(levels)]
    if not levels.size:
        return 0.0, 1.0, np.linspace(0.0, 1.0, LEVELS)
    values = grayscale.modality(levels).astype(float)
    shown = grayscale.display(levels).astype(float)
    order = np.argsort(values, kind="stable")
    values, shown = values[order], shown[order]
    # Spend the 256 steps where something changes: flat ends show the same grey as their limit.
    step = 0.5 / (LEVELS - 1)
    first = int(np.argmax(np.abs(shown - shown[0]) > step))
    last = len(shown) - 1 - int(np.argmax(np.abs(shown[::-1] - shown[-1]) > step))
    low, high = values[max(first - 1, 0)], values[min(last + 1, len(values) - 1)]
    if high <= low:
        high = low + 1.0
    # Slicer cuts down to whole steps, so step i holds the values from i to i + 1; the last one those from ``high`` on.
    middles = np.minimum(np.arange(LEVELS) + 0.5, LEVELS - 1)
    return float(low), float(high), np.interp(low + middles / (LEVELS - 1) * (high - low), values, shown)


def radiograph_uid(volume_node: Any) -> str:
    """``Header.uid`` of the radiograph in a volume; empty for a volume of somebody else's."""
    return decoded(volume_node.GetAttribute(PREFIX + "uid") or "")


def spacing_of(volume_node: Any) -> Spacing:
    """The spacing of the radiograph in a volume, with its source; unknown for a volume of somebody else's."""
    source = decoded(volume_node.GetAttribute(PREFIX + "spacingSource") or SpacingSource.UNKNOWN.value)
    if SpacingSource(source) is SpacingSource.UNKNOWN:
        return Spacing.unknown()
    column, row, _slice = volume_node.GetSpacing()
    factor = decoded(volume_node.GetAttribute(PREFIX + "magnification") or "")
    return Spacing(row, column, SpacingSource(source), float(factor) if factor else None)


def image_shape(volume_node: Any) -> tuple[int, int]:
    """(rows, columns) of the image in a volume."""
    columns, rows, _slices = volume_node.GetImageData().GetDimensions()
    return rows, columns


def pixels_to_ras(volume_node: Any, points: np.ndarray) -> np.ndarray:
    """Points (N, 2) as x, y in pixels (centres at integers) -> (N, 3) in the volume's RAS, in its units."""
    points = np.asarray(points, float).reshape(-1, 2)
    matrix = _matrix(volume_node)
    return points @ matrix[:3, :2].T + matrix[:3, 3]


def ras_to_pixels(volume_node: Any, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) in the volume's RAS -> (N, 2) as x, y in pixels; the distance to the image plane is dropped."""
    points = np.asarray(points, float).reshape(-1, 3)
    inverse = np.linalg.inv(_matrix(volume_node))
    return points @ inverse[:2, :3].T + inverse[:2, 3]


def _matrix(volume_node: Any) -> np.ndarray:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _ijk_to_ras(radiograph: Radiograph) -> Any:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    matrix.SetElement(0, 0, -radiograph.spacing.column)
    matrix.SetElement(1, 1, -radiograph.spacing.row)
    return matrix


def _hide_padding(display: Any, radiograph: Radiograph) -> None:
    """Padding is black whatever the polarity (PS3.3 C.7.5.1.1.2): Slicer leaves out what lies beyond a threshold."""
    grayscale = radiograph.grayscale
    levels = levels_of(radiograph.stored) if grayscale.padding is not None else np.empty(0)
    inside = grayscale.is_image(levels)
    hidden = False
    if inside.any() and not inside.all():
        image, padding = grayscale.modality(levels[inside]), grayscale.modality(levels[~inside])
        low, high = float(image.min()), float(image.max())
        hidden = bool(((padding < low) | (padding > high)).all())
        if hidden:
            display.SetThreshold(low, high)
    display.SetAutoThreshold(False)
    display.SetApplyThreshold(hidden)


def _new_table(host: Host, volume_node: Any) -> Any:
    table = host.scene.AddNewNodeByClass("vtkMRMLColorTableNode", f"{volume_node.GetName()} greys")
    table.SetTypeToUser()
    # Hidden nodes, as colour tables are, go into a private part of a bundle.
    table.SetHideFromEditors(False)
    table.SetNumberOfColors(LEVELS)
    volume_node.SetNodeReferenceID(PREFIX + "greyTable", table.GetID())
    return table


def _note(volume_node: Any, name: str, value: str) -> None:
    volume_node.SetAttribute(PREFIX + name, encoded(value) if value else None)


def _name(radiograph: Radiograph) -> str:
    header = radiograph.header
    words = [header.modality, header.view, header.study_date, header.uid.rpartition(".")[2][-8:]]
    return " ".join(word for word in words if word)
