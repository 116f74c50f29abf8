"""Boxes, polygons and landmarks begin here, whether a person asks for one in the panel or in the Segment Editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAIAnnotatePanel import layer

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.layers import FindingsNodes


def place_box(host: Host, volume_node: Any, schema: LabelSchema, label: str) -> Any:
    """Let the next two clicks set the corners of a new box; its ROI node."""
    from XRayAILib.scene import markups

    box = _place_shape(host, volume_node, schema, label, markups.new_box(host, schema, label))
    box.AddObserver(box.PointPositionDefinedEvent, lambda caller, _event: flatten(caller))
    return box


def place_polygon(host: Host, volume_node: Any, schema: LabelSchema, label: str) -> Any:
    """Let each click add a corner to a new polygon until a double click ends it; its closed curve node."""
    from XRayAILib.scene import markups

    return _place_shape(host, volume_node, schema, label, markups.new_polygon(host, schema, label))


def place_landmark(host: Host, volume_node: Any, schema: LabelSchema, label: str, several: bool = False) -> Any:
    """Let the next click set a landmark, and with ``several`` the next ones the landmarks after it; the point list.

    A landmark that is there already is not set twice: it can be dragged.
    """
    from XRayAILib.scene import layers

    nodes = layer.find(host, volume_node)
    if nodes is None:
        points = _loose_landmarks(host, volume_node, schema)
    else:
        points = nodes.landmarks
        points.SetFixedNumberOfControlPoints(False)
        layers.offer_landmarks(nodes, schema)
    # Points may be set or unset then, but a click beside the list never adds one without a name.
    points.SetFixedNumberOfControlPoints(True)
    index = point_of(points, schema, label)
    if index is None or points.GetNthControlPointPositionStatus(index) == points.PositionDefined:
        if not several or points.GetNumberOfUndefinedControlPoints() == 0:
            return points
    else:
        points.SetControlPointPlacementStartIndex(index)
    _start(host, points, several)
    return points


def is_placed(shape: Any) -> bool:
    """Whether a box has both corners, or a polygon the three points that make it one."""
    from XRayAILib.scene import markups

    if shape.IsA(markups.CURVE):
        return bool(shape.GetNumberOfDefinedControlPoints() >= 3)
    # Slicer asks for two points and keeps one, the centre, once it has them.
    complete = shape.GetNumberOfDefinedControlPoints() >= shape.GetRequiredNumberOfControlPoints()
    return bool(complete and min(shape.GetSize()[:2]) > 0)


def flatten(box: Any) -> None:
    """Give a box that was placed by hand no depth: Slicer makes it as deep as its shorter side."""
    from XRayAILib.scene import markups

    if is_placed(box) and box.GetSize()[2] != markups.THICKNESS:
        across, down, _deep = box.GetSize()
        box.SetSize(across, down, markups.THICKNESS)


def point_of(points: Any, schema: LabelSchema, label: str) -> int | None:
    """The index of the point that stands for a landmark label."""
    titles = {schema[label].title, label}
    for index in range(points.GetNumberOfControlPoints()):
        if points.GetNthControlPointLabel(index) in titles:
            return index
    return None


def stop(host: Host) -> None:
    """No click sets anything any more."""
    host.application_logic.GetInteractionNode().SwitchToViewTransformMode()


def is_placing(host: Host) -> bool:
    """Whether the next click in a view sets a point."""
    node = host.application_logic.GetInteractionNode()
    return bool(node.GetCurrentInteractionMode() == node.Place)


def drop_unfinished(host: Host, nodes: FindingsNodes) -> None:
    """Take away boxes and polygons that were begun and left, with too few points to be anything."""
    for shape in nodes.shapes:
        if not is_placed(shape):
            host.scene.RemoveNode(shape)


def last_polygon(host: Host, volume_node: Any) -> Any:
    """The polygon that was begun last: of the layer that is drawn on, or of the scene where there is none."""
    from XRayAILib.scene import markups

    nodes = layer.find(host, volume_node)
    if nodes is not None:
        curves = [shape for shape in nodes.shapes if shape.IsA(markups.CURVE)]
    else:
        count = host.scene.GetNumberOfNodesByClass(markups.CURVE)
        curves = [host.scene.GetNthNodeByClass(index, markups.CURVE) for index in range(count)]
    return next((curve for curve in reversed(curves) if is_placed(curve)), None)


def polygon_pixels(curve: Any, volume_node: Any) -> np.ndarray:
    """The pixels of the image inside a polygon, boolean (rows, columns): those whose centres it holds."""
    from XRayAILib.pixels.fill import fill_polygon
    from XRayAILib.scene.volume import image_shape, ras_to_pixels

    corners = range(curve.GetNumberOfControlPoints())
    placed = [i for i in corners if curve.GetNthControlPointPositionStatus(i) == curve.PositionDefined]
    points = np.array([curve.GetNthControlPointPositionWorld(index) for index in placed])
    return fill_polygon(ras_to_pixels(volume_node, points), image_shape(volume_node))


def _place_shape(host: Host, volume_node: Any, schema: LabelSchema, label: str, shape: Any) -> Any:
    from XRayAILib.scene import layers

    nodes = layer.find(host, volume_node)
    if nodes is not None:
        drop_unfinished(host, nodes)
        layers.adopt(host, nodes, shape, schema, label)
    _start(host, shape, several=False)
    return shape


def _start(host: Host, node: Any, several: bool) -> None:
    # Not StartPlaceMode: it makes a point list of whatever is placed.
    host.markups_logic.SetActiveList(node)
    interaction = host.application_logic.GetInteractionNode()
    interaction.SetPlaceModePersistence(several)
    interaction.SetCurrentInteractionMode(interaction.Place)


def _loose_landmarks(host: Host, volume_node: Any, schema: LabelSchema) -> Any:
    """The point list over a volume that nobody annotates in X-Ray AI Annotate."""
    from XRayAILib.findings.schema import Tool
    from XRayAILib.scene import markups

    name = f"{volume_node.GetName()} landmarks"
    points = host.scene.GetFirstNode(name, markups.POINTS)
    if points is None:
        points = markups.new_landmarks(host, name)
        markups.show_landmarks(points, volume_node, (), schema, schema.of(Tool.LANDMARK))
    return points
