"""LabelFile: annotations of another program, image by image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

from XRayAILib.dicom.header import Header
from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.foreign_objects import ForeignObjects
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.exchange.label_names import LabelNames
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError, FindingObject
from XRayAILib.findings.schema import LabelSchema, Tool


@dataclass(frozen=True)
class ForeignImage:
    """An image of a label file.

    Attributes
    ----------
    file
        Its picture, as the label file names it.
    where
        What messages call it, such as ``labels.json, image 7 (a.png)``.
    shape
        (rows, columns) by the label file; ``None`` where it does not say.
    annotations
        What messages call each, and the annotation in the format's own form.
    by
        Who said it, where the file has several people's annotations of one image: each becomes an author.
    """

    file: str
    where: str
    shape: tuple[int, int] | None = None
    annotations: list[tuple[str, Any]] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    by: str = ""


class LabelFile(ABC):
    """A file or folder of annotations whose frame has been found in order.

    A format says what images there are and makes objects of an annotation; who is meant, whether it can be and what
    becomes of the rest is the same for all.
    """

    title: ClassVar[str]
    path: Path

    @property
    @abstractmethod
    def count(self) -> int:
        """How many images it has."""

    @abstractmethod
    def wanted(self) -> dict[str, Tool]:
        """The names of the labels that annotations use, with the tool that a new label of that name would get."""

    @abstractmethod
    def images(self) -> Iterable[ForeignImage]:
        """The images in the file's order."""

    @abstractmethod
    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """The objects of an annotation; :class:`AnnotationError` says what is wrong with it."""

    @property
    def created(self) -> str:
        """When the file was written: the same file gives the same time, so importing it again changes nothing."""
        return datetime.fromtimestamp(int(self.path.stat().st_mtime), timezone.utc).isoformat()

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """The annotations image by image.

        Raises
        ------
        LabelFileError
            A label is not in the schema.
        """
        labels = LabelNames(schema)
        labels.require(str(self.path), self.wanted())
        created = self.created
        for image in self.images():
            if image.problems:
                yield ImportedImage(image.file, problems=image.problems)
                continue
            try:
                header = names.find(image.file)
            except UnmatchedError as error:
                if image.annotations:
                    yield ImportedImage(image.file, problems=(f"{image.where}: {error}.",), unmatched=True)
                continue
            whose = Author.imported(f"{author.name}, {image.by}") if image.by else author
            yield self._read(image, header, ForeignObjects(header.uid, header.shape, whose, created, labels))

    def _read(self, image: ForeignImage, header: Header, makes: ForeignObjects) -> ImportedImage:
        if image.shape is not None and image.shape != header.shape:
            reason = (
                f"{image.where}: the file has it with {image.shape[1]} x {image.shape[0]} pixels, "
                f"the radiograph has {header.columns} x {header.rows}. Label the image at its full size."
            )
            return ImportedImage(image.file, problems=(reason,))
        found: list[FindingObject] = []
        problems: list[str] = []
        notes: list[str] = []
        for where, annotation in image.annotations:
            try:
                found += self.objects(annotation, makes)
            except (AnnotationError, FindingError) as error:
                problems.append(f"{where}: {str(error).rstrip('.')}.")
            notes += [f"{where}: {note}." for note in makes.notes]
            makes.notes.clear()
        if problems:
            return ImportedImage(image.file, problems=tuple(problems))
        try:
            return ImportedImage(
                image.file, Findings(makes.uid, makes.shape, makes.author, tuple(found)), notes=tuple(notes)
            )
        except FindingError as error:
            return ImportedImage(image.file, problems=(f"{image.where}: {error}",))
