"""CVAT's XML, "CVAT for images 1.1", as a format of exports.

::

    annotations.xml     the labels with their attributes, and the objects of every image
    images/a.png

Coordinates have 0 on the outer corner of the first pixel. A box with a rotation is turned about its middle, in degrees,
clockwise. A mask is runs along the rows of its own box, the first one of background. A skeleton has its landmarks as
points of their own: occluded where one is not visible, outside where it lies beyond the image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.keypoint_sets import LANDMARKS, KeypointSet, grouped, keypoint_sets
from XRayAILib.exchange.said import Said, digest, numbers
from XRayAILib.exchange.xml_tree import child, write_xml
from XRayAILib.findings.author import Author
from XRayAILib.findings.measurements import Angle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import AttributeKind, Label, LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

ANNOTATIONS = "annotations.xml"
VALUE = "value"
"""The attribute of a tag that says which one of several values a label of the whole image has."""

_NOBODY = Author.imported("CVAT")
_READ = ("box", "polygon", "polyline", "points", "mask", "tag")
_KEPT = (Mask, Polygon, Box, RotatedBox, Ellipse, Polyline, Landmark, ImageLabel)


class Cvat(Format):
    """CVAT for images 1.1. datumaro knows no ellipses: a second reader looks at those."""

    name = "cvat"
    title = "CVAT"
    becomes = {**{kind.kind: kind.kind for kind in _KEPT}, Line.kind: Polyline.kind, Angle.kind: Polyline.kind}
    carries = frozenset({"attributes"})
    forms = ("png8", "png16", "none")
    reader = "datumaro, and a second reader for ellipses"
    needs = "datumaro"
    tolerance = 0.011  # datumaro rounds to hundredths
    empty_masks = False

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        alone = _alone(plan.schema)
        lost = sum(contents.outside_of.get(name, 0) for name in alone)
        if lost:
            sentences.append(f"{counted(lost, Landmark.kind)} outside the image, of no skeleton, cannot be written.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """An ellipse is turned by 0 to 360 degrees there; what is made of the others does not depend on how often."""
        if isinstance(item, Ellipse):
            return [item.changed(angle=item.angle % 360.0)]
        return super().hold(item, shape)

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """A landmark outside the image has a place in a skeleton only."""
        alone = _alone(schema)
        return [o for o in objects if not (isinstance(o, Landmark) and o.outside and o.label in alone)]

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        root = ElementTree.Element("annotations")
        child(root, "version", "1.1")
        task = child(child(root, "meta"), "task")
        sets = [keypoints for keypoints in keypoint_sets(plan.schema) if keypoints.name != LANDMARKS]
        for number, image in enumerate(images):
            rows, columns = image.shape
            size = {"width": str(columns), "height": str(rows)}
            entry = child(root, "image", id=str(number), name=Path(image.picture).name, **size)
            if image.part:
                entry.set("subset", image.part)
            _objects(entry, image, sets)
        for tag, text in (("name", plan.title), ("size", str(len(root) - 2)), ("mode", "annotation")):
            child(task, tag, text)
        _labels(child(task, "labels"), plan.schema, sets)
        child(root.find("meta"), "dumped", plan.time)  # type: ignore[arg-type]
        write_xml(root, folder / ANNOTATIONS)

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        root = ElementTree.parse(folder / ANNOTATIONS).getroot()
        by_datumaro = _by_datumaro(folder / ANNOTATIONS)
        for image in root.iter("image"):
            name = Path(image.get("name", "")).stem
            found = [_ellipse(entry) for entry in image.iter("ellipse")]
            others = by_datumaro.get(name, [])
            # Both go through the file in its order; datumaro takes the points of a skeleton one by one. The text of an
            # attribute is the file's, because datumaro makes numbers of it.
            entries = [entry for entry in image.iter() if entry.tag in _READ]
            if len(entries) != len(others):
                raise ExportError(f"CVAT, image {name}: {len(entries)} objects were written, {len(others)} came back.")
            found += [_said(other, label, entry) for (label, other), entry in zip(others, entries, strict=True)]
            yield name, found


def _alone(schema: LabelSchema) -> tuple[str, ...]:
    """The landmarks that are in no skeleton."""
    return next((keypoints.points for keypoints in keypoint_sets(schema) if keypoints.name == LANDMARKS), ())


def _objects(entry: ElementTree.Element, image: LabelledImage, sets: list[KeypointSet]) -> None:
    in_sets = {name for keypoints in sets for name in keypoints.points}
    for item in image.findings:
        if isinstance(item, Landmark):
            if item.label not in in_sets:
                _shape(entry, "points", item, points=_text(numbers(item)), occluded=str(int(not item.visible)))
        elif isinstance(item, ImageLabel):
            tag = _shape(entry, "tag", item)
            if item.value != "yes":
                child(tag, "attribute", item.value, name=VALUE)
        elif isinstance(item, (Polygon, Polyline)):
            _shape(entry, item.kind, item, points=_text(numbers(item)))
        elif isinstance(item, Mask):
            row, column = item.origin
            height, width = item.crop.shape
            place = {"left": str(column), "top": str(row), "width": str(width), "height": str(height)}
            _shape(entry, "mask", item, rle=_runs(item.crop), **place)
        elif isinstance(item, Ellipse):
            middle = {"cx": _number(item.x + OFFSET), "cy": _number(item.y + OFFSET)}
            radii = {"rx": _number(item.radius_x), "ry": _number(item.radius_y)}
            _shape(entry, "ellipse", item, **middle, **radii, **_rotation(item.angle))
        else:
            _shape(entry, "box", item, **_box(item))
    _skeletons(entry, image, sets)


def _skeletons(entry: ElementTree.Element, image: LabelledImage, sets: list[KeypointSet]) -> None:
    outside = [item for item in image.findings.of(Landmark) if item.outside]
    inside = image.findings.without(item.id for item in image.findings if _is_alone(item, sets))
    groups = grouped(inside, sets, f"image {image.name}")
    for item in outside:
        keypoints = next((known for known in sets if item.label in known.points), None)
        if keypoints is None:
            continue
        group = next((g for known, g in groups if known is keypoints and item.label not in g), None)
        if group is None:
            groups.append((keypoints, {item.label: item}))
        else:
            group[item.label] = item
    for keypoints, group in groups:
        skeleton = child(entry, "skeleton", label=keypoints.name, source="manual", z_order="0")
        for name in keypoints.points:
            point = group.get(name)
            if point is not None:
                occluded = not point.visible and not point.outside
                states = {"outside": str(int(point.outside)), "occluded": str(int(occluded))}
                states["points"] = _text((point.x, point.y))
                _attributes(child(skeleton, "points", label=name, source="manual", **states), point)


def _is_alone(item: FindingObject, sets: list[KeypointSet]) -> bool:
    return isinstance(item, Landmark) and not any(item.label in keypoints.points for keypoints in sets)


def _shape(entry: ElementTree.Element, tag: str, item: FindingObject, **values: str) -> ElementTree.Element:
    common = {"label": item.label, "source": "manual"}
    if tag != "tag":
        common.update(occluded="0", z_order="0")
    element = child(entry, tag, **{**common, **values})
    _attributes(element, item)
    return element


def _attributes(element: ElementTree.Element, item: FindingObject) -> None:
    for name, value in item.attributes:
        child(element, "attribute", value, name=name)


def _box(item: FindingObject) -> dict[str, str]:
    if isinstance(item, RotatedBox):
        half_x, half_y = item.width / 2, item.height / 2
        edges = (item.x - half_x, item.y - half_y, item.x + half_x, item.y + half_y)
        turn = _rotation(item.angle) or {"rotation": "0"}
    else:
        edges, turn = numbers(item), {}  # type: ignore[assignment]
    named = zip(("xtl", "ytl", "xbr", "ybr"), edges, strict=True)
    return {**{name: _number(edge + OFFSET) for name, edge in named}, **turn}


def _rotation(angle: float) -> dict[str, str]:
    return {"rotation": _number(angle % 360)} if angle % 360 else {}


def _number(value: float) -> str:
    return f"{value:.12g}"


def _text(places: tuple[float, ...]) -> str:
    pairs = zip(places[::2], places[1::2], strict=True)
    return ";".join(f"{_number(x + OFFSET)},{_number(y + OFFSET)}" for x, y in pairs)


def _runs(crop: np.ndarray) -> str:
    flat = crop.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return ", ".join(map(str, [0, *lengths] if flat[0] else lengths))


def _labels(parent: ElementTree.Element, schema: LabelSchema, sets: list[KeypointSet]) -> None:
    points = {name: keypoints.name for keypoints in sets for name in keypoints.points}
    for label in schema:
        if label.name in points or label.tool in (Tool.COBB_ANGLE, Tool.CARDIOTHORACIC_RATIO):
            continue
        _label(parent, label, _TYPES.get(label.tool, "any"))
    for keypoints in sets:
        entry = child(parent, "label")
        child(entry, "name", keypoints.name)
        child(entry, "color", schema[keypoints.points[0]].color)
        child(entry, "type", "skeleton")
        child(entry, "attributes")
        child(entry, "svg", _drawing(keypoints))
        for name in keypoints.points:
            _label(parent, schema[name], "points", keypoints.name)


_TYPES = {Tool.IMAGE: "tag", Tool.LANDMARK: "points", Tool.POLYLINE: "polyline", Tool.ELLIPSE: "ellipse"}


def _label(parent: ElementTree.Element, label: Label, kind: str, of: str = "") -> None:
    entry = child(parent, "label")
    for tag, text in (("name", label.name), ("color", label.color), ("type", kind)):
        child(entry, tag, text)
    attributes = child(entry, "attributes")
    if label.tool is Tool.IMAGE:
        _attribute(attributes, VALUE, "select" if label.options else "text", list(label.options) or ["yes"])
    for one in label.attributes:
        kinds = {AttributeKind.CHOICE: "select", AttributeKind.NUMBER: "number", AttributeKind.TEXT: "text"}
        values = list(one.options)
        if one.kind is AttributeKind.NUMBER:
            low, high = one.minimum or 0, one.maximum if one.maximum is not None else 1_000_000
            values = [f"{low:g}", f"{high:g}", "1"]
        _attribute(attributes, one.name, kinds[one.kind], values)
    if of:
        child(entry, "parent", of)


def _attribute(parent: ElementTree.Element, name: str, kind: str, values: list[str]) -> None:
    entry = child(parent, "attribute")
    texts = (("mutable", "False"), ("input_type", kind), ("default_value", ""), ("values", "\n".join(values)))
    child(entry, "name", name)
    for tag, text in texts:
        child(entry, tag, text)


def _drawing(keypoints: KeypointSet) -> str:
    """The skeleton as CVAT's editor has it: points on a circle, of 100 x 100, and its lines."""
    turns = np.arange(len(keypoints.points)) * 2 * np.pi / len(keypoints.points)
    x, y = 50 + 40 * np.sin(turns), 50 - 40 * np.cos(turns)
    lines = [
        f'<line x1="{x[a]:.2f}" y1="{y[a]:.2f}" x2="{x[b]:.2f}" y2="{y[b]:.2f}" data-type="edge" '
        f'data-node-from="{a + 1}" data-node-to="{b + 1}"></line>'
        for a, b in keypoints.lines
    ]
    circles = [
        f'<circle r="1.5" cx="{x[i]:.2f}" cy="{y[i]:.2f}" data-type="element node" data-element-id="{i + 1}" '
        f'data-node-id="{i + 1}" data-label-name="{name}"></circle>'
        for i, name in enumerate(keypoints.points)
    ]
    return "".join(lines + circles)


