"""What a file draws over its radiograph: colours, overlay planes, shutters, and annotations of a presentation state.

Only to look at: a label map over the image, in which 1 is drawn and 2 is hidden by a shutter, and locked markups. The
colours of a colour image are such a drawing, too: the volume below has its brightness, for thresholds and models.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.dicom.graphic_annotation import Graphic
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import pixels_to_ras

DRAWN_COLOR = (1.0, 0.85, 0.2)
"""Apart from the white of a radiograph and the colours of findings."""

MOST_GRAPHICS = 300
"""Each is a node of the scene; a person has drawn far fewer."""

_PLANE, _GRAPHICS, _COLOURS = PREFIX + "drawnPlane", PREFIX + "drawnGraphics", PREFIX + "drawnColours"
_DRAWN, _HIDDEN = 1, 2


def show_drawings(host: Host, volume_node: Any, radiograph: Radiograph, visible: bool = True) -> None:
    """Draw what belongs to a radiograph over its volume; what was drawn there before goes.

    The shutter of a presentation state is no drawing: it hides also where the drawings are not ``visible``. Nor are the
    colours of the image. The file's own shutter opens with them, so that a person can look at all that is stored.
    """
    remove_drawings(host, volume_node)
    if radiograph.colour is not None:
        _show_colours(host, volume_node, radiograph.colour)
    values = _plane(radiograph, visible)
    if values is not None:
        _show_plane(host, volume_node, values, _shutter_grey(radiograph))
    if visible and radiograph.presentation is not None:
        for graphic in radiograph.presentation.graphics[:MOST_GRAPHICS]:
            node = _show_graphic(host, volume_node, graphic)
            volume_node.AddNodeReferenceID(_GRAPHICS, node.GetID())


def remove_drawings(host: Host, volume_node: Any) -> None:
    """Take away what :func:`show_drawings` made."""
    nodes = [volume_node.GetNodeReference(_PLANE), volume_node.GetNodeReference(_COLOURS)]
    nodes += [
        volume_node.GetNthNodeReference(_GRAPHICS, place)
        for place in range(volume_node.GetNumberOfNodeReferences(_GRAPHICS))
    ]
    volume_node.RemoveNodeReferenceIDs(_PLANE)
    volume_node.RemoveNodeReferenceIDs(_COLOURS)
    volume_node.RemoveNodeReferenceIDs(_GRAPHICS)
    for node in nodes:
        if node is None:
            continue
        display = node.GetDisplayNode()
        colors = display.GetColorNode() if display is not None and node.IsA("vtkMRMLLabelMapVolumeNode") else None
        for gone in (node, display, colors):
            if gone is not None:
                host.scene.RemoveNode(gone)


def attach(host: Host, volume_node: Any) -> None:
    """Put the drawn plane and the colours of a volume, where it has them, into the Red view."""
    plane, colours = volume_node.GetNodeReference(_PLANE), volume_node.GetNodeReference(_COLOURS)
    composite = host.slice_logic.GetSliceCompositeNode()
    if colours is not None:
        composite.SetForegroundVolumeID(colours.GetID())
        composite.SetForegroundOpacity(1.0)
    composite.SetLabelVolumeID(plane.GetID() if plane is not None else None)
    composite.SetLabelOpacity(1.0)


def _plane(radiograph: Radiograph, visible: bool) -> np.ndarray | None:
    overlays = radiograph.overlays if visible else ()
    shutter = radiograph.shutter if visible or radiograph.presentation is not None else None
    if not overlays and shutter is None:
        return None
    values = np.zeros(radiograph.shape, np.uint8)
    for overlay in overlays:
        values[overlay.mask] = _DRAWN
    if shutter is not None:
        values[shutter.hidden] = _HIDDEN
    return values


def _shutter_grey(radiograph: Radiograph) -> float:
    return radiograph.shutter.value if radiograph.shutter is not None else 0.0


def _show_colours(host: Host, volume_node: Any, colours: np.ndarray) -> None:
    node = _volume_like(host, volume_node, "vtkMRMLVectorVolumeNode", "colours", colours.reshape(-1, 3))
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, 255.0)
    volume_node.SetNodeReferenceID(_COLOURS, node.GetID())


def _volume_like(host: Host, volume_node: Any, kind: str, what: str, values: np.ndarray) -> Any:
    """A volume in the place of a radiograph's, which is not saved with the scene."""
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    image = vtkImageData()
    image.SetDimensions(volume_node.GetImageData().GetDimensions())
    image.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(values), deep=True))
    node = host.scene.AddNewNodeByClass(kind, f"{volume_node.GetName()} {what}")
    matrix = vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    node.SetSaveWithScene(False)
    return node


def _show_plane(host: Host, volume_node: Any, values: np.ndarray, grey: float) -> None:
    node = _volume_like(host, volume_node, "vtkMRMLLabelMapVolumeNode", "drawn", values.ravel())
    colors = host.scene.AddNewNodeByClass("vtkMRMLColorTableNode", f"{node.GetName()} colours")
    colors.SetTypeToUser()
    colors.SetNumberOfColors(3)
    colors.SetColor(0, "nothing", 0.0, 0.0, 0.0, 0.0)
    colors.SetColor(_DRAWN, "drawn", *DRAWN_COLOR, 1.0)
    colors.SetColor(_HIDDEN, "hidden", grey, grey, grey, 1.0)
    node.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    volume_node.SetNodeReferenceID(_PLANE, node.GetID())


def _show_graphic(host: Host, volume_node: Any, graphic: Graphic) -> Any:
    points, closed = graphic.outline()
    if len(points) < 2:
        kind = "vtkMRMLMarkupsFiducialNode"
    else:
        kind = "vtkMRMLMarkupsClosedCurveNode" if closed else "vtkMRMLMarkupsCurveNode"
    node = host.scene.AddNewNodeByClass(kind, graphic.text or graphic.kind.capitalize())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetColor(*DRAWN_COLOR)
    display.SetSelectedColor(*DRAWN_COLOR)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(bool(graphic.text))
    display.SetTextScale(2.5)
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(0.5 if graphic.text else 1.0)
    if len(points) > 1:
        if graphic.kind != "INTERPOLATED":
            node.SetCurveTypeToLinear()
        display.SetCurveLineSizeMode(display.UseLineThickness)
        display.SetLineThickness(0.3)
    for point in pixels_to_ras(volume_node, points):
        node.AddControlPoint(point, graphic.text)
    if len(points) > 1:
        # The line is the drawing; its corners are nothing to see or to take hold of.
        for place in range(len(points)):
            node.SetNthControlPointVisibility(place, False)
    node.SetLocked(True)
    node.SetSaveWithScene(False)
    return node
