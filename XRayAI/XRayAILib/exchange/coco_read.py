"""COCO files (instances and keypoints) to findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from XRayAILib.exchange.coco_objects import AnnotationError, CocoObjects
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.import_report import ImportedImage, ImportReport
from XRayAILib.exchange.label_names import LabelNames, extended
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError, FindingObject
from XRayAILib.findings.schema import LabelSchema, Tool


@dataclass(frozen=True)
class CocoFile:
    """A COCO file whose frame has been found in order.

    Attributes
    ----------
    images, categories
        By id.
    annotations
        Those of each image id, also of ids that no image has.
    """

    path: Path
    images: dict[int, dict[str, Any]]
    categories: dict[int, dict[str, Any]]
    annotations: dict[int, list[dict[str, Any]]]

    @classmethod
    def is_coco(cls, path: Path) -> bool:
        """Whether a JSON file begins to look like COCO. A file that cannot be read raises :class:`LabelFileError`."""
        document = _load(path)
        return isinstance(document, dict) and {"images", "annotations", "categories"} <= document.keys()

    @classmethod
    def open(cls, path: Path) -> CocoFile:
        """Read a file; :class:`LabelFileError` where it is no COCO file or two entries have one id."""
        document = _load(path)
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

    def wanted(self) -> dict[str, Tool]:
        """The names of the labels that annotations use, with the tool that a new label of that name would get."""
        found: dict[str, Tool] = {}
        for group in self.annotations.values():
            for annotation in group:
                category = self.categories.get(annotation["category_id"])
                if category is None:
                    continue  # read() says so for the annotation
                segmentation = annotation.get("segmentation")
                if annotation.get("keypoints"):
                    names = category.get("keypoints")
                    found.update((str(name), Tool.LANDMARK) for name in (names if isinstance(names, list) else ()))
                if segmentation or not annotation.get("keypoints"):
                    tool = Tool.BOX if not segmentation else Tool.POLYGON
                    found[category["name"]] = Tool.MASK if isinstance(segmentation, dict) else tool
        return found

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """The annotations image by image.

        Raises
        ------
        LabelFileError
            A category is not in the schema.
        """
        labels = LabelNames(schema)
        labels.require(str(self.path), self.wanted())
        created = datetime.fromtimestamp(int(self.path.stat().st_mtime), timezone.utc).isoformat()
        for image_id, image in self.images.items():
            file = str(image.get("file_name", ""))
            try:
                header = names.find(file)
            except UnmatchedError as error:
                if self.annotations.get(image_id):
                    yield ImportedImage(file, problems=(f"{self.path.name}, image {image_id} ({file}): {error}.",))
                continue
            size = (image.get("height"), image.get("width"))
            if size != header.shape and size != (None, None):
                reason = (
                    f"{self.path.name}, image {image_id} ({file}): the file has it with {size[1]} x {size[0]} pixels, "
                    f"the radiograph has {header.columns} x {header.rows}. Label the image at its full size."
                )
                yield ImportedImage(file, problems=(reason,))
                continue
            reader = CocoObjects(header.uid, header.shape, author, created, labels)
            yield self._image(image_id, file, reader)
        for image_id in self.annotations.keys() - self.images.keys():
            ids = ", ".join(str(a["id"]) for a in self.annotations[image_id][:5])
            reason = f"{self.path.name}, annotations {ids}: they are of the image {image_id}, which is not in the file."
            yield ImportedImage(f"image {image_id}", problems=(reason,))

    def _image(self, image_id: int, file: str, reader: CocoObjects) -> ImportedImage:
        objects: list[FindingObject] = []
        problems: list[str] = []
        try:
            objects += reader.image_objects(self.images[image_id])
        except AnnotationError as error:
            problems.append(f"{self.path.name}, image {image_id} ({file}): {error}.")
        for annotation in self.annotations.get(image_id, ()):
            where = f"{self.path.name}, annotation {annotation['id']} ({file})"
            category = self.categories.get(annotation["category_id"])
            if category is None:
                problems.append(f"{where}: its category {annotation['category_id']} is not in the file.")
                continue
            try:
                objects += reader.objects(annotation, category)
            except AnnotationError as error:
                problems.append(f"{where}: {error}.")
        if problems:
            return ImportedImage(file, problems=tuple(problems))
        try:
            return ImportedImage(file, Findings(reader.uid, reader.shape, reader.author, tuple(objects)))
        except FindingError as error:
            return ImportedImage(file, problems=(f"{self.path.name}, image {image_id} ({file}): {error}",))


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


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise LabelFileError(f"{path}: the file cannot be read as JSON ({error}).") from error
