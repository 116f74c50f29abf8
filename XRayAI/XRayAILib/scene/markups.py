"""The markups node that each kind of object is drawn with, and a look that suits a radiograph."""

from __future__ import annotations

from typing import Any

from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import new_id
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import color_of, read_attributes, title_of, write_attributes

ROI, CLOSED_CURVE, CURVE = "vtkMRMLMarkupsROINode", "vtkMRMLMarkupsClosedCurveNode", "vtkMRMLMarkupsCurveNode"
LINE, ANGLE, POINTS = "vtkMRMLMarkupsLineNode", "vtkMRMLMarkupsAngleNode", "vtkMRMLMarkupsFiducialNode"
NODE_OF = {
    Tool.BOX: ROI,
    Tool.ROTATED_BOX: ROI,
    Tool.ELLIPSE: ROI,
    Tool.POLYGON: CLOSED_CURVE,
    Tool.POLYLINE: CURVE,
    Tool.LINE: LINE,
    Tool.ANGLE: ANGLE,
    Tool.COBB_ANGLE: POINTS,
    Tool.CARDIOTHORACIC_RATIO: POINTS,
}
"""What each tool is drawn with; masks are segments, and all landmarks are the points of one list."""

OUTLINED = frozenset({Tool.ELLIPSE, Tool.COBB_ANGLE, Tool.CARDIOTHORACIC_RATIO})
"""Slicer has no node that draws these: what it draws are their handles, the lines are a model of ours."""

THIN, THICK = 0.3, 0.6
"""Lines, in parts of a control point's size: as they are, and of the object that stands out."""

TEXT_PERCENT = 2.2
_KIND, _FRAME_OPACITY, _HANDLE_PERCENT = "kind", 0.25, 2.0


def new_node(host: Host, schema: LabelSchema, label: str, tool: Tool) -> Any:
    """An empty node for an object of ``label``, ready to be placed by hand or to be filled; its object has an id."""
    node = dress(host.scene.AddNewNodeByClass(NODE_OF[tool], title_of(schema, label)), schema, label, tool)
    show_ring(node, True)
    return node


def dress(node: Any, schema: LabelSchema, label: str, tool: Tool) -> Any:
    """Give a node the label's name and colour, and what belongs to its kind, also one that a person placed.

    Curves become linear: Slicer's are splines by default, which bulge beyond the points that were set. Slicer's own
    lengths and angles are switched off: it writes millimetres whether they are known or not.
    """
    node.CreateDefaultDisplayNodes()
    node.SetName(title_of(schema, label))
    kept = read_attributes(node, ("id",)).get("id", "")
    write_attributes(node, {"label": label, _KIND: tool.value, "id": kept or new_id()})
    display = node.GetDisplayNode()
    paint(display, color_of(schema, label))
    display.SetTextScale(TEXT_PERCENT)
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(1.0)
    display.SetCurveLineSizeMode(display.UseLineThickness)
    display.SetLineThickness(THIN)
    # Slicer writes the name of a box into its middle, over what it points at.
    display.SetPropertiesLabelVisibility(not node.IsA(ROI))
    display.SetPointLabelsVisibility(node.IsA(POINTS))
    for index in range(node.GetNumberOfMeasurements()):
        if node.GetNthMeasurement(index).GetName() in ("length", "angle", "area", "volume"):
            node.GetNthMeasurement(index).SetEnabled(False)
    if node.IsA(ROI):
        _dress_roi(display, tool)
    elif node.IsA(CURVE):
        node.SetCurveTypeToLinear()
    elif node.IsA(POINTS):
        parts = _parts(tool)
        # Slicer would number the points, "Scoliosis-1", until all are placed and the value stands there.
        node.SetControlPointLabelFormat("")
        node.SetMaximumNumberOfControlPoints(len(parts))
        node.SetRequiredNumberOfControlPoints(len(parts))
        display.SetGlyphTypeFromString("CrossDot2D")
        display.SetGlyphScale(2.0)
    return node


def _dress_roi(display: Any, tool: Tool) -> None:
    # Where the area is drawn, Slicer takes hold of the sides, which do nothing, before the handles on them.
    display.SetFillVisibility(False)
    display.SetFillOpacity(0.0)
    # The frame of an ellipse is only there to be grabbed.
    display.SetOutlineOpacity(_FRAME_OPACITY if tool is Tool.ELLIPSE else 1.0)
    display.SetInteractionHandleScale(_HANDLE_PERCENT)
    display.SetRotationHandleVisibility(False)
    display.SetTranslationHandleVisibility(False)
    display.SetScaleHandleVisibility(True)


def show_ring(node: Any, visible: bool) -> None:
    """Show the ring that turns a rotated box or an ellipse: it covers much of what lies within."""
    if node.IsA(ROI):
        node.GetDisplayNode().SetRotationHandleVisibility(visible and tool_of(node) is not Tool.BOX)


def show_handles(node: Any, visible: bool) -> None:
    """Show the handles of a ROI that can be moved; each costs more to draw than the rest of the object."""
    if node.IsA(ROI):
        node.GetDisplayNode().SetHandlesInteractive(visible and not node.GetLocked())


def _parts(tool: Tool) -> tuple[str, ...]:
    kind = BY_TOOL[tool]
    return kind.parts if issubclass(kind, Measurement) else ()


def paint(display: Any, color: tuple[float, float, float]) -> None:
    """Colour of the lines, and a paler one for the part under the mouse."""
    display.SetColor(*color)
    display.SetSelectedColor(*color)
    display.SetActiveColor(*(1.0 - (1.0 - part) * 0.5 for part in color))


def tool_of(node: Any) -> Tool:
    """What kind of object a node is; of a node that somebody else made, what it is drawn with by default."""
    kind = read_attributes(node, (_KIND,)).get(_KIND, "")
    if kind:
        return Tool(kind)
    name = node.GetClassName()
    return next((tool for tool, node_class in NODE_OF.items() if node_class == name), Tool.POLYLINE)


def is_shape(node: Any) -> bool:
    """Whether a node can be one of our shapes: also one that a person copied, but no list of loose points."""
    if node.IsA(POINTS):
        return bool(read_attributes(node, (_KIND,)))
    return node.GetClassName() in NODE_OF.values()


def object_id(node: Any) -> str:
    """The id of the object in a node; empty for a node that somebody else made, until it is read."""
    return read_attributes(node, ("id",)).get("id", "")


def label_of(node: Any) -> str:
    """The label that a node was made for, or empty."""
    return read_attributes(node, ("label",)).get("label", "")


def is_complete(node: Any) -> bool:
    """Whether all the points are placed that make the object one."""
    placed = node.GetNumberOfDefinedControlPoints()
    if node.IsA(ROI):
        # While it is placed, a ROI has one corner and a preview of the other; once it has both, it keeps its centre.
        return bool(placed >= node.GetRequiredNumberOfControlPoints() and min(node.GetSize()[:2]) > 0)
    if node.IsA(CLOSED_CURVE):
        return bool(placed >= 3)
    return bool(placed >= (2 if node.IsA(CURVE) else node.GetRequiredNumberOfControlPoints()))


def set_editable(node: Any, editable: bool) -> None:
    """Let a person move a markup, or only look at it."""
    node.SetLocked(not editable)
    if node.IsA(ROI):
        node.GetDisplayNode().SetHandlesInteractive(editable)
        if tool_of(node) is Tool.ELLIPSE:
            node.GetDisplayNode().SetOutlineOpacity(_FRAME_OPACITY if editable else 0.0)
        for index in range(node.GetNumberOfControlPoints()):
            node.SetNthControlPointVisibility(index, editable)
