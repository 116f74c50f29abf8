"""Format: a way to write findings down that other programs read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar

from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.conversion import converted
from XRayAILib.exchange.said import COMMON, Said
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, Mask
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.image import Image

EVERYTHING = frozenset(COMMON)
EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
"""The time of an export in which nothing says when it was made."""


@dataclass(frozen=True)
class LabelledImage:
    """An image of an export.

    Attributes
    ----------
    name
        What the export calls it, usable as a file name without ending; no other image of the export has it.
    picture
        The path of its picture below the export's folder, with ``/``; it is named also where no picture is written.
    findings
        What is said of it, as the format can hold it.
    part
        ``train``, ``validation``, ``test``, or empty.
    patient
        What the export calls the patient.
    image
        The image in the project: who the patient is stands in its header, so it is not for writing down.
    """

    name: str
    picture: str
    findings: Findings
    part: str
    patient: str
    image: Image

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.findings.shape


@dataclass
class Plan:
    """What an export is made by.

    Attributes
    ----------
    schema
        Gives the labels, their order and with it their numbers, so that these are the same in every export.
    title
        The name of the project.
    form
        Of the pictures, one of :data:`XRayAILib.exchange.image_forms.FORMS`.
    warnings
        Sentences about what could not be exported as it is; anybody adds to it.
    shapes
        (rows, columns) of the images by their names, for those that were handed to the writer.
    newest
        When the newest object was made of those that were handed to the writer, in UTC: the time of the export for
        formats that have one, so that the same findings give the same files.
    """

    schema: LabelSchema
    choice: Choice
    title: str
    form: str
    pseudonyms: Pseudonyms
    warnings: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, int]] = field(default_factory=dict)
    newest: datetime = EARLIEST

    @property
    def time(self) -> str:
        """:attr:`newest` as ISO 8601 with seconds."""
        return self.newest.isoformat(timespec="seconds")


class Format(ABC):
    """A format, with all that an export and its gate ask of it.

    An export hands :meth:`write` images whose findings went through :meth:`hold` before, so a writer meets only
    what its format has a place for, inside the image. Then :meth:`read_again` says what is in the files, and each
    object of it is compared with what was handed over.
    """

    name: ClassVar[str]
    """What the command line calls it, and the folder of an export that has no other name."""
    title: ClassVar[str]
    """What a person calls it."""
    becomes: ClassVar[Mapping[str, str]]
    """Kind of object -> the kind that is written of it; a kind that is not here has no place in the format."""
    carries: ClassVar[frozenset[str]] = frozenset()
    """The fields of :data:`~XRayAILib.exchange.said.COMMON` that it has a place for, and gives back exactly."""
    forms: ClassVar[tuple[str, ...]] = ("png8", "png16", "dicom", "none")
    """The forms of pictures that go with it, the usual one first."""
    reader: ClassVar[str]
    """The program that reads it again."""
    needs: ClassVar[str] = ""
    """The package for that, where it is not there already: inside Slicer it is installed when an export wants it."""
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What only this format can be told, with the values that there are, the usual one first."""
    tolerance: ClassVar[float] = 1e-3
    """Pixels by which a coordinate may differ after writing and reading."""
    inside: ClassVar[bool] = True
    """Whether shapes are cut at the border of the image, because other programs refuse what reaches over it."""
    empty_masks: ClassVar[bool] = True
    """Whether its masks can have no pixel: looked at, nothing there."""

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """What of these contents the format cannot hold, in sentences; said before the export starts."""
        sentences = contents.losses(self.title, self.becomes, self.carries)
        has_masks = self.becomes.get(Mask.kind) == Mask.kind and self.empty_masks
        if contents.empty_masks and self.becomes.get(Mask.kind) and not has_masks:
            sentences.append(f"{counted(contents.empty_masks, 'mask')} without any pixel cannot be written.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """An object as the format can hold it: itself, others made from it (ids derived from its own), or nothing."""
        if isinstance(item, Mask) and not item.area and not self.empty_masks:
            return []
        return converted(item, self.becomes.get(item.kind, ""), shape)

    def join(self, objects: list[FindingObject], schema: LabelSchema) -> list[FindingObject]:
        """The objects of one image as the format tells them apart: some know one mask of each label only, some have
        no place for an object that belongs to no skeleton."""
        return objects

    def refuses(self, image: Image) -> str:
        """Why an image cannot be written in this format, in a sentence; empty for one that can."""
        return ""

    def picture(self, name: str, ending: str, part: str) -> str:
        """Where the picture of an image lies below the export's folder, with ``/``; ``ending`` with its dot."""
        return f"images/{name}{ending}"

    @abstractmethod
    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """Write all files but the pictures, which are there when an image comes. To be taken in one image at a time."""

    @abstractmethod
    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """The objects of each image, by its ``name``, as an independent reader finds them in the files."""

    def check(self, folder: Path, plan: Plan) -> None:  # noqa: B027 - most formats need nothing more
        """What else readers of the format insist on; raises ``ExportError`` where it fails."""


def facts(image: LabelledImage) -> dict[str, Any]:
    """What may be told of an image without telling whose it is."""
    header = image.image.header
    spacing = header.spacing
    return {
        "modality": header.modality,
        "view": header.view,
        "spacing": [spacing.row, spacing.column] if spacing.known else None,
        "spacing_source": spacing.source.value,
    }
