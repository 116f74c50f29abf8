"""Masks out of a DICOM Segmentation, ours or another program's, without trust in the file."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import integer, items, number, numbers, text
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_dataset
from XRayAILib.dicom.header import Header
from XRayAILib.exchange.dicom_results.codes import CodedLabels
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import Code, LabelSchema

if TYPE_CHECKING:
    from pydicom import Dataset

SEGMENTATION = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Segmentation Storage and Label Map Segmentation Storage."""
MOST_VALUES = 1 << 31
"""Pixels of all frames together; one that claims more is damaged or hostile."""
SHA256 = re.compile("[0-9a-f]{64}")

Place = tuple[str, int]
"""SOP Instance UID and frame (from 0) of an image."""


@dataclass(frozen=True, eq=False)
class SegFile:
    """A Segmentation as read from its file.

    Attributes
    ----------
    segments
        Segment Number -> item of the Segment Sequence.
    frames
        Segment Number and the image that a frame is of, in the order of the frames; a labelmap has 0 for the number.
    """

    path: Path
    dataset: Dataset
    segments: Mapping[int, Dataset]
    frames: tuple[tuple[int, Place], ...]

    @property
    def uid(self) -> str:
        return text(self.dataset, "SOPInstanceUID")

    @property
    def shape(self) -> tuple[int, int]:
        return integer(self.dataset, "Rows", 0), integer(self.dataset, "Columns", 0)

    @property
    def kind(self) -> str:
        """``BINARY``, ``FRACTIONAL`` or ``LABELMAP``."""
        return text(self.dataset, "SegmentationType")

    def places(self) -> list[Place]:
        """The images that it is about, each once."""
        return list(dict.fromkeys(place for _, place in self.frames))

    def pixels(self, segment: int, place: Place) -> np.ndarray:
        """The mask (rows, columns) of a segment on an image; a fractional one from half its maximum on."""
        found = np.zeros(self.shape, bool)
        values = self.dataset.pixel_array.reshape(-1, *self.shape)
        for frame, (of_segment, of_image) in zip(values, self.frames, strict=False):
            if of_image == place and of_segment in (segment, 0):
                if self.kind == "LABELMAP":
                    found |= frame == segment
                elif self.kind == "FRACTIONAL":
                    found |= frame >= number(self.dataset, "MaximumFractionalValue", 255) / 2
                else:
                    found |= frame != 0
        return found

    def label_of(self, segment: int) -> tuple[str, Code | None]:
        """What the file calls a segment, and its coded type."""
        item = self.segments[segment]
        codes = items(item, "SegmentedPropertyTypeCodeSequence")
        return text(item, "SegmentLabel"), code_in(codes[0]) if codes else None


def code_in(item: Dataset) -> Code:
    """A coded concept in any of its three forms (PS3.3 8.8)."""
    value = text(item, "CodeValue") or text(item, "LongCodeValue") or text(item, "URNCodeValue")
    return Code(text(item, "CodingSchemeDesignator"), value, text(item, "CodeMeaning"))


def read_seg(path: Path) -> SegFile:
    """Read a Segmentation.

    Raises
    ------
    LabelFileError
        It is none, is damaged, or is compressed in a way that is not read here.
    """
    try:
        dataset = read_dataset(path, pixels=True)
    except UnreadableError as error:
        raise LabelFileError(str(error)) from error
    if text(dataset, "SOPClassUID") not in SEGMENTATION:
        raise LabelFileError(f"{path}: this file is no DICOM Segmentation.")
    segments = {integer(item, "SegmentNumber", 0): item for item in items(dataset, "SegmentSequence")}
    file = SegFile(path, dataset, segments, tuple(frames_of(dataset)))
    count = integer(dataset, "NumberOfFrames", 1)
    rows, columns = file.shape
    if not segments or not rows or not columns or len(file.frames) != count or rows * columns * count > MOST_VALUES:
        raise LabelFileError(
            f"{path}: this segmentation is damaged: {count} frames of {columns} x {rows} pixels, of which "
            f"{len(file.frames)} are described, with {len(segments)} segments."
        )
    syntax = dataset.file_meta.TransferSyntaxUID if "TransferSyntaxUID" in dataset.file_meta else None
    if syntax is not None and not syntax.is_transfer_syntax:
        raise LabelFileError(f"{path}: this segmentation is damaged: '{syntax}' is no transfer syntax.")
    if syntax is not None and syntax.is_encapsulated and syntax.name != "RLE Lossless":
        raise LabelFileError(f"{path}: segmentations compressed as {syntax.name} are not read; save it uncompressed.")
    try:
        _ = dataset.pixel_array
    except Exception as error:  # pydicom raises whatever a damaged file leads to
        raise LabelFileError(f"{path}: the pixels of this segmentation cannot be read ({error}).") from error
    return file


