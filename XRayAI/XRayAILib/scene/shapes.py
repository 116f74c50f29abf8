"""Shapes: every object that is one markups node. What is the same whatever its kind: to make, show, read, change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingObject, Polygon
from XRayAILib.findings.record import identity_of, record_of
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.findings.size import size_text
from XRayAILib.scene import boxes, captions, folder, markups, outlines, texts, vertices
from XRayAILib.scene.host import Host
from XRayAILib.scene.markups import is_complete, is_shape, label_of, object_id, tool_of
from XRayAILib.scene.points import write_place
from XRayAILib.scene.record import label_for, read_attributes, write_attributes
from XRayAILib.scene.shape_cache import known_shape, remember
from XRayAILib.scene.volume import spacing_of

__all__ = [
    "TOOLS",
    "draw",
    "is_complete",
    "is_shape",
    "label_of",
    "new_shape",
    "object_id",
    "read_shape",
    "relabel",
    "remove",
    "set_editable",
    "set_highlighted",
    "set_visible",
    "show_shape",
    "tool_for",
    "tool_of",
]

TOOLS = tuple(markups.NODE_OF)
"""The tools whose objects are shapes; the others make masks, landmarks and image labels."""

_HIGHLIGHTED = "highlighted"
_NOBODY = Author.person("nobody")
_ROI_READERS: dict[Tool, Callable[[Any, Any], dict[str, object]]] = {
    Tool.BOX: boxes.read_box,
    Tool.ROTATED_BOX: boxes.read_rotated_box,
    Tool.ELLIPSE: boxes.read_ellipse,
}


def new_shape(host: Host, schema: LabelSchema, label: str, tool: Tool) -> Any:
    """An empty node for an object of a label, ready to be placed by hand; its object has an id already."""
    return markups.new_node(host, schema, label, tool)


def tool_for(item: FindingObject) -> Tool | None:
    """The tool that draws such an object as a shape; ``None`` for masks, landmarks and image labels."""
    return next((tool for tool in markups.NODE_OF if BY_TOOL[tool] is type(item)), None)


def show_shape(host: Host, node: Any, volume_node: Any, item: FindingObject, schema: LabelSchema) -> None:
    """Put an object into a node that was made for its kind, with its name, colour and lines."""
    tool = tool_for(item)
    if tool is None:
        raise ValueError(f"A {item.kind} is not drawn as a shape of its own.")
    markups.dress(node, schema, item.label, tool)
    if isinstance(item, Box):
        boxes.show_box(node, volume_node, item)
    elif isinstance(item, (RotatedBox, Ellipse)):
        boxes.show_turned(node, volume_node, item)
    elif isinstance(item, (Polygon, Polyline, Measurement)):
        vertices.show_points(node, volume_node, item)
    _remember(node, item)
    _draw(host, node, volume_node, item)


def read_shape(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> FindingObject | None:
    """The object in a node; ``None`` while it is not complete.

    A person may have renamed the node to another label, see :func:`XRayAILib.scene.record.label_for`.
    """
    known = known_shape(node, volume_node, schema, author)
    if known is not None:
        return known
    item = _item(node, volume_node, schema, author)
    if item is not None:
        _remember(node, item)
        remember(node, volume_node, schema, author, item)
    return item


def draw(host: Host, node: Any, volume_node: Any, schema: LabelSchema) -> None:
    """Bring the lines and the text beside a node up to date, after somebody moved a point."""
    if tool_of(node) in markups.OUTLINED or node.IsA(markups.ROI) or _shows_value(node):
        item = _item(node, volume_node, schema, _NOBODY)
        if item is not None:
            _draw(host, node, volume_node, item)


def relabel(node: Any, schema: LabelSchema, label: str) -> None:
    """Give a shape another label of the schema: its name and colour."""
    editable = not node.GetLocked()
    markups.dress(node, schema, label, tool_of(node))
    markups.set_editable(node, editable)
    outline = outlines.of(node)
    if outline is not None:
        outline.GetDisplayNode().SetColor(*node.GetDisplayNode().GetSelectedColor())


def set_visible(node: Any, visible: bool) -> None:
    """Show or hide a shape."""
    for part in (node, outlines.of(node)):
        if part is not None:
            part.GetDisplayNode().SetVisibility(visible)
    captions.set_visible(node, visible)


def set_editable(node: Any, editable: bool) -> None:
    """Let a person move a shape, or only look at it. Of boxes and ellipses those that stand out have handles."""
    markups.set_editable(node, editable)
    _show_handles(node)


def set_highlighted(host: Host, node: Any, volume_node: Any, schema: LabelSchema, highlighted: bool) -> None:
    """Let a shape stand out: thicker lines, its size behind its name, and the ring that turns it."""
    node.GetDisplayNode().SetLineThickness(markups.THICK if highlighted else markups.THIN)
    markups.show_ring(node, highlighted)
    outline = outlines.of(node)
    if outline is not None:
        width = outlines.THICK_LINE_WIDTH if highlighted else outlines.LINE_WIDTH
        outline.GetDisplayNode().SetSliceIntersectionThickness(width)
    if highlighted or _shows_value(node):
        write_attributes(node, {_HIGHLIGHTED: "1" if highlighted else ""})
        _show_handles(node)
        item = _item(node, volume_node, schema, _NOBODY)
        if item is not None:
            _draw(host, node, volume_node, item)


def remove(host: Host, node: Any) -> None:
    """Take a shape out of the scene."""
    outline = outlines.of(node)
    folder.remove_node(host, node)
    if outline is not None:
        folder.remove_node(host, outline)


def _show_handles(node: Any) -> None:
    markups.show_handles(node, bool(read_attributes(node, (_HIGHLIGHTED,))))


def _item(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> FindingObject | None:
    if not is_complete(node):
        return None
    tool = tool_of(node)
    if tool in _ROI_READERS:
        place: dict[str, object] | None = _ROI_READERS[tool](node, volume_node)
    else:
        place = vertices.read_points(node, volume_node, BY_TOOL[tool])
    if place is None:
        return None
    record = read_attributes(node)
    tools = (tool, Tool.MASK) if tool is Tool.POLYGON else (tool,)
    record["label"] = label_for(schema, tools, node.GetName() or "", record.get("label", ""))
    return BY_TOOL[tool](**place, **identity_of(record, author))  # type: ignore[arg-type]


def _remember(node: Any, item: FindingObject) -> None:
    write_attributes(node, record_of(item))
    if isinstance(item, (Box, RotatedBox, Ellipse)):
        write_place(node, boxes.place_of(item))
    elif isinstance(item, (Polygon, Polyline, Measurement)):
        write_place(node, np.asarray(item.points))


def _shows_value(node: Any) -> bool:
    shown = issubclass(BY_TOOL[tool_of(node)], Measurement)
    return shown or bool(read_attributes(node, (_HIGHLIGHTED,)))


def _draw(host: Host, node: Any, volume_node: Any, item: FindingObject) -> None:
    """The lines that Slicer does not draw for such a node, and the text that belongs to it."""
    if tool_of(node) in markups.OUTLINED:
        color = node.GetDisplayNode().GetSelectedColor()
        outlines.draw(host, node, volume_node, outlines.lines_of(item), color)
    value = size_text(item, spacing_of(volume_node)) if _shows_value(node) else ""
    name = captions.short(node.GetName() or "")
    if node.IsA(markups.POINTS):
        for index in range(node.GetNumberOfControlPoints()):
            node.SetNthControlPointLabel(index, f"{name}: {value}" if index == 0 else "")
    elif node.IsA(markups.ROI):
        captions.write(node, volume_node, item, f"{name}: {value}" if value else name)
    else:
        texts.write_value(node, value)
