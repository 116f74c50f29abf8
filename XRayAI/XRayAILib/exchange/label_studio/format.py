"""Label Studio's JSON as a format of exports.

::

    tasks.json      a task for each image, with one annotation
    config.xml      the labelling interface: labels with their colours, questions, attributes
    images/a.png

Coordinates are percent of the image's width and height, 0 on the outer corner of the first pixel. A rectangle is
turned about its upper left corner, an ellipse about its middle, in degrees, clockwise. What is asked of a region is a
result of its own with the region's id.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.label_studio.brush_runs import decode_brush, encode_brush
from XRayAILib.exchange.said import Said, digest, numbers
from XRayAILib.exchange.xml_tree import child, write_xml
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import AttributeKind, LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, RotatedBox

TASKS = "tasks.json"
HIDDEN = "not visible"
VISIBILITY = "visibility"
"""The question of a landmark's region; its answer is :data:`HIDDEN` where its place is guessed."""

KINDS = {
    "rectanglelabels": (Box, RotatedBox),
    "ellipselabels": (Ellipse,),
    "polygonlabels": (Polygon,),
    "brushlabels": (Mask,),
    "keypointlabels": (Landmark,),
}
"""Type of a result -> kinds of objects; the value of a result has its label under the same name."""

_POINT_WIDTH = 0.3
_NOBODY = Author.imported("Label Studio")


