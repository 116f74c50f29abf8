"""The objects of the layer as a table shows them: read from names and counts, never from pixels, so it is cheap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAIAnnotatePanel import placing

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.layers import FindingsNodes

MASK, BOX, POLYGON, LANDMARK = "mask", "box", "polygon", "landmark"
_THIN, _THICK = 0.3, 0.6


@dataclass(frozen=True)
class ShownObject:
    """One row.

    Attributes
    ----------
    key
        Tells it from the others of its kind: segment id, node id, or the id of a control point.
    title, color
        Name and colour as they are in the scene; the colour 0..1.
    """

    kind: str
    key: str
    title: str
    color: tuple[float, float, float]


def shown_objects(nodes: FindingsNodes) -> list[ShownObject]:
    """Masks, then boxes and polygons, then landmarks; what is empty or not placed yet is left out."""
    from XRayAILib.scene import markups

    found = []
    segmentation = nodes.segmentation.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segment_id)
        found.append(ShownObject(MASK, segment_id, segment.GetName() or "", tuple(segment.GetColor())))
    for shape in nodes.shapes:
        if placing.is_placed(shape):
            kind = POLYGON if shape.IsA(markups.CURVE) else BOX
            color = tuple(shape.GetDisplayNode().GetSelectedColor())
            found.append(ShownObject(kind, shape.GetID(), shape.GetName() or "", color))
    points = nodes.landmarks
    color = tuple(points.GetDisplayNode().GetSelectedColor())
    for index in range(points.GetNumberOfControlPoints()):
        if points.GetNthControlPointPositionStatus(index) == points.PositionDefined:
            key, title = points.GetNthControlPointID(index), points.GetNthControlPointLabel(index)
            found.append(ShownObject(LANDMARK, key, title or "", color))
    return found


def delete(host: Host, nodes: FindingsNodes, item: ShownObject) -> None:
    """Take an object out of the scene."""
    if item.kind == MASK:
        nodes.segmentation.GetSegmentation().RemoveSegment(item.key)
    elif item.kind == LANDMARK:
        points = nodes.landmarks
        # The list may be locked while landmarks are placed.
        points.SetFixedNumberOfControlPoints(False)
        points.RemoveNthControlPoint(points.GetNthControlPointIndexByID(item.key))
    else:
        host.scene.RemoveNode(host.scene.GetNodeByID(item.key))


def highlight(nodes: FindingsNodes, item: ShownObject | None) -> None:
    """Make one object stand out from the others."""
    for shape in nodes.shapes:
        chosen = item is not None and item.key == shape.GetID()
        shape.GetDisplayNode().SetLineThickness(_THICK if chosen else _THIN)
    points = nodes.landmarks
    index = points.GetNthControlPointIndexByID(item.key) if item is not None and item.kind == LANDMARK else -1
    points.GetDisplayNode().SetActiveControlPoint(index)


def segment_of(nodes: FindingsNodes, schema: LabelSchema, label: str) -> str:
    """The first segment of a mask label, or empty."""
    segmentation = nodes.segmentation.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        if segmentation.GetSegment(segment_id).GetName() == schema[label].title:
            return str(segment_id)
    return ""