def seg_images(
    file: SegFile,
    find: Callable[[Place], Header | None],
    schema: LabelSchema,
    author: Author,
) -> Iterator[ImportedImage]:
    """The masks of a Segmentation image by image.

    Parameters
    ----------
    find
        The radiograph of the project with a SOP Instance UID and frame.
    """
    labels = CodedLabels(schema)
    for place in file.places():
        header = find(place)
        name = f"{file.path.name} ({place[0] or 'no image'})"
        if header is None:
            reason = (
                f"{file.path.name}: no radiograph of the project has the SOP Instance UID {place[0]}; add its folder "
                "to the project first."
                if place[0]
                else f"{file.path.name}: a frame does not say which image it is of."
            )
            yield ImportedImage(name, problems=(reason,), unmatched=True)
        elif header.shape != file.shape:
            yield ImportedImage(
                name,
                problems=(
                    f"{file.path.name}: the segmentation has {file.shape[1]} x {file.shape[0]} pixels, its image "
                    f"{header.path} has {header.columns} x {header.rows}. Masks are not resampled: make it at the size "
                    "of the image.",
                ),
            )
        else:
            yield _image(file, place, name, header, labels, author)


def _image(
    file: SegFile, place: Place, name: str, header: Header, labels: CodedLabels, author: Author
) -> ImportedImage:
    masks: list[Mask] = []
    problems: list[str] = []
    for segment in file.segments:
        called, code = file.label_of(segment)
        label = labels.find(called, code)
        if label is None:
            problems.append(
                f"{file.path.name}: the label '{called or (code.meaning if code else segment)}' of segment {segment} "
                "is not in the project's schema; import with missing labels added, or rename it there."
            )
            continue
        # Of several images, each has the segments that it has pixels of; of one, a segment without pixels says so too.
        pixels = file.pixels(segment, place)
        if pixels.any() or len(file.places()) == 1:
            masks.append(_mask(file, segment, label.name, pixels, header, author))
    if problems:
        return ImportedImage(name, problems=tuple(problems))
    notes = (
        (f"{file.path.name}: a fractional segmentation; its masks are the pixels from half its maximum on.",)
        if file.kind == "FRACTIONAL"
        else ()
    )
    return ImportedImage(name, Findings(header.uid, header.shape, author, tuple(masks)), notes=notes)


def _mask(file: SegFile, segment: int, label: str, pixels: np.ndarray, header: Header, author: Author) -> Mask:
    item = file.segments[segment]
    tracked = text(item, "TrackingID")
    identity = f"{file.uid}/{segment}/{header.uid}"
    return Mask.from_array(
        pixels,
        label=label,
        author=_author(item) or author,
        id=tracked if _is_uuid(tracked) else str(uuid.uuid5(uuid.NAMESPACE_URL, identity)),
        created=created_of(file.dataset),
        status=Status.APPROVED,
    )


def created_of(dataset: Dataset) -> str:
    """When the content was made, as ISO 8601; the year 2000 where the file does not say."""
    try:
        made = datetime.strptime(text(dataset, "ContentDate") + text(dataset, "ContentTime")[:6], "%Y%m%d%H%M%S")
    except ValueError:
        made = datetime(2000, 1, 1)
    return made.replace(tzinfo=timezone.utc).isoformat(timespec="seconds")


def _author(item: Dataset) -> Author | None:
    """The model behind a segment, where one is named."""
    algorithms = items(item, "SegmentationAlgorithmIdentificationSequence")
    if text(item, "SegmentAlgorithmType") != "AUTOMATIC" or not algorithms:
        return None
    version = text(algorithms[0], "AlgorithmVersion")
    name = text(algorithms[0], "AlgorithmName")
    return Author.model(name, version if SHA256.fullmatch(version) else "") if name else None


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def frames_of(dataset: Dataset) -> Iterator[tuple[int, Place]]:
    """Segment Number (0 where none is given) and image of each frame."""
    shared = items(dataset, "SharedFunctionalGroupsSequence")
    only = _only_image(dataset)
    for group in items(dataset, "PerFrameFunctionalGroupsSequence"):
        both: Sequence[Dataset] = (group, *shared)
        segment = next((s for g in both for s in items(g, "SegmentIdentificationSequence")), None)
        images = [
            image
            for g in both
            for derivation in items(g, "DerivationImageSequence")
            for image in items(derivation, "SourceImageSequence")
        ]
        place = place_of(images[0]) if images else only
        yield (integer(segment, "ReferencedSegmentNumber", 0) if segment is not None else 0), place


def _only_image(dataset: Dataset) -> Place:
    """The image of a file that names but one."""
    named = {
        place_of(image)
        for series in items(dataset, "ReferencedSeriesSequence")
        for image in items(series, "ReferencedInstanceSequence")
    }
    return named.pop() if len(named) == 1 else ("", 0)


def place_of(image: Dataset) -> Place:
    """The image that an item refers to (PS3.3 10.3)."""
    frames = numbers(image, "ReferencedFrameNumber")
    return text(image, "ReferencedSOPInstanceUID"), int(frames[0]) - 1 if frames else 0
