"""Pascal VOC files to findings: boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.foreign_objects import ForeignObjects, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.text_file import Files
from XRayAILib.exchange.voc.format import FIRST
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool

STATES = ("difficult", "truncated", "occluded")
"""What the devkit says of an object; where it is so, it becomes an attribute."""


@dataclass(frozen=True)
class VocFiles(LabelFile):
    """Annotations of Pascal VOC, each of one image.

    Attributes
    ----------
    path
        The file, or the folder that they are in.
    files
        Each with its root element.
    """

    path: Path
    files: list[tuple[Path, Element]]

    title = "Pascal VOC"

    @property
    def count(self) -> int:
        return len(self.files)

    def wanted(self) -> dict[str, Tool]:
        names = (entry.findtext("name", "") for _, root in self.files for entry in root.iter("object"))
        return {name: Tool.BOX for name in names if name}

    def images(self) -> Iterator[ForeignImage]:
        for path, root in self.files:
            file = root.findtext("filename", "") or f"{path.stem}.png"
            entries = enumerate(root.findall("object"), start=1)
            named = [(f"{path.name}, object {n}", (n, entry)) for n, entry in entries]
            yield ForeignImage(file, path.name, _shape(root), named)

    def objects(self, annotation: tuple[int, Element], makes: ForeignObjects) -> list[FindingObject]:
        place, entry = annotation
        label = makes.label(entry.findtext("name", ""))
        box = entry.find("bndbox")
        if box is None:
            raise AnnotationError("it has no box (bndbox)")
        x0, y0, x1, y1 = (number(box.findtext(tag), tag) for tag in ("xmin", "ymin", "xmax", "ymax"))
        if x0 >= x1 + 1 or y0 >= y1 + 1:
            raise AnnotationError(f"its box reaches from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g})")
        attributes = [(state, "yes") for state in STATES if entry.findtext(state, "0").strip() == "1"]
        for pair in entry.iterfind("attributes/attribute"):
            attributes.append((pair.findtext("name", ""), pair.findtext("value", "")))
        common = makes.fresh(f"{place}/{label.name}", attributes)
        return [makes.box(label, (x0 - FIRST, y0 - FIRST, x1, y1), common)]


def find(files: Files) -> list[VocFiles]:
    """The annotations of Pascal VOC among these files."""
    found = [(path, root) for path, root in files.xml if root.tag == "annotation" and root.find("size") is not None]
    return [VocFiles(found[0][0] if len(found) == 1 else files.path, found)] if found else []


def _shape(root: Element) -> tuple[int, int] | None:
    size = root.find("size")
    try:
        columns, rows = (int(size.findtext(tag, "")) for tag in ("width", "height"))  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        return None
    # Some programs write 0 where they do not know.
    return (rows, columns) if rows > 0 and columns > 0 else None
