"""COCO files (instances and keypoints) to findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from XRayAILib.exchange.coco.objects import annotated, said_of_image
from XRayAILib.exchange.coco.outlines import Outlines
from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.foreign_objects import ForeignObjects
from XRayAILib.exchange.import_report import ImportReport
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.label_names import extended
from XRayAILib.exchange.text_file import Files, load_json
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import LabelSchema, Tool


@dataclass(frozen=True)
class CocoFile(LabelFile):
    """A COCO file whose frame has been found in order.

    Attributes
    ----------
    entries, categories
        Its images and categories by id.
    annotations
        Those of each image id, also of ids that no image has.
    """

    path: Path
    entries: dict[int, dict[str, Any]]
    categories: dict[int, dict[str, Any]]
    annotations: dict[int, list[dict[str, Any]]]

    title = "COCO"

    @classmethod
    def fits(cls, document: object) -> bool:
        """Whether JSON looks like COCO."""
        return isinstance(document, dict) and {"images", "annotations", "categories"} <= document.keys()

    @classmethod
    def open(cls, path: Path) -> CocoFile:
        """Read a file; :class:`LabelFileError` where it is no COCO file or two entries have one id."""
        return cls.of(path, load_json(path))

    @classmethod
    def of(cls, path: Path, document: Any) -> CocoFile:
        """The file of which this is the JSON."""
        parts: dict[str, dict[int, dict[str, Any]]] = {}
        for part in ("images", "categories", "annotations"):
            entries = document.get(part) if isinstance(document, dict) else None
            if not isinstance(entries, list):
                raise LabelFileError(
                    f"{path}: no COCO file: it has no list '{part}'. Export instances or keypoints as COCO 1.0."
                )
            parts[part] = {}
            for entry in entries:
                if not isinstance(entry, dict) or not isinstance(entry.get("id"), int):
                    raise LabelFileError(f"{path}: an entry of '{part}' has no whole number as id: {str(entry)[:80]}")
                if parts[part].setdefault(entry["id"], entry) is not entry:
                    raise LabelFileError(f"{path}: two entries of '{part}' have the id {entry['id']}.")
        for category in parts["categories"].values():
            if not isinstance(category.get("name"), str):
                raise LabelFileError(f"{path}: the category {category['id']} has no name.")
        by_image: dict[int, list[dict[str, Any]]] = {}
        for annotation in parts["annotations"].values():
            for key in ("image_id", "category_id"):
                if not isinstance(annotation.get(key), int):
                    raise LabelFileError(f"{path}: the annotation {annotation['id']} has no whole number as '{key}'.")
            by_image.setdefault(annotation["image_id"], []).append(annotation)
        return cls(path, parts["images"], parts["categories"], by_image)

    @property
    def count(self) -> int:
        return len(self.entries)

    def wanted(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for group in self.annotations.values():
            for annotation in group:
                category = self.categories.get(annotation["category_id"])
                if category is None:
                    continue  # objects() says so for the annotation
                segmentation = annotation.get("segmentation")
                if annotation.get("keypoints"):
                    names = category.get("keypoints")
                    found.update((str(name), Tool.LANDMARK) for name in (names if isinstance(names, list) else ()))
                if segmentation or not annotation.get("keypoints"):
                    tool = Tool.BOX if not segmentation else Tool.POLYGON
                    found[category["name"]] = Tool.MASK if isinstance(segmentation, dict) else tool
        return found

    def images(self) -> Iterator[ForeignImage]:
        for image_id, image in self.entries.items():
            file = str(image.get("file_name", ""))
            where = f"{self.path.name}, image {image_id} ({file})"
            size = (image.get("height"), image.get("width"))
            group = self.annotations.get(image_id, ())
            named: list[tuple[str, Any]] = [
                (f"{self.path.name}, annotation {annotation['id']} ({file})", annotation) for annotation in group
            ]
            if image.get("attributes") or image.get("xrayai"):
                named.insert(0, (where, image))
            yield ForeignImage(file, where, None if size == (None, None) else size, named)  # type: ignore[arg-type]
        for image_id in self.annotations.keys() - self.entries.keys():
            group = self.annotations[image_id]
            ids, called = ", ".join(str(a["id"]) for a in group[:5]), "annotations" if len(group) > 1 else "annotation"
            reason = f"{self.path.name}, {called} {ids}: of the image {image_id}, which is not in the file."
            yield ForeignImage(f"image {image_id}", reason, problems=(reason,))

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        if "category_id" not in annotation:
            return said_of_image(annotation, makes)
        category = self.categories.get(annotation["category_id"])
        if category is None:
            raise AnnotationError(f"its category {annotation['category_id']} is not in the file")
        points = self._outlines.inside(annotation["id"], makes.shape)
        return annotated(annotation, category, makes, points)

    @cached_property
    def _outlines(self) -> Outlines:
        return Outlines.of(annotation for group in self.annotations.values() for annotation in group)


def read_coco(
    path: Path, names: FileNames, schema: LabelSchema, author: Author | None = None, extend: bool = False
) -> ImportReport:
    """Read a whole COCO file into findings.

    Parameters
    ----------
    names
        Finds the radiographs of the file's images.
    author
        Of objects that do not bring their own; an import named like the file where it is left out.
    extend
        Take categories that the schema does not have, too; the labels that they became are in
        ``extended(schema, CocoFile.open(path).wanted())``.

    Raises
    ------
    LabelFileError
        The file is no COCO file, or a category is not in the schema.
    """
    file = CocoFile.open(path)
    if extend:
        schema = extended(schema, file.wanted())
    return ImportReport.collect(path, file.read(names, schema, author or Author.imported(path.stem)))


def find(files: Files) -> list[CocoFile]:
    """The COCO files among these."""
    return [CocoFile.of(file, document) for file, document in files.json if CocoFile.fits(document)]
