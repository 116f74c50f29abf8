"""Findings out of a structured report of TID 1500, ours or another program's, by pydicom alone and without trust.

Ours come back whole. Of another program's measurement groups these are taken: regions (outline, point, circle,
ellipse), masks in a Segmentation beside the report, lines that were measured, and answers about the whole image.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from XRayAILib.dicom.header import Header
from XRayAILib.exchange.dicom_results.codes import SCHEME, CodedLabels, text_in
from XRayAILib.exchange.dicom_results.seg_read import Place, SegFile, created_of
from XRayAILib.exchange.dicom_results.sr import OUTSIDE
from XRayAILib.exchange.dicom_results.sr_groups import Graphic, Group, GroupError, SrFile
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL, KINDS
from XRayAILib.findings.measurements import Line, Measurement
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Code, LabelSchema, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox


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