def _by_datumaro(path: Path) -> dict[str, list[tuple[str, Any]]]:
    """Label and annotation of each object that datumaro knows, by the name of the image."""
    from datumaro import AnnotationType, Dataset

    with tempfile.TemporaryDirectory(prefix="xrayai-") as place:
        # Datumaro wants to see a picture of each name, which an export without pictures does not have, and leaves out
        # images of the parts of a task.
        images = Path(place, "images")
        images.mkdir()
        tree = ElementTree.parse(path)
        for image in tree.getroot().iter("image"):
            image.attrib.pop("subset", "")
            (images / image.get("name", "")).touch()
        tree.write(Path(place, path.name), "utf-8")
        dataset = Dataset.import_from(place, "cvat")
        labels = dataset.categories()[AnnotationType.label]
        return {item.id: [(labels[a.label].name, a) for a in item.annotations] for item in dataset}


def _said(item: Any, label: str, entry: ElementTree.Element) -> Said:
    attributes = [[a.get("name", ""), a.text or ""] for a in entry.iter("attribute")]
    if entry.tag == "tag":
        value = next((text for name, text in attributes if name == VALUE), "yes")
        rest = [pair for pair in attributes if pair[0] != VALUE]
        return Said(ImageLabel.kind, label, record={"attributes": rest, "value": value})
    record: dict[str, Any] = {"attributes": attributes}
    if entry.tag == "mask":
        return Said(Mask.kind, label, pixels=digest(np.asarray(item.image, bool)), record=record)
    if entry.tag == "box":
        if "rotation" not in entry.attrib:
            x, y = item.x - OFFSET, item.y - OFFSET
            return Said(Box.kind, label, (x, y, x + item.w, y + item.h), record=record)
        turned = RotatedBox(
            label=label,
            author=_NOBODY,
            x=item.cx - OFFSET,
            y=item.cy - OFFSET,
            width=item.w,
            height=item.h,
            angle=item.r,
        )
        return Said(RotatedBox.kind, label, numbers(turned), record=record)
    points = tuple(value - OFFSET for value in item.points)
    if entry.tag == "points":
        outside = entry.get("outside") == "1"
        record.update(visible=not (outside or item.attributes.get("occluded")), outside=outside)
        return Said(Landmark.kind, label, () if outside else points, record=record)
    return Said(entry.tag, label, points, record=record)


def _ellipse(entry: ElementTree.Element) -> Said:
    middle = tuple(float(entry.get(name, "")) - OFFSET for name in ("cx", "cy"))
    rest = tuple(float(entry.get(name, "0")) for name in ("rx", "ry", "rotation"))
    attributes = [[a.get("name", ""), a.text or ""] for a in entry.iter("attribute")]
    return Said(Ellipse.kind, entry.get("label", ""), middle + rest, record={"attributes": attributes})