class LabelStudio(Format):
    """Label Studio. There is no other program to read it, so a second reader does."""

    name = "label-studio"
    title = "Label Studio"
    becomes = {kind.kind: kind.kind for kinds in KINDS.values() for kind in kinds} | {ImageLabel.kind: ImageLabel.kind}
    carries = frozenset({"id", "attributes"})
    forms = ("png8", "png16", "none")
    reader = "a second reader of our own"
    empty_masks = False

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        if contents.outside:
            sentences.append(f"{counted(contents.outside, Landmark.kind)} outside the image cannot be written.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        return [] if isinstance(item, Landmark) and item.outside else super().hold(item, shape)

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        kinds = {(label.name, one.name): one.kind for label in plan.schema for one in label.attributes}
        tasks = []
        for number, image in enumerate(images, start=1):
            results = [result for item in image.findings for result in _results(item, image.shape, kinds)]
            data = {"image": image.picture, "patient": image.patient, "part": image.part}
            tasks.append({"id": number, "data": data, "annotations": [{"id": number, "result": results}]})
        (folder / TASKS).write_text(json.dumps(tasks, ensure_ascii=False, allow_nan=False), "utf-8")
        write_xml(_interface(plan.schema), folder / "config.xml")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        for task in json.loads((folder / TASKS).read_text("utf-8")):
            (annotation,) = task["annotations"]
            regions: dict[str, list[dict[str, Any]]] = {}
            for result in annotation["result"]:
                regions.setdefault(result["id"], []).append(result)
            name = Path(task["data"]["image"]).stem
            yield name, [_said(results, plan.shapes[name]) for results in regions.values()]


def _results(
    item: FindingObject, shape: tuple[int, int], kinds: dict[tuple[str, str], AttributeKind]
) -> Iterator[dict[str, Any]]:
    """The object, and one result more for each attribute."""
    head = {"id": item.id, "to_name": "image", "original_width": shape[1], "original_height": shape[0]}
    head["image_rotation"] = 0
    if isinstance(item, ImageLabel):
        yield {**head, "type": "choices", "from_name": item.label, "value": {"choices": [item.value]}}
        place: dict[str, Any] = {}
    else:
        kind = next(name for name, classes in KINDS.items() if isinstance(item, classes))
        place = _place(item, shape)
        value = {**place, kind: [item.label]}
        yield {**head, "type": kind, "from_name": kind.removesuffix("labels"), "value": value}
    for name, text in item.attributes:
        is_choice = kinds.get((item.label, name)) is AttributeKind.CHOICE
        answer = {"choices": [text]} if is_choice else {"text": [text]}
        yield {
            **head,
            "type": "choices" if is_choice else "textarea",
            "from_name": _question(item.label, name),
            "value": {**place, **answer},
        }
    if isinstance(item, Landmark) and not item.visible:
        yield {**head, "type": "choices", "from_name": VISIBILITY, "value": {**place, "choices": [HIDDEN]}}


def _question(label: str, attribute: str) -> str:
    """The name of what is asked of a label's regions: names are of the whole interface there."""
    return f"{label}.{attribute}"


def _place(item: FindingObject, shape: tuple[int, int]) -> dict[str, Any]:
    """Where an object is, in percent."""
    rows, columns = shape
    if isinstance(item, Mask):
        return {"format": "rle", "rle": encode_brush(item.array())}
    if isinstance(item, Polygon):
        points = (np.array(item.points) + OFFSET) * 100 / (columns, rows)
        return {"points": points.tolist(), "closed": True}
    if isinstance(item, Landmark):
        return {**_corner(item.x, item.y, shape), "width": _POINT_WIDTH}
    if isinstance(item, Ellipse):
        radii = {"radiusX": item.radius_x * 100 / columns, "radiusY": item.radius_y * 100 / rows}
        return {**_corner(item.x, item.y, shape), **radii, "rotation": item.angle}
    if isinstance(item, RotatedBox):
        (x, y), size, angle = item.corners[0], (item.width, item.height), item.angle
    else:
        assert isinstance(item, Box)
        (x, y), size, angle = (item.x0, item.y0), (item.width, item.height), 0.0
    percent = {"width": size[0] * 100 / columns, "height": size[1] * 100 / rows}
    return {**_corner(x, y, shape), **percent, "rotation": angle}


def _corner(x: float, y: float, shape: tuple[int, int]) -> dict[str, float]:
    return {"x": (x + OFFSET) * 100 / shape[1], "y": (y + OFFSET) * 100 / shape[0]}


def _said(results: list[dict[str, Any]], shape: tuple[int, int]) -> Said:
    first, *rest = results
    value, kind = first["value"], first["type"]
    label = first["from_name"] if kind == "choices" else value[kind][0]
    answers = [(r["from_name"], (r["value"].get("choices") or r["value"].get("text"))[0]) for r in rest]
    attributes = [[name.removeprefix(f"{label}."), text] for name, text in answers if name != VISIBILITY]
    record: dict[str, Any] = {"id": first["id"], "attributes": attributes}
    rows, columns = shape
    if kind == "choices":
        return Said(ImageLabel.kind, label, record={**record, "value": value["choices"][0]}, id=first["id"])
    if kind == "brushlabels":
        return Said(Mask.kind, label, pixels=digest(decode_brush(value["rle"], shape)), record=record, id=first["id"])
    if kind == "polygonlabels":
        points = np.array(value["points"]) * (columns, rows) / 100 - OFFSET
        return Said(Polygon.kind, label, tuple(points.ravel().tolist()), record=record, id=first["id"])
    x, y = value["x"] * columns / 100 - OFFSET, value["y"] * rows / 100 - OFFSET
    if kind == "keypointlabels":
        record.update(visible=(VISIBILITY, HIDDEN) not in answers, outside=False)
        return Said(Landmark.kind, label, (x, y), record=record, id=first["id"])
    if kind == "ellipselabels":
        radii = value["radiusX"] * columns / 100, value["radiusY"] * rows / 100
        return Said(Ellipse.kind, label, (x, y, *radii, value["rotation"]), record=record, id=first["id"])
    width, height = value["width"] * columns / 100, value["height"] * rows / 100
    if not value["rotation"]:
        return Said(Box.kind, label, (x, y, x + width, y + height), record=record, id=first["id"])
    middle = middle_of((x, y), (width, height), value["rotation"])
    size = {"x": middle[0], "y": middle[1], "width": width, "height": height, "angle": value["rotation"]}
    turned = RotatedBox(label=label, author=_NOBODY, **size)
    return Said(RotatedBox.kind, label, numbers(turned), record=record, id=first["id"])


def middle_of(corner: tuple[float, float], size: tuple[float, float], angle: float) -> tuple[float, float]:
    """The middle of a rectangle that is turned about its upper left corner by degrees, clockwise."""
    turn = math.radians(angle)
    cos, sin = math.cos(turn), math.sin(turn)
    half_x, half_y = size[0] / 2, size[1] / 2
    return corner[0] + half_x * cos - half_y * sin, corner[1] + half_x * sin + half_y * cos


def _interface(schema: LabelSchema) -> ElementTree.Element:
    """The labelling interface in which the tasks can be looked at."""
    view = ElementTree.Element("View")
    child(view, "Image", name="image", value="$image", zoom="true")
    for tag, tools in _TAGS.items():
        labels = [label for label in schema if label.tool in tools]
        if labels:
            group = child(view, tag, name=tag.lower().removesuffix("labels"), toName="image")
            for label in labels:
                child(group, "Label", value=label.name, background=label.color)
    for label in schema:
        if label.tool is Tool.IMAGE:
            _choices(view, label.name, label.options or ("yes", "no"))
        for one in label.attributes:
            name = _question(label.name, one.name)
            if one.kind is AttributeKind.CHOICE:
                _choices(view, name, one.options, perRegion="true", whenLabelValue=label.name)
            else:
                child(view, "TextArea", name=name, toName="image", perRegion="true", whenLabelValue=label.name)
    if schema.of(Tool.LANDMARK):
        _choices(view, VISIBILITY, (HIDDEN,), perRegion="true")
    return view


_TAGS = {
    "RectangleLabels": (Tool.BOX, Tool.ROTATED_BOX),
    "EllipseLabels": (Tool.ELLIPSE,),
    "PolygonLabels": (Tool.POLYGON,),
    "BrushLabels": (Tool.MASK,),
    "KeyPointLabels": (Tool.LANDMARK,),
}


def _choices(view: ElementTree.Element, name: str, options: Iterable[str], **more: str) -> None:
    group = child(view, "Choices", name=name, toName="image", **more)
    for option in options:
        child(group, "Choice", value=option)
