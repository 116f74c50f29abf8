"""Findings out of a structured report of TID 1500, ours or another program's, by pydicom alone and without trust.

Ours come back whole. Of another program's measurement groups these are taken: regions (outline, point, circle,
ellipse), masks in a Segmentation beside the report, lines that were measured, and answers about the whole image.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.attributes import items, numbers, text
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_dataset
from XRayAILib.dicom.header import Header
from XRayAILib.exchange.dicom_codes import SCHEME, CodedLabels, text_in
from XRayAILib.exchange.dicom_seg_read import SEGMENTATION, Place, SegFile, code_in, created_of, place_of
from XRayAILib.exchange.dicom_sr import ATTRIBUTES, OFFSET, OUTSIDE
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL, KINDS
from XRayAILib.findings.measurements import Line, Measurement
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Code, LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

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


def sr_images(
    file: SrFile,
    find: Callable[[Place], Header | None],
    segmentations: Mapping[str, SegFile],
    schema: LabelSchema,
    author: Author,
) -> Iterator[ImportedImage]:
    """What a report says, image by image.

    Parameters
    ----------
    find
        The radiograph of the project with a SOP Instance UID and frame.
    segmentations
        Segmentations beside the report, by SOP Instance UID.
    """
    labels = CodedLabels(schema)
    by_place: dict[Place, list[Group]] = {}
    for group in file.groups:
        by_place.setdefault(_image_of(group, segmentations), []).append(group)
    for place, groups in by_place.items():
        name = f"{file.path.name} ({place[0] or 'no image'})"
        header = find(place)
        if header is None:
            where = f"the SOP Instance UID {place[0]}" if place[0] else "an image that the report names"
            reason = f"{file.path.name}: no radiograph of the project has {where}; add its folder to the project first."
            yield ImportedImage(name, problems=(reason,), unmatched=True)
            continue
        objects: list[FindingObject] = []
        problems: list[str] = []
        for number, group in enumerate(groups):
            identity = f"{file.uid}/{place[0]}/{place[1]}/{number}"
            try:
                objects += _objects(
                    group, labels, header, place, segmentations, identity, author, created_of(file.dataset)
                )
            except (GroupError, FindingError) as error:
                problems.append(f"{file.path.name}: '{group.name}' ({group.tracking}): {error}.")
        if problems:
            yield ImportedImage(name, problems=tuple(problems))
        else:
            yield ImportedImage(name, Findings(header.uid, header.shape, author, tuple(objects)))


def _image_of(group: Group, segmentations: Mapping[str, SegFile]) -> Place:
    if not group.place[0] and group.segments and group.segments[0][0] in segmentations:
        places = segmentations[group.segments[0][0]].places()
        return places[0] if len(places) == 1 else ("", 0)
    return group.place


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


def _objects(
    group: Group,
    labels: CodedLabels,
    header: Header,
    place: Place,
    segmentations: Mapping[str, SegFile],
    identity: str,
    author: Author,
    created: str,
) -> list[FindingObject]:
    if "kind" not in group.own and not (group.regions or group.lines or group.segments):
        return [
            ImageLabel(
                label=label.name, value=_value(answer, label.options), **_common(group, identity, author, created, i)
            )
            for i, (question, answer) in enumerate(group.answers)
            if (label := labels.find("", question)) is not None and label.tool is Tool.IMAGE
        ]
    label = labels.find(group.own.get("label", ""), group.finding)
    if label is None:
        raise GroupError(
            f"the label '{group.name}' is not in the project's schema; import with missing labels added, or rename it"
        )
    common = {"label": label.name, **_common(group, identity, author, created)}
    kind = KINDS.get(group.own.get("kind", "")) or (None if group.segments else BY_TOOL[label.tool])
    if group.segments:
        return [_mask(group, header, place, segmentations, common)]
    if kind is ImageLabel and group.answers:
        return [ImageLabel(value=text_in(group.answers[-1][1]), **common)]
    if group.regions:
        return [_region(group.regions[0], kind, group.own.get("visibility", ""), common)]
    return [_measured(group.lines, kind, common)]


def _common(group: Group, identity: str, author: Author, created: str, number: int = 0) -> dict[str, Any]:
    """Id, author and so on: those of our own report, or new ones that are the same when the file is read again."""
    own = group.own
    fresh = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{author.key}/{identity}/{number}"))
    try:
        kind, name, digest = own["author"].split("\n") if "author" in own else ("", "", "")
        return {
            "id": group.tracking if own and group.tracking else fresh,
            "author": Author(AuthorKind(kind), name, digest) if kind else author,
            "created": own.get("created", created),
            "status": Status(own.get("status", Status.APPROVED.value)),
            "score": float(own["score"]) if "score" in own else None,
            "derived_from": own.get("derived_from"),
            "attributes": tuple(group.attributes),
        }
    except ValueError as error:
        raise GroupError(f"what X-Ray AI wrote beside it is damaged ({error})") from error


def _value(answer: Code, options: tuple[str, ...]) -> str:
    """One of the schema's options where the answer's code or meaning is one."""
    for option in options:
        if option.lower() in (answer.value.lower(), answer.meaning.lower()):
            return option
    return text_in(answer) if answer.scheme == SCHEME else answer.meaning or answer.value


def _mask(
    group: Group, header: Header, place: Place, segmentations: Mapping[str, SegFile], common: dict[str, Any]
) -> Mask:
    uid, what, number = group.segments[0]
    file = segmentations.get(uid)
    if file is None:
        raise GroupError(f"its pixels are in the segmentation {uid}, which is not beside the report")
    if what == "ReferencedFrameNumber":
        number = file.frames[number - 1][0] if 0 < number <= len(file.frames) else 0
    if number not in file.segments:
        raise GroupError(f"its segment is not in the segmentation {uid}")
    if file.shape != header.shape:
        raise GroupError(
            f"its segmentation has {file.shape[1]} x {file.shape[0]} pixels, its image {header.columns} x {header.rows}"
        )
    return Mask.from_array(file.pixels(number, place), **common)


def _region(
    graphic: Graphic, kind: type[FindingObject] | None, visibility: str, common: dict[str, Any]
) -> FindingObject:
    points = graphic.points
    if graphic.kind == "POINT":
        ((x, y),) = points[:1].tolist()
        return Landmark(x=x, y=y, visible=not visibility, outside=visibility == OUTSIDE, **common)
    if graphic.kind in ("CIRCLE", "ELLIPSE"):
        return _ellipse(graphic, common)
    if graphic.kind != "POLYLINE":
        raise GroupError(f"regions of the type {graphic.kind} are not read")
    closed = len(points) > 3 and bool(np.array_equal(points[0], points[-1]))
    if not closed:
        return Polyline(points=_pairs(points), **common)
    corners = points[:-1]
    if kind is Box and len(corners) == 4 and _upright(corners):
        (x0, y0), (x1, y1) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        return Box(x0=x0, y0=y0, x1=x1, y1=y1, **common)
    if kind is RotatedBox and len(corners) == 4:
        return _rotated(corners, common)
    return Polygon(points=_pairs(corners), **common)


def _measured(lines: list[Graphic], kind: type[FindingObject] | None, common: dict[str, Any]) -> FindingObject:
    if not lines:
        raise GroupError("it has neither a region nor a line")
    points = np.concatenate([line.points for line in lines])
    if kind is not None and issubclass(kind, Measurement) and len(points) == len(kind.parts):
        return kind(points=_pairs(points), **common)
    if len(lines) == 1 and lines[0].kind == "POINT":
        return Landmark(x=float(points[0, 0]), y=float(points[0, 1]), **common)
    if len(points) == 2 and kind is not Polyline:
        return Line(points=_pairs(points), **common)
    return Polyline(points=_pairs(lines[0].points), **common)


def _ellipse(graphic: Graphic, common: dict[str, Any]) -> Ellipse:
    points = graphic.points
    if graphic.kind == "CIRCLE" and len(points) == 2:
        (x, y), radius = points[0].tolist(), float(np.hypot(*(points[1] - points[0])))
        return Ellipse(x=x, y=y, radius_x=radius, radius_y=radius, **common)
    if len(points) != 4:
        raise GroupError(f"its {graphic.kind.lower()} has {len(points)} points")
    x, y = points.mean(axis=0).tolist()
    major, minor = points[1] - points[0], points[3] - points[2]
    radius_x, radius_y = float(np.hypot(*major)) / 2, float(np.hypot(*minor)) / 2
    # The first axis runs from its second end, which stands first, as an outline does that begins at angle 0.
    return Ellipse(x=x, y=y, angle=half_turn(-major), radius_x=radius_x, radius_y=radius_y, **common)


def half_turn(direction: np.ndarray) -> float:
    """The angle of an axis, which has no front: above -90 and up to 90 degrees."""
    degrees = math.degrees(math.atan2(direction[1], direction[0]))
    return degrees - 180.0 if degrees > 90.0 else degrees + 180.0 if degrees <= -90.0 else degrees


def _rotated(corners: np.ndarray, common: dict[str, Any]) -> RotatedBox:
    x, y = corners.mean(axis=0).tolist()
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    angle = math.degrees(math.atan2(along[1], along[0]))
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    return RotatedBox(x=x, y=y, width=width, height=height, angle=angle, **common)


def _upright(corners: np.ndarray) -> bool:
    return all(len(np.unique(corners[:, axis])) == 2 for axis in (0, 1))


def _pairs(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)
