"""Landmarks as the points of one list: named, in order, each seen, not visible, or outside the image.

A landmark that is not seen stays where it is, paler and with its state behind its name, so that a person can change it;
whether a point is shown at all is another matter (the eye in a table). A point's description is the id of its landmark,
so it follows the point through moving and sorting; the rest is remembered in the node's attributes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import FindingError, Landmark, new_id
from XRayAILib.findings.record import identity_of, record_of
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.scene.host import Host
from XRayAILib.scene.markups import POINTS, TEXT_PERCENT, paint
from XRayAILib.scene.points import numbers_of, settled
from XRayAILib.scene.record import PREFIX, color_of, decoded, encoded, label_for, title_of
from XRayAILib.scene.volume import image_shape, pixels_to_ras, ras_to_pixels

_POINT = PREFIX + "point."
_AT, _STATE = "at", "state"
_GLYPH_PERCENT = 2.4
_PALE = 0.55
_MARGIN, _STEP = 0.03, 0.04
"""Where landmarks outside the image are listed: from the lower left corner up, in parts of its size."""


class State(str, Enum):
    """How much of a landmark there is in the image."""

    VISIBLE = "visible"
    NOT_VISIBLE = "not visible"
    OUTSIDE = "outside"


def new_landmarks(host: Host, name: str) -> Any:
    """An empty point list."""
    node = host.scene.AddNewNodeByClass(POINTS, name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetGlyphTypeFromString("CrossDot2D")
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(_GLYPH_PERCENT)
    display.SetTextScale(TEXT_PERCENT)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    return node


def show_landmarks(node: Any, volume_node: Any, landmarks: Sequence[Landmark], schema: LabelSchema) -> None:
    """Make the points of a list exactly these landmarks."""
    changing = node.StartModify()
    fixed = node.GetFixedNumberOfControlPoints()
    node.SetFixedNumberOfControlPoints(False)
    node.RemoveAllControlPoints()
    for name in node.GetAttributeNames():
        if name.startswith(_POINT):
            node.RemoveAttribute(name)
    places = pixels_to_ras(volume_node, np.array([(mark.x, mark.y) for mark in landmarks], float).reshape(-1, 2))
    for landmark, place in zip(landmarks, places, strict=True):
        index = node.AddControlPointWorld(*(float(v) for v in place))
        _remember(node, index, landmark)
        _show_state(node, index, title_of(schema, landmark.label))
    node.SetFixedNumberOfControlPoints(fixed)
    _paint(node, schema, [landmark.label for landmark in landmarks])
    node.EndModify(changing)


def offer(node: Any, schema: LabelSchema) -> None:
    """Add an unplaced point for every landmark of the schema that has none; no other can be added by hand then."""
    there = {label_of(node, index, schema) for index in range(node.GetNumberOfControlPoints())}
    changing = node.StartModify()
    node.SetFixedNumberOfControlPoints(False)
    missing = [label for label in schema.of(Tool.LANDMARK) if label.name not in there]
    for label in missing:
        index = node.AddControlPointWorld(0.0, 0.0, 0.0)
        node.UnsetNthControlPointPosition(index)
        _write(node, index, {"id": new_id(), "label": label.name})
        _show_state(node, index, label.title)
    # Points may be set or unset now, but a click beside the list never adds one without a name.
    node.SetFixedNumberOfControlPoints(True)
    if not there:
        _paint(node, schema, [label.name for label in missing])
    node.EndModify(changing)


def read_landmarks(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> list[Landmark]:
    """The placed points of a list; a point that a person added takes the label that its name says."""
    landmarks: list[Landmark] = []
    seen: set[str] = set()
    for index in placed_points(node):
        record = _read(node, index)
        record["label"] = label_for(schema, (Tool.LANDMARK,), _title(node, index), record.get("label", ""))
        if record.get("id") in seen:
            record["derivedFrom"], record["id"] = record["id"], new_id()
        measured = ras_to_pixels(volume_node, np.array(node.GetNthControlPointPositionWorld(index)))
        ((x, y),) = settled(numbers_of(record.get(_AT, "")), measured).tolist()
        state = State(record.get(_STATE) or State.VISIBLE)
        landmark = Landmark(
            x=x,
            y=y,
            visible=state is State.VISIBLE,
            outside=state is State.OUTSIDE,
            **identity_of(record, author),  # type: ignore[arg-type]
        )
        _remember(node, index, landmark)
        seen.add(landmark.id)
        landmarks.append(landmark)
    return landmarks


def placed_points(node: Any) -> list[int]:
    """The indices of the points that have a place."""
    count = range(node.GetNumberOfControlPoints())
    return [index for index in count if node.GetNthControlPointPositionStatus(index) == node.PositionDefined]


def id_of(node: Any, index: int) -> str:
    """The id of the landmark that a point is; empty for a point that a person added, until it is read."""
    return str(node.GetNthControlPointDescription(index) or "")


def index_of(node: Any, object_id: str) -> int | None:
    """The point of a landmark, or ``None``."""
    count = range(node.GetNumberOfControlPoints())
    return next((index for index in count if object_id and id_of(node, index) == object_id), None)


def label_of(node: Any, index: int, schema: LabelSchema) -> str:
    """The label of a point."""
    return label_for(schema, (Tool.LANDMARK,), _title(node, index), _read(node, index).get("label", ""))


def index_of_label(node: Any, schema: LabelSchema, label: str) -> int | None:
    """The first point that stands for a label, placed or not."""
    count = range(node.GetNumberOfControlPoints())
    return next((index for index in count if label_of(node, index, schema) == label), None)


def state_of(node: Any, index: int) -> State:
    """How much of a landmark there is in the image; of a point that is not placed, what it will be."""
    return State(_read(node, index).get(_STATE) or State.VISIBLE)


def set_state(node: Any, index: int, state: State, volume_node: Any) -> None:
    """Say how much of a landmark there is in the image.

    One that is outside needs no place: where it has none, it is put into a list in the lower left corner.
    """
    title = _title(node, index)
    record = _read(node, index)
    record.setdefault("id", id_of(node, index) or new_id())
    _write(node, index, {**record, _STATE: "" if state is State.VISIBLE else state.value})
    if state is State.OUTSIDE and node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
        rows, columns = image_shape(volume_node)
        listed = sum(state_of(node, other) is State.OUTSIDE for other in placed_points(node))
        corner = np.array([[_MARGIN * columns, rows - (_MARGIN + _STEP * listed) * rows]])
        node.SetNthControlPointPositionWorld(index, *(float(v) for v in pixels_to_ras(volume_node, corner)[0]))
    _show_state(node, index, title)


def next_point(node: Any) -> int | None:
    """The point that the next click sets; ``None`` where all are placed."""
    count = node.GetNumberOfControlPoints()
    status = [node.GetNthControlPointPositionStatus(index) for index in range(count)]
    if node.PositionPreview in status:
        return status.index(node.PositionPreview)
    start = max(node.GetControlPointPlacementStartIndex(), 0)
    order = [(start + offset) % count for offset in range(count)]
    return next((index for index in order if status[index] == node.PositionUndefined), None)


def skip(node: Any) -> None:
    """Let the next click set the landmark after the next; the one left out comes again when the others are placed."""
    index = next_point(node)
    if index is not None:
        if node.GetNthControlPointPositionStatus(index) == node.PositionPreview:
            node.UnsetNthControlPointPosition(index)
        node.SetControlPointPlacementStartIndex((index + 1) % node.GetNumberOfControlPoints())


def _paint(node: Any, schema: LabelSchema, labels: Sequence[str]) -> None:
    """The colour of the first label; a paler one for points that are not selected, which are those not seen."""
    if labels:
        color = color_of(schema, labels[0])
        paint(node.GetDisplayNode(), color)
        node.GetDisplayNode().SetColor(*(_PALE * part + (1 - _PALE) * 0.5 for part in color))


def _title(node: Any, index: int) -> str:
    """The name of a point without its state."""
    shown = str(node.GetNthControlPointLabel(index) or "")
    for state in (State.NOT_VISIBLE, State.OUTSIDE):
        shown = shown.removesuffix(f" ({state.value})")
    return shown


def _show_state(node: Any, index: int, title: str) -> None:
    state = state_of(node, index)
    node.SetNthControlPointLabel(index, title if state is State.VISIBLE else f"{title} ({state.value})")
    node.SetNthControlPointSelected(index, state is State.VISIBLE)


def _remember(node: Any, index: int, landmark: Landmark) -> None:
    state = State.OUTSIDE if landmark.outside else State.VISIBLE if landmark.visible else State.NOT_VISIBLE
    record = {**record_of(landmark), _AT: json.dumps([landmark.x, landmark.y])}
    _write(node, index, {**record, _STATE: "" if state is State.VISIBLE else state.value})


def _write(node: Any, index: int, record: dict[str, str]) -> None:
    if id_of(node, index) != record["id"]:
        node.SetNthControlPointDescription(index, record["id"])
    kept = {name: value for name, value in record.items() if value and name != "id"}
    node.SetAttribute(_POINT + record["id"], encoded(json.dumps(kept)))


def _read(node: Any, index: int) -> dict[str, str]:
    landmark_id = id_of(node, index)
    kept = node.GetAttribute(_POINT + landmark_id) if landmark_id else None
    if not kept:
        return {}
    try:
        record = json.loads(decoded(kept))
    except ValueError as error:
        raise FindingError(f"The scene's record of the landmark {landmark_id} is damaged: {error}.") from error
    return {**{str(name): str(value) for name, value in record.items()}, "id": landmark_id}
