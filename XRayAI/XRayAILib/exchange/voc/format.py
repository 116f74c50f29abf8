"""Pascal VOC as a format of exports: boxes.

::

    Annotations/a.xml            the objects of an image
    ImageSets/Main/train.txt     the names of the images of a part
    JPEGImages/a.png             its picture; the name of the folder is that of the devkit
    labelmap.txt                 the labels, for datumaro

The devkit counts pixels from 1 and a box has its last pixel inside: the box around the first pixel alone is
(1, 1) to (1, 1). Edges within a pixel keep their decimals, as some of VOC 2012 do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.regions import region_labels, require_region
from XRayAILib.exchange.said import Said
from XRayAILib.exchange.xml_tree import child, write_xml
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, RotatedBox

FIRST = 1.0
"""The number of the first pixel; its left edge is half a pixel before, and stands at this number."""

PARTS = {"train": "train", "validation": "val", "test": "test", "": "train"}
"""Part of the project -> list of names."""


class Voc(Format):
    """Pascal VOC, detection."""

    name = "voc"
    title = "Pascal VOC"
    becomes = dict.fromkeys((Box.kind, RotatedBox.kind, Polygon.kind, Ellipse.kind, Mask.kind), Box.kind)
    carries = frozenset({"attributes"})
    forms = ("png8", "png16", "none")
    reader = "datumaro"
    needs = "datumaro"
    tolerance = 0.011  # datumaro rounds to hundredths

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        if contents.thin:
            sentences.append(f"{counted(contents.thin, 'box')} narrower than a pixel become one pixel wide.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        found = super().hold(item, shape)
        return [_wide(box, shape) for box in found if isinstance(box, Box)]

    def picture(self, name: str, ending: str, part: str) -> str:
        return f"JPEGImages/{name}{ending}"

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        lists: dict[str, list[str]] = {}
        (folder / "Annotations").mkdir()
        for image in images:
            lists.setdefault(PARTS[image.part], []).append(image.name)
            write_xml(_annotation(image, plan), folder / "Annotations" / f"{image.name}.xml")
        (folder / "ImageSets" / "Main").mkdir(parents=True)
        for part, names in lists.items():
            text = "".join(f"{name}\n" for name in names)
            (folder / "ImageSets" / "Main" / f"{part}.txt").write_text(text, "utf-8", newline="\n")
        colors = {label.name: label.color for label in plan.schema}
        lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
        lines += [
            f"{name}:{','.join(map(str, bytes.fromhex(colors[name][1:])))}::" for name in region_labels(plan.schema)
        ]
        (folder / "labelmap.txt").write_text("\n".join(lines) + "\n", "utf-8", newline="\n")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        from datumaro import Bbox, Dataset

        dataset = Dataset.import_from(str(folder), "voc_detection")
        labels = dataset.categories()[_label_type()]
        for item in dataset:
            yield item.id, [_said(box, labels[box.label].name) for box in item.annotations if isinstance(box, Bbox)]


def _label_type() -> Any:
    from datumaro import AnnotationType

    return AnnotationType.label


def _said(box: Any, label: str) -> Said:
    # Datumaro takes the numbers as they stand; what they mean is the devkit's.
    edges = (box.x - FIRST - OFFSET, box.y - FIRST - OFFSET, box.x + box.w - OFFSET, box.y + box.h - OFFSET)
    own = {"difficult", "truncated", "occluded", "pose"}
    attributes = [[name, value] for name, value in box.attributes.items() if name not in own]
    return Said(Box.kind, label, edges, record={"attributes": attributes})


def _annotation(image: LabelledImage, plan: Plan) -> ElementTree.Element:
    root = ElementTree.Element("annotation")
    child(root, "folder", "JPEGImages")
    child(root, "filename", Path(image.picture).name)
    child(child(root, "source"), "database", plan.title)
    size = child(root, "size")
    for name, number in (("width", image.shape[1]), ("height", image.shape[0]), ("depth", 1)):
        child(size, name, str(number))
    child(root, "segmented", "0")
    for item in image.findings:
        assert isinstance(item, Box)
        require_region(item, plan.schema, f"image {image.name}")
        entry = child(root, "object")
        child(entry, "name", item.label)
        for name, text in (("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0"), ("occluded", "0")):
            child(entry, name, text)
        box = child(entry, "bndbox")
        child(box, "xmin", f"{item.x0 + OFFSET + FIRST:.10g}")
        child(box, "ymin", f"{item.y0 + OFFSET + FIRST:.10g}")
        child(box, "xmax", f"{item.x1 + OFFSET:.10g}")
        child(box, "ymax", f"{item.y1 + OFFSET:.10g}")
        if item.attributes:
            several = child(entry, "attributes")
            for name, value in item.attributes:
                attribute = child(several, "attribute")
                child(attribute, "name", name)
                child(attribute, "value", value)
    return root


def _wide(box: Box, shape: tuple[int, int]) -> Box:
    """The box, at least a pixel wide and high and inside the image."""
    if box.width >= 1 and box.height >= 1:
        return box
    x0, x1 = _at_least_one(box.x0, box.x1, shape[1])
    y0, y1 = _at_least_one(box.y0, box.y1, shape[0])
    return box.changed(x0=x0, y0=y0, x1=x1, y1=y1)


def _at_least_one(low: float, high: float, size: int) -> tuple[float, float]:
    if high - low >= 1:
        return low, high
    low = min(max((low + high) / 2 - 0.5, -0.5), size - 1.5)
    return low, low + 1
