"""LabelMe's JSON as a format of exports: a file beside each picture.

Coordinates have 0 on the outer corner of the first pixel. A circle is its middle and a point on it. A mask is a picture
of the pixels of its own box, whose corners are its first and its last pixel. What is said of the whole image are flags,
such as ``view=PA``; the attributes of an object are the lines of its description.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.said import Said, digest, numbers
from XRayAILib.findings.measurements import Angle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

VERSION = "5.5.0"
HIDDEN = "not visible"
"""The flag of a point whose place is guessed."""

SHAPES = {
    Box.kind: "rectangle",
    Polygon.kind: "polygon",
    Ellipse.kind: "circle",
    Polyline.kind: "linestrip",
    Line.kind: "line",
    Landmark.kind: "point",
    Mask.kind: "mask",
}


class LabelMe(Format):
    """LabelMe. supervision knows rectangles and the boxes around polygons; a second reader looks at the rest."""

    name = "labelme"
    title = "LabelMe"
    becomes = {
        **{kind: kind for kind in SHAPES},
        ImageLabel.kind: ImageLabel.kind,
        RotatedBox.kind: Polygon.kind,
        Ellipse.kind: Polygon.kind,
        Angle.kind: Polyline.kind,
    }
    carries = frozenset({"attributes"})
    forms = ("png8", "png16", "none")
    reader = "supervision (rectangles, boxes of polygons) and a second reader"
    needs = "supervision"
    empty_masks = False

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        if contents.outside:
            sentences.append(f"{counted(contents.outside, Landmark.kind)} outside the image cannot be written.")
        if plan.choice.split:
            sentences.append("LabelMe has no place for the part of an image.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        if isinstance(item, Ellipse) and item.radius_x == item.radius_y:
            return [item.changed(angle=0.0)]
        return [] if isinstance(item, Landmark) and item.outside else super().hold(item, shape)

    def picture(self, name: str, ending: str, part: str) -> str:
        return f"{name}{ending}"

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        for image in images:
            labels = image.findings.of(ImageLabel)
            document = {
                "version": VERSION,
                "flags": {item.label if item.value == "yes" else f"{item.label}={item.value}": True for item in labels},
                "shapes": [_shape(item) for item in image.findings if not isinstance(item, ImageLabel)],
                "imagePath": image.picture,
                "imageData": None,
                "imageHeight": image.shape[0],
                "imageWidth": image.shape[1],
            }
            text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
            (folder / f"{image.name}.json").write_text(text, "utf-8", newline="\n")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        for path in sorted(folder.glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            found = [_read(shape, (document["imageHeight"], document["imageWidth"])) for shape in document["shapes"]]
            _agree_with_supervision(document, found, path.stem, self.tolerance)
            for flag in document["flags"]:
                label, _, value = flag.partition("=")
                found.append(Said(ImageLabel.kind, label, record={"attributes": [], "value": value or "yes"}))
            yield path.stem, found


def lines_of(attributes: Iterable[tuple[str, str]]) -> str:
    """Attributes as text: a line for each."""
    return "\n".join(f"{_escaped(name)}: {_escaped(value)}" for name, value in attributes)


def attributes_of(text: str) -> list[tuple[str, str]]:
    """The opposite of :func:`lines_of`; a line without a colon is a comment."""
    pairs = [line.partition(": ") for line in text.split("\n")]
    return [(_plain(name), _plain(value)) for name, sign, value in pairs if sign and name]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace(": ", ":\\ ")


def _plain(text: str) -> str:
    found, escaped = [], False
    for character in text:
        if escaped:
            found.append("\n" if character == "n" else character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            found.append(character)
    return "".join(found)


def _shape(item: FindingObject) -> dict[str, Any]:
    mask = None
    if isinstance(item, Mask):
        row, column = item.origin
        rows, columns = item.crop.shape
        points = [[column, row], [column + columns - 1, row + rows - 1]]
        mask = _picture(item.crop)
    elif isinstance(item, Ellipse):
        points = [[item.x + OFFSET, item.y + OFFSET], [item.x + OFFSET + item.radius_x, item.y + OFFSET]]
    else:
        points = (np.reshape(numbers(item), (-1, 2)) + OFFSET).tolist()
    return {
        "label": item.label,
        "points": points,
        "group_id": None,
        "description": lines_of(item.attributes),
        "shape_type": SHAPES[item.kind],
        "flags": {HIDDEN: True} if isinstance(item, Landmark) and not item.visible else {},
        "mask": mask,
    }


def _picture(crop: np.ndarray) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(crop.astype(np.uint8) * 255).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _read(shape: dict[str, Any], size: tuple[int, int]) -> Said:
    kind = next(kind for kind, name in SHAPES.items() if name == shape["shape_type"])
    record: dict[str, Any] = {"attributes": [list(pair) for pair in attributes_of(shape["description"])]}
    if kind == Mask.kind:
        from PIL import Image

        (left, top), (right, bottom) = shape["points"]
        whole = np.zeros(size, bool)
        with Image.open(io.BytesIO(base64.b64decode(shape["mask"]))) as picture:
            whole[top : bottom + 1, left : right + 1] = np.asarray(picture) > 0
        return Said(kind, shape["label"], pixels=digest(whole), record=record)
    points = np.array(shape["points"], float) - OFFSET
    if kind == Ellipse.kind:
        radius = float(np.hypot(*(points[1] - points[0])))
        return Said(kind, shape["label"], (*points[0].tolist(), radius, radius, 0.0), record=record)
    if kind == Landmark.kind:
        record.update(visible=not shape["flags"].get(HIDDEN), outside=False)
    return Said(kind, shape["label"], tuple(points.ravel().tolist()), record=record)


def _agree_with_supervision(document: dict[str, Any], found: list[Said], name: str, tolerance: float) -> None:
    """Raise :class:`ExportError` where supervision sees a rectangle or the box of a polygon elsewhere."""
    from supervision.dataset.formats.labelme import labelme_shapes_to_detections

    shapes = [shape for shape in document["shapes"] if shape["shape_type"] in ("rectangle", "polygon")]
    if not shapes:
        return
    labels = {label: number for number, label in enumerate(sorted({shape["label"] for shape in shapes}))}
    size = (document["imageWidth"], document["imageHeight"])
    detections = labelme_shapes_to_detections(shapes, labels, size, with_masks=False)
    ours = [said for said in found if said.kind in (Box.kind, Polygon.kind)]
    boxes = np.asarray(detections.xyxy, float) - OFFSET
    for said, number, box in zip(ours, np.asarray(detections.class_id), boxes, strict=True):
        points = np.reshape(said.numbers, (-1, 2))
        around = (*points.min(axis=0), *points.max(axis=0))
        if labels[said.label] != number or not np.allclose(around, box, rtol=0, atol=tolerance):
            raise ExportError(f"LabelMe, image {name}: supervision sees {said.name} in another place.")
