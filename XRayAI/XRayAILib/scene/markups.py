"""Boxes, polygons and landmarks as markups, and back unchanged where nobody moved them.

Parts of Slicer's markups work in single precision, a ten-thousandth of a pixel on a large image. So every node
remembers the coordinates that it was given; they are what is read back as long as the markup still lies there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, FindingError, Landmark, Polygon, new_id
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import (
    PREFIX,
    color_of,
    decoded,
    encoded,
    identity_of,
    label_for,
    read_attributes,
    record_of,
    title_of,
    write_attributes,
)
from XRayAILib.scene.volume import pixels_to_ras, ras_to_pixels

ROI, CURVE, POINTS = "vtkMRMLMarkupsROINode", "vtkMRMLMarkupsClosedCurveNode", "vtkMRMLMarkupsFiducialNode"
THICKNESS = 0.01
"""Depth of a box in the scene, in millimetres: it lies in the image, with no third dimension to grab."""

_POINT = PREFIX + "point."
_AT = "at"
_STILL_THERE = 1e-3
_GLYPH_PERCENT, _TEXT_PERCENT = 2.4, 2.2


def new_box(host: Host, schema: LabelSchema, label: str) -> Any:
    """An empty ROI node for a label, ready to be placed by hand or by :func:`show_box`."""
    node = host.scene.AddNewNodeByClass(ROI, title_of(schema, label))
    return dress(node, schema, label)


def new_polygon(host: Host, schema: LabelSchema, label: str) -> Any:
    """An empty closed curve of straight edges for a label, ready to be placed by hand or by :func:`show_polygon`."""
    node = host.scene.AddNewNodeByClass(CURVE, title_of(schema, label))
    return dress(node, schema, label)


def new_landmarks(host: Host, name: str) -> Any:
    """An empty point list."""
    node = host.scene.AddNewNodeByClass(POINTS, name)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetGlyphTypeFromString("CrossDot2D")
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(_GLYPH_PERCENT)
    display.SetTextScale(_TEXT_PERCENT)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    return node


def dress(node: Any, schema: LabelSchema, label: str) -> Any:
    """Give a ROI or curve the label's name, colour and a look that suits a radiograph, also one that a person placed.

    Curves become linear: Slicer's are splines by default, which bulge beyond the points that were set.
    """
    node.CreateDefaultDisplayNodes()
    node.SetName(title_of(schema, label))
    node.SetAttribute(PREFIX + "label", encoded(label))
    display = node.GetDisplayNode()
    _paint(display, color_of(schema, label))
    display.SetFillVisibility(False)
    display.SetFillOpacity(0.0)
    display.SetOutlineOpacity(1.0)
    display.SetTextScale(_TEXT_PERCENT)
    display.SetPointLabelsVisibility(False)
    # A box has its name in the middle, over what it points at; a polygon at its rim.
    display.SetPropertiesLabelVisibility(not node.IsA(ROI))
    display.SetUseGlyphScale(True)
    display.SetGlyphScale(1.0)
    display.SetCurveLineSizeMode(display.UseLineThickness)
    display.SetLineThickness(0.3)
    if node.IsA(CURVE):
        node.SetCurveTypeToLinear()
    else:
        # A box of findings is upright.
        display.SetRotationHandleVisibility(False)
        display.SetTranslationHandleVisibility(False)
        display.SetScaleHandleVisibility(True)
    return node


def set_editable(node: Any, editable: bool) -> None:
    """Let a person move the markup, or only look at it."""
    node.SetLocked(not editable)
    if node.IsA(ROI):
        node.GetDisplayNode().SetHandlesInteractive(editable)
        for index in range(node.GetNumberOfControlPoints()):
            node.SetNthControlPointVisibility(index, editable)


def show_box(node: Any, volume_node: Any, box: Box) -> None:
    """Put a box into a ROI node, :data:`THICKNESS` deep."""
    corners = pixels_to_ras(volume_node, np.array([[box.x0, box.y0], [box.x1, box.y1]]))
    changing = node.StartModify()
    # Only the centre and the size are kept in the file, so an upright box needs no rotation.
    node.SetROIType(node.ROITypeBox)
    _unrotate(node)
    node.SetCenterWorld(*corners.mean(axis=0))
    across, down, _ = np.abs(corners[1] - corners[0])
    node.SetSizeWorld(float(across), float(down), THICKNESS)
    _write(node, box, [[box.x0, box.y0], [box.x1, box.y1]])
    node.EndModify(changing)


def show_polygon(node: Any, volume_node: Any, polygon: Polygon) -> None:
    """Put a polygon into a closed curve node, a control point for each of its points."""
    changing = node.StartModify()
    _set_positions(node, pixels_to_ras(volume_node, np.asarray(polygon.points)))
    _write(node, polygon, polygon.points)
    node.EndModify(changing)


def read_box(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> Box | None:
    """The box in a ROI node, or the upright one around it where a person turned it; ``None`` while none is placed."""
    # While it is placed, a ROI has one corner and a preview of the other; once it has both, it keeps only its centre.
    if node.GetNumberOfDefinedControlPoints() < node.GetRequiredNumberOfControlPoints() or min(node.GetSize()[:2]) <= 0:
        return None
    size = [0.0, 0.0, 0.0]
    node.GetSizeWorld(size)
    width, height, _depth = size
    halves = np.array([[x, y, 0.0, 1.0] for x in (-width / 2, width / 2) for y in (-height / 2, height / 2)])
    points = ras_to_pixels(volume_node, (halves @ _to_world(node).T)[:, :3])
    (x0, y0), (x1, y1) = _given(node, np.array([points.min(axis=0), points.max(axis=0)]))
    identity = _identity(node, schema, (Tool.BOX,), author)
    box = Box(x0=x0, y0=y0, x1=x1, y1=y1, **identity)  # type: ignore[arg-type]
    _write(node, box, [[x0, y0], [x1, y1]])
    return box


def read_polygon(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> Polygon | None:
    """The polygon in a closed curve node; ``None`` while it has fewer than three points."""
    points = ras_to_pixels(volume_node, _positions(node))
    if len(points) < 3:
        return None
    identity = _identity(node, schema, (Tool.POLYGON, Tool.MASK), author)
    corners = tuple((x, y) for x, y in _given(node, points))
    polygon = Polygon(points=corners, **identity)  # type: ignore[arg-type]
    _write(node, polygon, corners)
    return polygon


def show_landmarks(
    node: Any, volume_node: Any, landmarks: Sequence[Landmark], schema: LabelSchema, missing: Iterable[Label] = ()
) -> None:
    """Make the points of a list exactly these landmarks, then an unplaced one for each label of ``missing``.

    A landmark that is not visible keeps its place, but its point is hidden. A point's description is the id of its
    landmark, so it follows the point through moving and sorting; the rest is remembered in the node's attributes.
    """
    changing = node.StartModify()
    node.RemoveAllControlPoints()
    for name in node.GetAttributeNames():
        if name.startswith(_POINT):
            node.RemoveAttribute(name)
    for landmark, position in zip(landmarks, pixels_to_ras(volume_node, _xy(landmarks)), strict=True):
        index = node.AddControlPointWorld(*(float(v) for v in position))
        node.SetNthControlPointLabel(index, title_of(schema, landmark.label))
        node.SetNthControlPointVisibility(index, landmark.visible)
        _remember(node, index, landmark)
    for label in missing:
        index = node.AddControlPointWorld(0.0, 0.0, 0.0)
        node.UnsetNthControlPointPosition(index)
        node.SetNthControlPointLabel(index, label.title)
        _remember_record(node, index, {"id": new_id(), "label": label.name})
    node.EndModify(changing)
    labels = [landmark.label for landmark in landmarks] + [label.name for label in missing]
    if labels:
        _paint(node.GetDisplayNode(), color_of(schema, labels[0]))


def read_landmarks(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> list[Landmark]:
    """The placed points of a list; a point that a person added takes the label that its name says."""
    landmarks: list[Landmark] = []
    seen: set[str] = set()
    for index in range(node.GetNumberOfControlPoints()):
        if node.GetNthControlPointPositionStatus(index) != node.PositionDefined:
            continue
        record = _recall(node, index)
        shown = node.GetNthControlPointLabel(index) or ""
        record["label"] = label_for(schema, (Tool.LANDMARK,), shown, record.get("label", ""))
        if record.get("id") in seen:
            record["derivedFrom"], record["id"] = record["id"], new_id()
        ((x, y),) = _unmoved(
            record.get(_AT, ""), ras_to_pixels(volume_node, np.array(node.GetNthControlPointPositionWorld(index)))
        )
        landmark = Landmark(
            x=x,
            y=y,
            visible=bool(node.GetNthControlPointVisibility(index)),
            **identity_of(record, author),  # type: ignore[arg-type]
        )
        _remember(node, index, landmark)
        seen.add(landmark.id)
        landmarks.append(landmark)
    return landmarks


def object_id(node: Any) -> str:
    """The id of the object in a ROI or curve node; empty for one that was never read."""
    return read_attributes(node, ("id",)).get("id", "")


def _identity(node: Any, schema: LabelSchema, tools: tuple[Tool, ...], author: Author) -> dict[str, object]:
    record = read_attributes(node)
    record["label"] = label_for(schema, tools, node.GetName() or "", record.get("label", ""))
    return identity_of(record, author)


def _write(node: Any, item: Box | Polygon, points: Sequence[Sequence[float]]) -> None:
    write_attributes(node, {**record_of(item), _AT: json.dumps(points)})


def _given(node: Any, measured: np.ndarray) -> list[list[float]]:
    return _unmoved(read_attributes(node, (_AT,)).get(_AT, ""), measured)


def _unmoved(recorded: str, measured: np.ndarray) -> list[list[float]]:
    """The recorded points (N, 2) where the measured ones still lie there, else the measured ones."""
    try:
        given = np.asarray(json.loads(recorded), float) if recorded else np.empty((0, 2))
    except ValueError as error:
        raise FindingError(f"The scene's record of a markup's place is damaged: {error}.") from error
    still = given.shape == measured.shape and float(np.abs(given - measured).max(initial=0.0)) < _STILL_THERE
    return [[float(x), float(y)] for x, y in (given if still else measured)]


def _remember(node: Any, index: int, landmark: Landmark) -> None:
    _remember_record(node, index, {**record_of(landmark), _AT: json.dumps([[landmark.x, landmark.y]])})


def _remember_record(node: Any, index: int, record: dict[str, str]) -> None:
    if node.GetNthControlPointDescription(index) != record["id"]:
        node.SetNthControlPointDescription(index, record["id"])
    kept = {name: value for name, value in record.items() if value and name != "id"}
    node.SetAttribute(_POINT + record["id"], encoded(json.dumps(kept)))


def _recall(node: Any, index: int) -> dict[str, str]:
    landmark_id = node.GetNthControlPointDescription(index) or ""
    kept = node.GetAttribute(_POINT + landmark_id) if landmark_id else None
    if not kept:
        return {}
    try:
        record = json.loads(decoded(kept))
    except ValueError as error:
        raise FindingError(f"The scene's record of the landmark {landmark_id} is damaged: {error}.") from error
    return {**{str(name): str(value) for name, value in record.items()}, "id": landmark_id}


def _paint(display: Any, color: tuple[float, float, float]) -> None:
    display.SetColor(*color)
    display.SetSelectedColor(*color)
    display.SetActiveColor(*(1.0 - (1.0 - part) * 0.5 for part in color))


def _positions(node: Any) -> np.ndarray:
    """World positions (N, 3) of the placed control points."""
    placed = [
        node.GetNthControlPointPositionWorld(index)
        for index in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(index) == node.PositionDefined
    ]
    return np.array(placed, float).reshape(-1, 3)


def _set_positions(node: Any, positions: np.ndarray) -> None:
    from vtkmodules.vtkCommonCore import vtkPoints

    points = vtkPoints()
    # The default of single precision would move a point by a thousandth of a pixel.
    points.SetDataTypeToDouble()
    for position in positions:
        points.InsertNextPoint(*(float(v) for v in position))
    node.SetControlPointPositionsWorld(points)


def _to_world(node: Any) -> np.ndarray:
    matrix = node.GetObjectToWorldMatrix()
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _unrotate(node: Any) -> None:
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    node.SetAndObserveObjectToNodeMatrix(vtkMatrix4x4())


def _xy(landmarks: Sequence[Landmark]) -> np.ndarray:
    return np.array([(point.x, point.y) for point in landmarks], np.float64).reshape(-1, 2)
