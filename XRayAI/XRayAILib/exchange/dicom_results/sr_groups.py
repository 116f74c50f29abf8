"""The content tree of a structured report of TID 1500 (PS3.16), by pydicom alone and without trust in the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import items, numbers, text
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_dataset
from XRayAILib.exchange.dicom_results.codes import SCHEME, text_in
from XRayAILib.exchange.dicom_results.seg_read import SEGMENTATION, Place, code_in, place_of
from XRayAILib.exchange.dicom_results.sr import ATTRIBUTES, OFFSET
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.schema import Code, Tool

if TYPE_CHECKING:
    from pydicom import Dataset

REPORTS = (
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.88.33",  # Comprehensive SR
    "1.2.840.10008.5.1.4.1.1.88.34",  # Comprehensive 3D SR
)
MEASUREMENT_GROUP, FINDING, TRACKING, TRACKING_UID = "125007", "121071", "112039", "112040"
DEEPEST = 20
"""Levels of a content tree; one that is deeper is damaged or hostile."""


class GroupError(ValueError):
    """A measurement group that cannot be taken, and why."""


@dataclass
class Graphic:
    """Spatial coordinates and the image that they are on."""

    kind: str
    points: np.ndarray
    place: Place


@dataclass
class Group:
    """A measurement group as it stands in a report.

    Attributes
    ----------
    own
        What we wrote beside the template: code -> text.
    finding
        The coded finding.
    answers
        Qualitative evaluations: question and coded answer.
    regions, lines
        Coordinates of the region itself, and those that a measurement was inferred from.
    segments
        A Segmentation's SOP Instance UID, with the number of a segment there, or of a frame (from 1).
    images
        Those that the group refers to.
    """

    own: dict[str, str] = field(default_factory=dict)
    attributes: list[tuple[str, str]] = field(default_factory=list)
    finding: Code | None = None
    tracking: str = ""
    answers: list[tuple[Code, Code]] = field(default_factory=list)
    regions: list[Graphic] = field(default_factory=list)
    lines: list[Graphic] = field(default_factory=list)
    segments: list[tuple[str, str, int]] = field(default_factory=list)
    images: list[Place] = field(default_factory=list)

    @property
    def name(self) -> str:
        """For a message and for a label that is missing."""
        label = self.own.get("label", "")
        return label or (self.finding.meaning if self.finding else "") or self.tracking or "without a name"

    @property
    def place(self) -> Place:
        """The image that it is of; ``("", 0)`` where it does not say."""
        graphics = (*self.regions, *self.lines)
        found = [*(graphic.place for graphic in graphics if graphic.place[0]), *self.images]
        return found[0] if found else ("", 0)

    def tool(self) -> Tool:
        """What a new label for it would be drawn with."""
        kind = self.own.get("kind", "")
        for tool, of_tool in BY_TOOL.items():
            if of_tool.kind == kind:
                return tool
        if self.segments:
            return Tool.MASK
        if self.regions:
            graphic = self.regions[0].kind
            return {"POINT": Tool.LANDMARK, "ELLIPSE": Tool.ELLIPSE, "CIRCLE": Tool.ELLIPSE}.get(graphic, Tool.POLYGON)
        return (Tool.LINE if len(self.lines[0].points) == 2 else Tool.POLYLINE) if self.lines else Tool.IMAGE


@dataclass(frozen=True, eq=False)
class SrFile:
    """A structured report as read from its file."""

    path: Path
    dataset: Dataset
    groups: tuple[Group, ...]

    @property
    def uid(self) -> str:
        return text(self.dataset, "SOPInstanceUID")


def read_sr(path: Path) -> SrFile:
    """Read a report; :class:`LabelFileError` where it is none, or is damaged."""
    try:
        dataset = read_dataset(path, pixels=False)
    except UnreadableError as error:
        raise LabelFileError(str(error)) from error
    if text(dataset, "SOPClassUID") not in REPORTS:
        raise LabelFileError(f"{path}: this file is no structured report with measurements.")
    try:
        groups = tuple(_group(item) for item in _measurement_groups(dataset, 0))
    except (GroupError, RecursionError) as error:
        raise LabelFileError(f"{path}: this report is damaged: {error}.") from error
    if not groups:
        raise LabelFileError(
            f"{path}: this report has no measurement group of TID 1500 (PS3.16); others are not read here."
        )
    return SrFile(path, dataset, groups)


def _measurement_groups(item: Dataset, depth: int) -> Iterator[Dataset]:
    if depth > DEEPEST:
        raise GroupError(f"its content is nested deeper than {DEEPEST} levels")
    for child in items(item, "ContentSequence"):
        if text(child, "ValueType") == "CONTAINER" and _name(child).value == MEASUREMENT_GROUP:
            yield child
        else:
            yield from _measurement_groups(child, depth + 1)


def _group(item: Dataset) -> Group:
    group = Group()
    for child in items(item, "ContentSequence"):
        name, kind = _name(child), text(child, "ValueType")
        if kind == "TEXT" and name.scheme == SCHEME:
            group.own[name.value] = _text(child)
        elif kind == "TEXT" and name.scheme == ATTRIBUTES:
            group.attributes.append((text_in(name), _text(child)))
        elif kind == "TEXT" and name.value == TRACKING:
            group.tracking = _text(child)
        elif kind == "CODE" and (codes := items(child, "ConceptCodeSequence")):
            if name.value == FINDING:
                group.finding = code_in(codes[0])
            else:
                group.answers.append((name, code_in(codes[0])))
        elif kind == "SCOORD":
            group.regions.append(_scoord(child))
        elif kind == "IMAGE":
            _image(child, group)
        elif kind == "NUM":
            group.lines += [_scoord(c) for c in items(child, "ContentSequence") if text(c, "ValueType") == "SCOORD"]
    return group


def _name(item: Dataset) -> Code:
    names = items(item, "ConceptNameCodeSequence")
    return code_in(names[0]) if names else Code("", "", "")


def _text(item: Dataset) -> str:
    return str(item.get("TextValue") or "")  # as it is: blanks at its beginning count


def _image(item: Dataset, group: Group) -> None:
    for reference in items(item, "ReferencedSOPSequence"):
        if text(reference, "ReferencedSOPClassUID") not in SEGMENTATION:
            group.images.append(place_of(reference))
            continue
        for what in ("ReferencedSegmentNumber", "ReferencedFrameNumber"):
            if found := numbers(reference, what):
                group.segments.append((text(reference, "ReferencedSOPInstanceUID"), what, int(found[0])))
                break


def _scoord(item: Dataset) -> Graphic:
    values = numbers(item, "GraphicData")
    if len(values) < 2 or len(values) % 2 or not all(map(math.isfinite, values)):
        raise GroupError("the coordinates of a region are no pairs of numbers")
    places = [
        place_of(reference)
        for child in items(item, "ContentSequence")
        if text(child, "ValueType") == "IMAGE"
        for reference in items(child, "ReferencedSOPSequence")
    ]
    points = np.array(values).reshape(-1, 2) - OFFSET
    return Graphic(text(item, "GraphicType"), points, places[0] if places else ("", 0))
