"""One object of a layer in the scene, whatever it is made of: seen or hidden, locked or free, shown large.

None of this is a part of the findings: it is how somebody looks at them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.scene import landmarks, segmentation, shapes
from XRayAILib.scene.host import Host
from XRayAILib.scene.layers import FindingsNodes, shape_of
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import image_shape, pixels_to_ras

_LOCKED = PREFIX + "locked"
_AROUND = 1.6
"""So many times its own size is shown around an object."""
_LEAST = 0.12
"""Of the image's longer side that is shown at least: around a point, which has no size."""


@dataclass(frozen=True)
class State:
    """How an object is in the scene: shown or hidden, kept from being changed by hand or not."""

    visible: bool = True
    locked: bool = False


def states(host: Host, nodes: FindingsNodes) -> dict[str, State]:
    """The states of all objects of a layer, by their ids."""
    found = {}
    segmentation_display, all_segments = nodes.segmentation.GetDisplayNode(), nodes.segmentation.GetSegmentation()
    for segment_id in all_segments.GetSegmentIDs():
        object_id = segmentation.object_of(nodes.segmentation, segment_id)
        visible = bool(segmentation_display.GetSegmentVisibility(segment_id))
        found[object_id] = State(visible, is_segment_locked(nodes, segment_id))
    for shape in nodes.shapes:
        found[shapes.object_id(shape)] = State(bool(shape.GetDisplayNode().GetVisibility()), bool(shape.GetLocked()))
    points = nodes.landmarks
    for index in landmarks.placed_points(points):
        visible, locked = points.GetNthControlPointVisibility(index), points.GetNthControlPointLocked(index)
        found[landmarks.id_of(points, index)] = State(bool(visible), bool(locked))
    return found


def set_visible(host: Host, nodes: FindingsNodes, object_id: str, visible: bool) -> None:
    """Show or hide an object."""
    segment_id = segmentation.segment_of(nodes.segmentation, object_id)
    shape = shape_of(host, nodes, object_id)
    index = landmarks.index_of(nodes.landmarks, object_id)
    if segment_id:
        nodes.segmentation.GetDisplayNode().SetSegmentVisibility(segment_id, visible)
    elif shape is not None:
        shapes.set_visible(shape, visible)
    elif index is not None:
        nodes.landmarks.SetNthControlPointVisibility(index, visible)


def set_locked(host: Host, nodes: FindingsNodes, object_id: str, locked: bool) -> None:
    """Keep an object from being changed by hand, or let it be changed again.

    Slicer has no lock for a segment, so this is only a note on it: the panel lets nobody draw on such a segment.
    """
    segment_id = segmentation.segment_of(nodes.segmentation, object_id)
    shape = shape_of(host, nodes, object_id)
    index = landmarks.index_of(nodes.landmarks, object_id)
    if segment_id:
        segment = nodes.segmentation.GetSegmentation().GetSegment(segment_id)
        if locked:
            segment.SetTag(_LOCKED, "1")
        else:
            segment.RemoveTag(_LOCKED)
    elif shape is not None:
        shapes.set_editable(shape, not locked)
    elif index is not None:
        nodes.landmarks.SetNthControlPointLocked(index, locked)


def is_segment_locked(nodes: FindingsNodes, segment_id: str) -> bool:
    """Whether a segment has the note of :func:`set_locked`."""
    segment = nodes.segmentation.GetSegmentation().GetSegment(segment_id)
    return segment is not None and segment.HasTag(_LOCKED)


def show_large(host: Host, volume_node: Any, place: tuple[float, float, float, float]) -> None:
    """Move and zoom the Red view so that a part of the image fills it, with some room around.

    Parameters
    ----------
    place
        Left, top, right and bottom, in pixels of the image.
    """
    left, top, right, bottom = place
    (rows, columns), node = image_shape(volume_node), host.slice_node
    least = _LEAST * max(rows, columns)
    half_x, half_y = (max((after - before) * _AROUND, least) / 2 for before, after in ((left, right), (top, bottom)))
    x, y = (left + right) / 2, (top + bottom) / 2
    corners = np.array([[x, y], [x - half_x, y - half_y], [x + half_x, y + half_y]])
    center, first, last = pixels_to_ras(volume_node, corners)
    # In the plane of the slice: its axes are those of the image, turned or not.
    matrix = node.GetSliceToRAS()
    axes = np.array([[matrix.GetElement(row, column) for column in range(2)] for row in range(3)])
    across, down = np.abs((last - first) @ axes)
    wide, high, deep = node.GetFieldOfView()
    zoom = max(across / wide, down / high)
    changing = node.StartModify()
    node.SetXYZOrigin(0.0, 0.0, 0.0)
    node.SetFieldOfView(wide * zoom, high * zoom, deep)
    node.JumpSliceByCentering(*center)
    node.EndModify(changing)
