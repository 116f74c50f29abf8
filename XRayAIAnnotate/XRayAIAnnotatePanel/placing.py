"""Objects begin here, whether a person asks for one in the panel or in the Segment Editor: the next clicks place it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAIAnnotatePanel import layer

if TYPE_CHECKING:
    from XRayAILib.findings.schema import Label, LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.landmarks import State
    from XRayAILib.scene.layers import FindingsNodes


def place(host: Host, volume_node: Any, schema: LabelSchema, label: Label, in_order: bool = False) -> Any:
    """Let the next clicks place an object of a label, drawn as its tool says; its markups node.

    A landmark that is there already is not set twice: it can be dragged. With ``in_order`` the clicks after the first
    set the landmarks that come after it.
    """
    from XRayAILib.findings.schema import Tool

    if label.tool is Tool.LANDMARK:
        return _place_landmark(host, volume_node, schema, label.name, in_order)
    return _place_shape(host, volume_node, schema, label)


def is_in_order(schema: LabelSchema, label: Label) -> bool:
    """Whether a landmark belongs to others that are set after it: the points of a skeleton."""
    return any(label.name in skeleton.points for skeleton in schema.skeletons)


def is_placed(shape: Any) -> bool:
    """Whether all the points of a shape are placed that make it one."""
    from XRayAILib.scene import shapes

    return shapes.is_complete(shape)


def stop(host: Host) -> None:
    """No click sets anything any more."""
    host.application_logic.GetInteractionNode().SwitchToViewTransformMode()


def is_placing(host: Host) -> bool:
    """Whether the next click in a view sets a point."""
    node = host.application_logic.GetInteractionNode()
    return bool(node.GetCurrentInteractionMode() == node.Place)


def drop_unfinished(host: Host, nodes: FindingsNodes) -> None:
    """Take away what was begun and left, with too few points to be anything."""
    from XRayAILib.scene import shapes

    for shape in nodes.shapes:
        if not shapes.is_complete(shape):
            shapes.remove(host, shape)


def next_place(host: Host, nodes: FindingsNodes) -> str:
    """What the next click sets: a point of a measurement, such as ``corner``, or a landmark; empty for other tools."""
    from XRayAILib.findings.kinds import BY_TOOL
    from XRayAILib.findings.measurements import Measurement
    from XRayAILib.scene import landmarks, shapes

    active = active_node(host)
    if active is None:
        return ""
    if active.GetID() == nodes.landmarks.GetID():
        index = landmarks.next_point(active)
        return str(active.GetNthControlPointLabel(index)) if index is not None else ""
    if not any(shape.GetID() == active.GetID() for shape in nodes.shapes):
        return ""
    kind = BY_TOOL[shapes.tool_of(active)]
    placed = active.GetNumberOfDefinedControlPoints()
    return kind.parts[placed] if issubclass(kind, Measurement) and placed < len(kind.parts) else ""


def active_node(host: Host) -> Any:
    """The markups node whose point the next click sets; ``None`` where no click sets one."""
    if not is_placing(host):
        return None
    return host.scene.GetNodeByID(host.markups_logic.GetActiveListID() or "")


def say_of_next(host: Host, points: Any, volume_node: Any, state: State) -> None:
    """Say that the landmark that comes next is not visible, or outside; said twice, it is taken back.

    One outside needs no click: it is set at once, and the one after it comes next.
    """
    from XRayAILib.scene import landmarks

    index = landmarks.next_point(points)
    if index is None:
        return
    again = landmarks.state_of(points, index) is state
    landmarks.set_state(points, index, landmarks.State.VISIBLE if again else state, volume_node)
    if landmarks.next_point(points) is None:
        stop(host)


def last_polygon(host: Host, volume_node: Any) -> Any:
    """The polygon that was begun last: of the layer that is drawn on, or of the scene where there is none."""
    from XRayAILib.scene.markups import CLOSED_CURVE

    nodes = layer.find(host, volume_node)
    if nodes is not None:
        curves = [shape for shape in nodes.shapes if shape.IsA(CLOSED_CURVE)]
    else:
        count = host.scene.GetNumberOfNodesByClass(CLOSED_CURVE)
        curves = [host.scene.GetNthNodeByClass(index, CLOSED_CURVE) for index in range(count)]
    return next((curve for curve in reversed(curves) if is_placed(curve)), None)


def polygon_pixels(curve: Any, volume_node: Any) -> np.ndarray:
    """The pixels of the image inside a polygon, boolean (rows, columns): those whose centres it holds."""
    from XRayAILib.pixels.fill import fill_polygon
    from XRayAILib.scene.points import pixels_of
    from XRayAILib.scene.volume import image_shape

    return fill_polygon(pixels_of(curve, volume_node), image_shape(volume_node))


def _place_shape(host: Host, volume_node: Any, schema: LabelSchema, label: Label) -> Any:
    from XRayAILib.scene import layers, live, shapes
    from XRayAILib.scene.boxes import flatten
    from XRayAILib.scene.markups import ROI

    nodes = layer.find(host, volume_node)
    shape = shapes.new_shape(host, schema, label.name, label.tool)
    if nodes is None:
        # Nobody watches what lies outside a layer.
        live.follow(host, shape, volume_node, schema)
    else:
        drop_unfinished(host, nodes)
        layers.adopt(host, nodes, shape, schema, label.name)
        if shape.IsA(ROI):
            # Whoever reads it before the panel has looked again finds it flat.
            shape.AddObserver(shape.PointPositionDefinedEvent, lambda caller, _event: flatten(caller))
    _start(host, shape, several=False)
    return shape


def _place_landmark(host: Host, volume_node: Any, schema: LabelSchema, label: str, in_order: bool) -> Any:
    from XRayAILib.scene import landmarks

    nodes = layer.find(host, volume_node)
    points = nodes.landmarks if nodes is not None else _loose_landmarks(host, volume_node)
    landmarks.offer(points, schema)
    index = landmarks.index_of_label(points, schema, label)
    if index is None or points.GetNthControlPointPositionStatus(index) == points.PositionDefined:
        if not in_order or points.GetNumberOfUndefinedControlPoints() == 0:
            return points
    else:
        points.SetControlPointPlacementStartIndex(index)
    _start(host, points, in_order)
    return points


def _start(host: Host, node: Any, several: bool) -> None:
    # Not StartPlaceMode: it makes a point list of whatever is placed.
    host.markups_logic.SetActiveList(node)
    interaction = host.application_logic.GetInteractionNode()
    interaction.SetPlaceModePersistence(several)
    interaction.SetCurrentInteractionMode(interaction.Place)


def _loose_landmarks(host: Host, volume_node: Any) -> Any:
    """The point list over a volume that nobody annotates in X-Ray AI Annotate."""
    from XRayAILib.scene import landmarks
    from XRayAILib.scene.markups import POINTS

    name = f"{volume_node.GetName()} landmarks"
    points = host.scene.GetFirstNode(name, POINTS)
    return landmarks.new_landmarks(host, name) if points is None else points
