"""Consensus: what several readers together say of a radiograph, as findings of its own.

==================  ================================================================================================
kind                rule
==================  ================================================================================================
mask, polygon       the pixels of a label that more than half of the readers have, or STAPLE; of polygons as polygons
                    again, within a pixel
box                 weighted boxes fusion; a box counts that more than half of the readers have
ellipse,            the one that overlaps those of the other readers most, where more than half of the readers have it
rotated box
polyline            the one with the least mean distance to those of the other readers, where more than half have it
landmark            mean or median of the places, where more than half of the readers set it
measurement         mean or median of each of its points, where more than half of the readers drew it
image label         what most readers answer; a question with several answers is one question per answer
attribute           what most of those answer whose object it is
==================  ================================================================================================

Readers are all whose findings are given, whether or not they drew a label: not to draw is a vote. A tie makes nothing:
it is told in :attr:`Agreed.notes`. The same findings give the same consensus, ids and times included.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.boxes import box_ious
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.region import region as region_of
from XRayAILib.findings.agreement.surface import path_points, point_distance
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.consensus_answers import agreed_attributes, most_said
from XRayAILib.findings.consensus_boxes import fuse
from XRayAILib.findings.consensus_points import Centre, landmark, measurement_points
from XRayAILib.findings.consensus_regions import majority, staple
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.forms import as_polygons
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingError, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

_SPACE = uuid.UUID("0b4f5a3e-0c55-5f0e-9d86-6d1a4f0f3a51")
T = TypeVar("T", bound=FindingObject)


class Regions(str, Enum):
    """How regions become one."""

    MAJORITY = "majority"
    STAPLE = "staple"


@dataclass(frozen=True)
class Agreed:
    """A consensus.

    Attributes
    ----------
    findings
        What the readers together say; its author is ``consensus:majority`` or ``consensus:staple``.
    notes
        Ties and what else was left open, in words for a person.
    """

    findings: Findings
    notes: tuple[str, ...]


def consensus(
    tracks: Sequence[Findings],
    schema: LabelSchema,
    regions: Regions = Regions.MAJORITY,
    centre: Centre = Centre.MEAN,
) -> Agreed:
    """What the readers of one radiograph together say; rejected objects are no votes.

    Raises
    ------
    FindingError
        There are fewer than two readers, or the findings are not of one radiograph.
    """
    if len({track.author.key for track in tracks}) < 2:
        raise FindingError("A consensus takes the findings of at least two readers.")
    if len({(track.radiograph_uid, track.shape) for track in tracks}) > 1:
        raise FindingError("A consensus is made of findings of one radiograph; these belong to several.")
    return _Council(tracks, schema, regions, centre).agreed()


class _Council:
    """The readers of one radiograph, in the order of their keys."""

    def __init__(self, tracks: Sequence[Findings], schema: LabelSchema, regions: Regions, centre: Centre) -> None:
        self._tracks = [
            track.without(o.id for o in track if o.status is Status.REJECTED)
            for track in sorted(tracks, key=lambda track: track.author.key)
        ]
        self._schema, self._regions, self._centre = schema, regions, centre
        self._author = Author.consensus(regions.value)
        self._made: list[FindingObject] = []
        self._notes: list[str] = []

    def agreed(self) -> Agreed:
        drawn = {label: None for track in self._tracks for label in track.labels()}
        known = {label.name: i for i, label in enumerate(self._schema)}
        for label in sorted(drawn, key=lambda name: (known.get(name, len(known)), name)):
            self._answers(label)
            self._region(label)
            self._boxes(label)
            self._chosen(label, (Ellipse, RotatedBox), self._overlaps)
            self._chosen(label, (Polyline,), self._nearness)
            self._landmark(label)
            self._measurement(label)
        first = self._tracks[0]
        found = Findings(first.radiograph_uid, first.shape, self._author, tuple(self._made))
        return Agreed(found, tuple(self._notes))

    def _of(self, label: str, kinds: type[T] | tuple[type[T], ...]) -> list[list[T]]:
        """The objects of each reader."""
        return [[o for o in track if o.label == label and isinstance(o, kinds)] for track in self._tracks]

    def _most(self, count: int) -> bool:
        return 2 * count > len(self._tracks)

    def _values(self, label: str, sources: Sequence[FindingObject], nearest: FindingObject) -> dict[str, Any]:
        """What every object of the consensus carries; ``nearest`` is the source that it is most like."""
        attributes, ties = agreed_attributes(sources)
        self._notes += [f"{label}, {tie}: left open" for tie in ties]
        key = "\n".join([self._author.key, self._centre.value, label, str(len(self._made)), *(o.id for o in sources)])
        return {
            "label": label,
            "author": self._author,
            "id": str(uuid.uuid5(_SPACE, key)),
            "created": max(o.created for o in sources),
            "derived_from": nearest.id,
            "attributes": attributes,
        }

    def _answers(self, label: str) -> None:
        given = self._of(label, ImageLabel)
        items = [item for own in given for item in own]
        if not items:
            return
        if any(len(own) > 1 for own in given) or (label in self._schema and self._schema[label].multiple):
            values = sorted({item.value for item in items})
            for value in values:
                voices = [item for item in items if item.value == value]
                if self._most(len(voices)):
                    self._made.append(ImageLabel(value=value, **self._values(label, voices, voices[0])))
                elif 2 * len(voices) == len(self._tracks):
                    self._notes.append(f"{label}: '{value}' was said by half of the readers: left open")
            return
        answer, tie = most_said([item.value for item in items])
        if answer is None:
            self._notes.append(f"{label}: {tie}: left open")
            return
        voices = [item for item in items if item.value == answer]
        self._made.append(ImageLabel(value=answer, **self._values(label, voices, voices[0])))

    def _region(self, label: str) -> None:
        given: list[list[FindingObject]] = self._of(label, (Mask, Polygon))
        sources = [item for own in given for item in own]
        if not sources:
            return
        shape = self._tracks[0].shape
        masks = [region_of(own, shape) for own in given]
        if self._regions is Regions.STAPLE:
            estimated = staple(masks)
            region = estimated.region
            rates = zip(self._tracks, estimated.sensitivity, estimated.specificity, strict=True)
            told = ", ".join(
                f"{t.author.name} {sensitivity:.3f}/{specificity:.4f}" for t, sensitivity, specificity in rates
            )
            self._notes.append(f"{label}: sensitivity/specificity by STAPLE: {told}")
        else:
            vote = majority(masks)
            region = vote.region
            if vote.tied and not region.any():
                self._notes.append(f"{label}: half of the readers drew it, or no pixel is common to most: left open")
        if not region.any():
            return
        whole = Mask.from_array(region, label=label, author=self._author)
        shares = [overlap(whole, mask).dice if own else -1.0 for mask, own in zip(masks, given, strict=True)]
        nearest = given[int(np.argmax(shares))][0]
        if any(isinstance(item, Polygon) for item in sources) and not any(isinstance(item, Mask) for item in sources):
            for polygon in as_polygons(whole, self._author):
                self._made.append(Polygon(points=polygon.points, **self._values(label, sources, nearest)))
        else:
            values = self._values(label, sources, nearest)
            self._made.append(Mask(shape=whole.shape, origin=whole.origin, crop=whole.crop, **values))

    def _boxes(self, label: str) -> None:
        given = self._of(label, Box)
        for cluster in fuse(given):
            if self._most(len(cluster.members)):
                x0, y0, x1, y1 = cluster.edges
                own = [box.changed(x0=x0, y0=y0, x1=x1, y1=y1) for box in cluster.members[:1]]
                nearest = cluster.members[int(box_ious(own, cluster.members)[0].argmax())]
                values = self._values(label, cluster.members, nearest)
                self._made.append(Box(x0=x0, y0=y0, x1=x1, y1=y1, score=round(cluster.score, 4), **values))
            elif 2 * len(cluster.members) == len(self._tracks):
                self._notes.append(f"{label}: half of the readers have the box at {_place(cluster.edges)}: left out")

    def _chosen(
        self, label: str, kinds: tuple[type[FindingObject], ...], likeness: Callable[[list[FindingObject]], np.ndarray]
    ) -> None:
        """One of the readers' objects, where each has at most one of the label."""
        given: list[list[FindingObject]] = self._of(label, kinds)
        items = self._single(label, given)
        if items:
            nearest = items[int(likeness(items).sum(axis=1).argmax())]
            self._made.append(nearest.changed(**self._values(label, items, nearest), status=Status.DRAFT, score=None))

    def _overlaps(self, items: list[FindingObject]) -> np.ndarray:
        masks = [region_of([item], self._tracks[0].shape) for item in items]
        return np.array([[overlap(one, other).iou for other in masks] for one in masks])

    def _nearness(self, items: list[FindingObject]) -> np.ndarray:
        paths = [path_points(np.asarray(item.points)) for item in items if isinstance(item, Polyline)]
        apart = [[point_distance(one, other, Spacing.unknown()) for other in paths] for one in paths]
        return -np.array([[0.0 if d is None else d.assd for d in row] for row in apart])

    def _single(self, label: str, given: list[list[T]]) -> list[T]:
        """One object per reader, of those who have one; nothing where most have none, or somebody has several."""
        if any(len(own) > 1 for own in given):
            kind = next(own for own in given if own)[0].kind
            self._notes.append(
                f"{label}: a reader has several {kind}s of it, and which belong together is open: left out"
            )
            return []
        items = [own[0] for own in given if own]
        if items and not self._most(len(items)):
            self._notes.append(f"{label}: {len(items)} of {len(self._tracks)} readers have it: left out")
            return []
        return items

    def _landmark(self, label: str) -> None:
        items = self._single(label, self._of(label, Landmark))
        if items:
            values = landmark(items, self._centre)
            x, y = values["x"], values["y"]
            nearest = min(items, key=lambda item: (item.x - x) ** 2 + (item.y - y) ** 2)  # type: ignore[operator]
            self._made.append(Landmark(**values, **self._values(label, items, nearest)))  # type: ignore[arg-type]

    def _measurement(self, label: str) -> None:
        items = self._single(label, self._of(label, Measurement))
        if len({type(item) for item in items}) > 1:
            self._notes.append(f"{label}: readers drew measurements of different kinds: left out")
        elif items:
            points = measurement_points(items, self._centre)
            self._made.append(type(items[0])(points=points, **self._values(label, items, items[0])))


def _place(edges: tuple[float, float, float, float]) -> str:
    return f"({(edges[0] + edges[2]) / 2:.0f}, {(edges[1] + edges[3]) / 2:.0f})"
