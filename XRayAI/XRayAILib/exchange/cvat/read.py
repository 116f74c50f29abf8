"""CVAT's XML for images to findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from XRayAILib.exchange.cvat.format import VALUE
from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import ForeignObjects, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.objects import FindingObject, Landmark
from XRayAILib.findings.schema import Tool

TOOLS = {
    "box": Tool.BOX,
    "polygon": Tool.POLYGON,
    "polyline": Tool.POLYLINE,
    "points": Tool.LANDMARK,
    "mask": Tool.MASK,
    "ellipse": Tool.ELLIPSE,
    "tag": Tool.IMAGE,
}


@dataclass(frozen=True)
class CvatFile(LabelFile):
    """A file of CVAT for images 1.1.

    Attributes
    ----------
    images_found
        Its image elements.
    """

    path: Path
    images_found: list[Element]

    title = "CVAT"

    @property
    def count(self) -> int:
        return len(self.images_found)

    def wanted(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for entry in (entry for image in self.images_found for entry in image):
            for shape in entry.iter("points") if entry.tag == "skeleton" else (entry,):
                if shape.tag in TOOLS:
                    tool = Tool.ROTATED_BOX if shape.get("rotation") and shape.tag == "box" else TOOLS[shape.tag]
                    found[shape.get("label", "")] = tool
        return found

    def images(self) -> Iterator[ForeignImage]:
        for image in self.images_found:
            file = image.get("name", "")
            where = f"{self.path.name}, image {image.get('id', '?')} ({file})"
            named = [
                (f"{where}, {entry.tag} {n} '{entry.get('label', '')}'", (n, entry))
                for n, entry in enumerate(image, start=1)
            ]
            yield ForeignImage(file, where, _shape(image), named)

    def objects(self, annotation: tuple[int, Element], makes: ForeignObjects) -> list[FindingObject]:
        place, entry = annotation
        if entry.tag == "skeleton":
            return [self._landmark(point, f"{place}/{n}", makes) for n, point in enumerate(entry.iter("points"))]
        if entry.tag not in TOOLS:
            raise AnnotationError(f"'{entry.tag}' is a kind that has no place here")
        label = makes.label(entry.get("label", ""))
        pairs = [(a.get("name", ""), a.text or "") for a in entry.iter("attribute")]
        if entry.tag == "tag":
            value = next((text for name, text in pairs if name == VALUE), "") or "yes"
            rest = [pair for pair in pairs if pair[0] != VALUE]
            return [makes.image_label(label, value, makes.fresh(f"{place}/{label.name}", rest))]
        common = makes.fresh(f"{place}/{label.name}", pairs)
        turn = number(entry.get("rotation", "0"), "rotation")
        if entry.tag == "box":
            x0, y0, x1, y1 = (number(entry.get(name), name) for name in ("xtl", "ytl", "xbr", "ybr"))
            if "rotation" not in entry.attrib:
                return [makes.box(label, (x0, y0, x1, y1), common)]
            return [makes.rotated_box(label, ((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0), turn, common)]
        if entry.tag == "ellipse":
            cx, cy, rx, ry = (number(entry.get(name), name) for name in ("cx", "cy", "rx", "ry"))
            return [makes.ellipse(label, (cx, cy), (rx, ry), turn, common)]
        if entry.tag == "mask":
            return [makes.mask(label, _mask(entry, makes.shape), common)]
        points = _points(entry)
        if entry.tag == "polygon":
            return makes.region(label, [points], common)
        if entry.tag == "polyline":
            return [makes.polyline(label, points, common)]
        visible = entry.get("occluded") != "1"
        several = [common] + [makes.fresh(f"{place}/{label.name}/{n}", pairs) for n in range(1, len(points))]
        return [makes.landmark(label, x, y, visible, own) for (x, y), own in zip(points.tolist(), several, strict=True)]

    def _landmark(self, point: Element, identity: str, makes: ForeignObjects) -> Landmark:
        label = makes.label(point.get("label", ""))
        pairs = [(a.get("name", ""), a.text or "") for a in point.iter("attribute")]
        common = makes.fresh(f"{identity}/{label.name}", pairs)
        if point.get("outside") == "1":
            return Landmark(label=label.name, x=0.0, y=0.0, visible=False, outside=True, **common)
        ((x, y),) = _points(point).tolist()[:1]
        return makes.landmark(label, x, y, point.get("occluded") != "1", common)


def find(files: Files) -> list[CvatFile]:
    """The files of CVAT among these."""
    found = []
    for path, root in files.xml:
        if root.tag == "annotations":
            images = root.findall("image")
            if not images and root.find("track") is not None:
                raise LabelFileError(f"{path}: it has the tracks of a video. Export it as 'CVAT for images 1.1'.")
            found.append(CvatFile(path, images))
    return found


def _shape(image: Element) -> tuple[int, int] | None:
    try:
        return int(image.get("height", "")), int(image.get("width", ""))
    except ValueError:
        return None


def _points(entry: Element) -> np.ndarray:
    pairs = [pair.split(",") for pair in entry.get("points", "").split(";")]
    if any(len(pair) != 2 for pair in pairs):
        raise AnnotationError("its points are not pairs of x and y")
    return np.array([(number(x, "x"), number(y, "y")) for x, y in pairs])


def _mask(entry: Element, shape: tuple[int, int]) -> np.ndarray:
    """The whole mask (rows, columns) of runs along the rows of its box."""
    left, top, width, height = (int(number(entry.get(n), n)) for n in ("left", "top", "width", "height"))
    if min(left, top) < 0 or min(width, height) < 1 or left + width > shape[1] or top + height > shape[0]:
        raise AnnotationError(
            f"its mask of {width} x {height} pixels at ({left}, {top}) lies outside the image of "
            f"{shape[1]} x {shape[0]} pixels"
        )
    try:
        runs = [int(run) for run in entry.get("rle", "").split(",")]
    except ValueError as error:
        raise AnnotationError("its runs are not whole numbers") from error
    if min(runs) < 0 or sum(runs) != width * height:
        raise AnnotationError(f"its runs cover {sum(runs)} pixels, its box has {width * height}")
    whole = np.zeros(shape, bool)
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    whole[top : top + height, left : left + width] = pixels.reshape(height, width)
    return whole
