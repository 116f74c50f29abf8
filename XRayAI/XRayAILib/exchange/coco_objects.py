"""One annotation of a COCO file to finding objects, with every doubt about the file resolved first."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.exchange.coco_write import OFFSET
from XRayAILib.exchange.label_names import LabelNames
from XRayAILib.exchange.rle import decode
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Label, Tool
from XRayAILib.pixels.fill import fill_polygon

SLACK = 1.0
"""Pixels by which other programs let boxes and outlines reach over the border, by rounding. They are cut there."""


class AnnotationError(ValueError):
    """An annotation that cannot be taken, and why."""


@dataclass(frozen=True)
class CocoObjects:
    """Turns the annotations of one image into objects.

    Attributes
    ----------
    uid, shape
        The radiograph, and its (rows, columns).
    author, created
        Of objects that do not bring their own.
    """

    uid: str
    shape: tuple[int, int]
    author: Author
    created: str
    labels: LabelNames

    def objects(self, annotation: dict[str, Any], category: dict[str, Any]) -> list[FindingObject]:
        """The objects of an annotation; :class:`AnnotationError` says what is wrong with it."""
        own = annotation.get("xrayai")
        own = own if isinstance(own, dict) else {}
        try:
            found: list[FindingObject] = []
            if annotation.get("keypoints"):
                found += self._landmarks(annotation, category, own)
            segmentation = annotation.get("segmentation")
            if segmentation or not annotation.get("keypoints"):
                label = self._label(str(category["name"]))
                carried = self._carried(own, f"{annotation['id']}/{label.name}")
                if annotation.get("iscrowd"):
                    carried["attributes"] = (*carried["attributes"], ("crowd", "yes"))
                if not segmentation:
                    found.append(self._box(annotation.get("bbox"), label.name, carried))
                elif isinstance(segmentation, dict):
                    found.append(self._runs(segmentation, label.name, carried))
                else:
                    found += self._polygons(segmentation, label, carried, str(own.get("kind", "")))
            return found
        except (FindingError, ValueError) as error:
            raise AnnotationError(str(error)) from error

    def image_objects(self, image: dict[str, Any]) -> list[FindingObject]:
        """What is said of the whole image: ``attributes`` that are image labels of the schema, and our own extras."""
        own = image.get("xrayai")
        entries = own.get("objects", []) if isinstance(own, dict) else []
        try:
            found: list[FindingObject] = []
            for entry in entries:
                label = self._label(str(entry["label"])).name
                carried = self._carried(entry, label)
                if entry["kind"] == Mask.kind:
                    found.append(Mask.from_array(np.zeros(self.shape, bool), label=label, **carried))
                else:
                    found.append(ImageLabel(label=label, value=str(entry["value"]), **carried))
            attributes = image.get("attributes")
            for name, value in attributes.items() if isinstance(attributes, dict) else ():
                known = self.labels.get(str(name))
                if known and known.tool is Tool.IMAGE and all(o.label != known.name for o in found):
                    found.append(self._image_label(known, value))
            return found
        except (FindingError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AnnotationError(f"what is said of the whole image cannot be read ({error})") from error

    def _image_label(self, label: Label, value: object) -> ImageLabel:
        text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        if label.options and text not in label.options:
            raise AnnotationError(f"'{label.name}' is '{text}', but the schema allows {', '.join(label.options)}")
        return ImageLabel(label=label.name, value=text, **self._carried({}, label.name))

    def _label(self, name: str) -> Label:
        label = self.labels.get(name)
        if label is None:
            raise AnnotationError(f"the label '{name}' is not in the project's schema")
        return label

    def _carried(self, own: dict[str, Any], identity: str) -> dict[str, Any]:
        """Id, author and so on: those of our own export, or new ones that are the same when the file is read again."""
        if not own:
            name = f"{self.author.key}/{self.uid}/{identity}"
            return {
                "id": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
                "author": self.author,
                "created": self.created,
                "status": Status.APPROVED,
                "attributes": (),
            }
        try:
            author = own["author"]
            return {
                "id": str(own["id"]),
                "author": Author(AuthorKind(author["kind"]), str(author["name"]), str(author["digest"])),
                "created": str(own["created"]),
                "status": Status(own["status"]),
                "score": None if own["score"] is None else float(own["score"]),
                "derived_from": None if own["derived_from"] is None else str(own["derived_from"]),
                "attributes": tuple((str(key), str(value)) for key, value in own["attributes"]),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise AnnotationError(f"its 'xrayai' entry is damaged ({error})") from error

    def _box(self, bbox: object, label: str, carried: dict[str, Any]) -> Box:
        x, y, width, height = _numbers(bbox, "bbox", 4)
        if width <= 0 or height <= 0:
            raise AnnotationError(f"its box has the size {width:g} x {height:g}")
        corners = self._inside(np.array([(x, y), (x + width, y + height)]), "box")
        (x0, y0), (x1, y1) = corners.tolist()
        return Box(label=label, x0=x0, y0=y0, x1=x1, y1=y1, **carried)

    def _polygons(self, parts: object, label: Label, carried: dict[str, Any], kind: str) -> list[FindingObject]:
        if not isinstance(parts, list):
            raise AnnotationError("its 'segmentation' is neither polygons nor run lengths")
        outlines = [self._outline(part) for part in parts]
        # Where the schema has the label as a mask, an outline is just another way to write the mask down.
        if kind == Mask.kind or (label.tool is Tool.MASK and kind != Polygon.kind):
            pixels = np.zeros(self.shape, bool)
            for outline in outlines:
                pixels |= fill_polygon(outline, self.shape)
            return [Mask.from_array(pixels, label=label.name, **carried)]
        found: list[FindingObject] = []
        for number, outline in enumerate(outlines):
            if number:
                carried = {**carried, "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{carried['id']}/{number}"))}
            found.append(Polygon(label=label.name, points=tuple(map(tuple, outline.tolist())), **carried))
        return found

    def _outline(self, part: object) -> np.ndarray:
        values = _numbers(part, "polygon")
        if len(values) % 2 or len(values) < 6:
            raise AnnotationError(f"a polygon has {len(values)} numbers; it needs x and y of at least 3 points")
        return self._inside(np.reshape(values, (-1, 2)), "polygon")

    def _inside(self, points: np.ndarray, what: str) -> np.ndarray:
        """From COCO's coordinates to ours."""
        size = np.array(self.shape[::-1], float)
        if (points < -SLACK).any() or (points > size + SLACK).any():
            (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
            raise AnnotationError(
                f"its {what} reaches from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}), "
                f"outside the image of {self.shape[1]} x {self.shape[0]} pixels"
            )
        return np.clip(points, 0.0, size) - OFFSET

    def _runs(self, segmentation: dict[str, Any], label: str, carried: dict[str, Any]) -> Mask:
        size = segmentation.get("size")
        if not isinstance(size, list) or tuple(size) != self.shape:
            raise AnnotationError(
                f"its run lengths are of an image of {size} (rows, columns), the image has {list(self.shape)}"
            )
        return Mask.from_array(decode(segmentation.get("counts"), self.shape), label=label, **carried)

    def _landmarks(self, annotation: dict[str, Any], category: dict[str, Any], own: dict[str, Any]) -> list[Landmark]:
        names = category.get("keypoints")
        if not isinstance(names, list):
            raise AnnotationError(f"its category '{category['name']}' names no keypoints")
        values = _numbers(annotation["keypoints"], "keypoints", 3 * len(names))
        entries = {str(e["label"]): e for e in own.get("objects", ()) if isinstance(e, dict) and "label" in e}
        found = []
        for place, name in enumerate(map(str, names)):
            x, y, visibility = values[3 * place : 3 * place + 3]
            if visibility not in (0, 1, 2):
                raise AnnotationError(f"the visibility of its keypoint '{name}' is {visibility:g}, not 0, 1 or 2")
            if visibility:
                label = self._label(name).name
                ((x, y),) = self._inside(np.array([(x, y)]), f"keypoint '{name}'").tolist()
                carried = self._carried(entries.get(name, {}), f"{annotation['id']}/{label}")
                found.append(Landmark(label=label, x=x, y=y, visible=visibility == 2, **carried))
        return found


def _numbers(values: object, what: str, count: int | None = None) -> list[float]:
    if not isinstance(values, list) or (count is not None and len(values) != count):
        raise AnnotationError(f"its {what} is not a list of {count or 'some'} numbers: {str(values)[:60]}")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise AnnotationError(f"its {what} has a value that is no number: {value!r}")
    return [float(value) for value in values]
