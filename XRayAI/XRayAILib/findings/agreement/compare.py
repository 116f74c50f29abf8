"""Two readers of one radiograph: what each kind of object can be compared by, label by label.

=====================  =========================================================================================
a label drawn as       is compared by
=====================  =========================================================================================
mask, polygon,         all objects of the label as one region: overlap, distance of the outlines, areas; where a
ellipse                reader has several of them also as objects that are found or missed
box, rotated box       objects that are found or missed, by IoU
polyline               distance of the lines
landmark               how far the points lie apart
measurement            the two values
image label            the two answers; of a question with several answers each one as yes or no
=====================  =========================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.boxes import box_ious
from XRayAILib.findings.agreement.detection import IOU, Matching, match_best, match_by_score
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.points import landmark_error
from XRayAILib.findings.agreement.region import REGIONS, region
from XRayAILib.findings.agreement.surface import path_points, point_distance, surface_distance
from XRayAILib.findings.author import Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Polyline, RotatedBox


class What(str, Enum):
    """What is compared."""

    REGION = "region"
    OBJECTS = "objects"
    LINE = "line"
    LANDMARK = "landmark"
    MEASUREMENT = "measurement"
    ANSWER = "answer"


@dataclass(frozen=True)
class Compared:
    """What two readers say of one label on one radiograph.

    Attributes
    ----------
    numbers
        By name; lengths and areas in ``unit``. ``REGION``: ``dice``, ``iou``, ``first`` and ``second`` (areas), and
        ``hd95`` and ``assd`` where both drew. ``OBJECTS``: ``pairs``, ``only_first``, ``only_second``, and ``iou``, the
        sum over the pairs. ``LINE``: ``hd95``, ``assd``. ``LANDMARK``: ``error`` and the places ``first_x``,
        ``second_x``, ``first_y``, ``second_y``. ``MEASUREMENT``: ``first``, ``second``.
    given
        How many objects each reader has; for an answer, whether there is one.
    answers
        Of an ``ANSWER``.
    scored
        Of ``OBJECTS``: (score, found by the other) of every object of the first, where it has scores.
    unit
        ``mm (calibrated)``, ``mm (detector plane)`` or ``px``; of an area and a measurement likewise; may be empty.
    """

    label: str
    what: What
    given: tuple[int, int]
    numbers: Mapping[str, float] = field(default_factory=dict)
    answers: tuple[str, str] = ("", "")
    scored: tuple[tuple[float, bool], ...] = ()
    unit: str = ""

    def turned(self) -> Compared:
        """The same with the readers exchanged; the scores of the first are of no use then."""
        other = {"first": "second", "second": "first"}
        turned = {"_".join(other.get(part, part) for part in name.split("_")): name for name in self.numbers}
        numbers = {name: self.numbers[old] for name, old in turned.items()}
        given, answers = (self.given[1], self.given[0]), (self.answers[1], self.answers[0])
        return replace(self, numbers=numbers, given=given, answers=answers, scored=())

    def document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {**vars(self), "what": self.what.value}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Compared:
        values = dict(document)
        values["what"] = What(values["what"])
        values["given"], values["answers"] = tuple(values["given"]), tuple(values["answers"])
        values["scored"] = tuple((float(score), bool(hit)) for score, hit in values["scored"])
        return cls(**values)


def compare(
    one: Findings, other: Findings, spacing: Spacing, schema: LabelSchema | None = None, iou: float = IOU
) -> list[Compared]:
    """Compare two readers of a radiograph; rejected objects do not count.

    Parameters
    ----------
    schema
        Tells which questions have several answers.
    iou
        From which on two objects are the same.

    Returns
    -------
    For every label that one of the two uses, and each way in which its objects can be compared.

    Raises
    ------
    FindingError
        The findings are not of one radiograph.
    """
    if (one.radiograph_uid, one.shape) != (other.radiograph_uid, other.shape):
        raise FindingError(f"Findings of {one.radiograph_uid} and {other.radiograph_uid} cannot be compared.")
    sides = [findings.without(o.id for o in findings if o.status is Status.REJECTED) for findings in (one, other)]
    found: list[Compared] = []
    for label in dict.fromkeys(name for findings in sides for name in findings.labels()):
        mine, theirs = ([o for o in findings if o.label == label] for findings in sides)
        multiple = schema is not None and label in schema and schema[label].multiple
        found += _answers(label, mine, theirs, multiple)
        found += _regions(label, mine, theirs, one.shape, spacing, iou)
        found += _boxes(label, mine, theirs, iou)
        found += _lines(label, mine, theirs, spacing)
        found += _landmarks(label, mine, theirs, spacing)
        found += _measurements(label, mine, theirs, spacing)
    return found


def length_unit(spacing: Spacing) -> str:
    """``mm (calibrated)``, ``mm (detector plane)`` or ``px``: figures of different units are never put together."""
    return f"mm ({spacing.source.value})" if spacing.known else "px"


def _of(items: Sequence[FindingObject], kinds: Any) -> list[Any]:
    return [item for item in items if isinstance(item, kinds)]


def _answers(
    label: str, mine: Sequence[FindingObject], theirs: Sequence[FindingObject], multiple: bool
) -> list[Compared]:
    given = [[item.value for item in _of(items, ImageLabel)] for items in (mine, theirs)]
    if not any(given):
        return []
    if not multiple and max(len(values) for values in given) < 2:
        first, second = (values[0] if values else "" for values in given)
        return [Compared(label, What.ANSWER, (len(given[0]), len(given[1])), answers=(first, second))]
    return [
        Compared(f"{label}: {value}", What.ANSWER, (1, 1), answers=_yes_no(value, given))
        for value in sorted({*given[0], *given[1]})
    ]


def _yes_no(value: str, given: Sequence[Sequence[str]]) -> tuple[str, str]:
    return ("yes" if value in given[0] else "no", "yes" if value in given[1] else "no")


def _regions(
    label: str,
    mine: Sequence[FindingObject],
    theirs: Sequence[FindingObject],
    shape: tuple[int, int],
    spacing: Spacing,
    iou: float,
) -> list[Compared]:
    first, second = _of(mine, REGIONS), _of(theirs, REGIONS)
    if not first and not second:
        return []
    one, other = region(first, shape), region(second, shape)
    shared = overlap(one, other)
    numbers = {"dice": shared.dice, "iou": shared.iou}
    numbers.update(first=spacing.area(shared.first).value, second=spacing.area(shared.second).value)
    distance = surface_distance(one, other, spacing)
    if distance is not None:
        numbers.update(hd95=distance.hd95, assd=distance.assd)
    given, unit = (len(first), len(second)), length_unit(spacing)
    found = [Compared(label, What.REGION, given, numbers, unit=unit)]
    if max(given) > 1:
        masks = [[region([item], shape) for item in items] for items in (first, second)]
        ious = np.array([[overlap(a, b).iou for b in masks[1]] for a in masks[0]]).reshape(given)
        found.append(_objects(label, first, second, ious, iou))
    return found


def _boxes(label: str, mine: Sequence[FindingObject], theirs: Sequence[FindingObject], iou: float) -> list[Compared]:
    first, second = _of(mine, (Box, RotatedBox)), _of(theirs, (Box, RotatedBox))
    if not first and not second:
        return []
    return [_objects(label, first, second, box_ious(first, second), iou)]


def _objects(
    label: str, first: Sequence[FindingObject], second: Sequence[FindingObject], ious: np.ndarray, iou: float
) -> Compared:
    matching = _matched(first, second, ious, iou)
    numbers = {
        "pairs": float(len(matching.pairs)),
        "only_first": float(len(matching.only_first)),
        "only_second": float(len(matching.only_second)),
        "iou": float(sum(ious[pair] for pair in matching.pairs)),
    }
    hits = {a for a, _ in matching.pairs}
    scored = tuple((item.score, i in hits) for i, item in enumerate(first) if item.score is not None)
    return Compared(label, What.OBJECTS, (len(first), len(second)), numbers, scored=scored)


def _matched(first: Sequence[FindingObject], second: Sequence[FindingObject], ious: np.ndarray, iou: float) -> Matching:
    """By score where one of the two has scores, else by the largest sum of IoUs."""
    scores = [[item.score for item in items if item.score is not None] for items in (first, second)]
    if first and len(scores[0]) == len(first):
        return match_by_score(ious, scores[0], iou)
    if second and len(scores[1]) == len(second):
        turned = match_by_score(ious.T, scores[1], iou)
        return Matching(tuple(sorted((a, b) for b, a in turned.pairs)), turned.only_second, turned.only_first)
    return match_best(ious, iou)


def _lines(
    label: str, mine: Sequence[FindingObject], theirs: Sequence[FindingObject], spacing: Spacing
) -> list[Compared]:
    first, second = _of(mine, Polyline), _of(theirs, Polyline)
    if not first and not second:
        return []
    paths = [[path_points(np.asarray(item.points)) for item in items] for items in (first, second)]
    numbers = {}
    if first and second:
        distance = point_distance(np.concatenate(paths[0]), np.concatenate(paths[1]), spacing)
        if distance is not None:
            numbers = {"hd95": distance.hd95, "assd": distance.assd}
    return [Compared(label, What.LINE, (len(first), len(second)), numbers, unit=length_unit(spacing))]


def _landmarks(
    label: str, mine: Sequence[FindingObject], theirs: Sequence[FindingObject], spacing: Spacing
) -> list[Compared]:
    first, second = ([p for p in _of(items, Landmark) if not p.outside] for items in (mine, theirs))
    if not _of(mine, Landmark) and not _of(theirs, Landmark):
        return []
    error = landmark_error(first[0], second[0], spacing) if len(first) == len(second) == 1 else None
    numbers = {} if error is None else {"error": error.value}
    if error is not None:
        for who, point in (("first", first[0]), ("second", second[0])):
            numbers |= {f"{who}_x": point.x * spacing.column, f"{who}_y": point.y * spacing.row}
    return [Compared(label, What.LANDMARK, (len(first), len(second)), numbers, unit=length_unit(spacing))]


def _measurements(
    label: str, mine: Sequence[FindingObject], theirs: Sequence[FindingObject], spacing: Spacing
) -> list[Compared]:
    first, second = _of(mine, Measurement), _of(theirs, Measurement)
    if not first and not second:
        return []
    unit, numbers = "", {}
    if len(first) == len(second) == 1:
        values = first[0].value(spacing), second[0].value(spacing)
        if values[0].unit == values[1].unit:
            numbers = {"first": values[0].value, "second": values[1].value}
            unit = length_unit(spacing) if values[0].unit in ("mm", "px") else values[0].unit
    return [Compared(label, What.MEASUREMENT, (len(first), len(second)), numbers, unit=unit)]
