"""What a file says, in a form in which it can be compared with what it should say."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

COMMON = ("id", "author", "created", "status", "score", "derived_from", "attributes")
"""The fields that every object has, whatever its shape."""


_common = attrgetter(*COMMON)


@dataclass(frozen=True, slots=True)
class Said:
    """One object of a file.

    Attributes
    ----------
    kind, label
        As of the :class:`~XRayAILib.findings.objects.FindingObject`.
    numbers
        Coordinates in pixels, centres at integers: the corners of a box (x0, y0, x1, y1) and of a rotated box (four
        times x, y), the points of a polygon, line or measurement, an ellipse's centre, half axes and angle, a
        landmark's x and y.
    pixels
        :func:`digest` of a mask.
    record
        The rest: of :func:`plain_fields` those that the format carries, a landmark's state, an image label's value.
    """

    kind: str
    label: str
    numbers: tuple[float, ...] = ()
    pixels: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def name(self) -> str:
        """For a message."""
        return f"the {self.kind} '{self.label}'" + (f" ({self.id})" if self.id else "")


def said(item: FindingObject, carries: Collection[str] = ()) -> Said:
    """An object as it must come back from a format that carries these fields of :data:`COMMON`."""
    return Said(item.kind, item.label, numbers(item), _pixels(item), _record(item, carries), item.id)


def numbers(item: FindingObject) -> tuple[float, ...]:
    """The coordinates of an object as :attr:`Said.numbers` has them."""
    if isinstance(item, Box):
        return item.x0, item.y0, item.x1, item.y1
    if isinstance(item, RotatedBox):
        return tuple(value for corner in item.corners for value in corner)
    if isinstance(item, Ellipse):
        return item.x, item.y, item.radius_x, item.radius_y, item.angle
    if isinstance(item, (Polygon, Polyline, Measurement)):
        return tuple(chain.from_iterable(item.points))
    if isinstance(item, Landmark):
        return () if item.outside else (item.x, item.y)
    return ()


def plain_fields(item: FindingObject, names: Collection[str] = COMMON) -> dict[str, Any]:
    """Fields of :data:`COMMON` as JSON has them."""
    fields: dict[str, Any] = {name: value for name, value in zip(COMMON, _common(item), strict=True) if name in names}
    if "author" in fields:
        fields["author"] = {"kind": item.author.kind.value, "name": item.author.name, "digest": item.author.digest}
    if "status" in fields:
        fields["status"] = item.status.value
    if "attributes" in fields:
        fields["attributes"] = [list(pair) for pair in item.attributes]
    return fields


def digest(mask: np.ndarray) -> str:
    """What tells the pixels of a mask (rows, columns), boolean, from any others."""
    return hashlib.sha256(f"{mask.shape}".encode() + np.packbits(mask).tobytes()).hexdigest()


def _pixels(item: FindingObject) -> str:
    return digest(item.array()) if isinstance(item, Mask) else ""


def _record(item: FindingObject, carries: Collection[str]) -> dict[str, Any]:
    record = plain_fields(item, carries)
    if isinstance(item, ImageLabel):
        record["value"] = item.value
    elif isinstance(item, Landmark):
        record["visible"], record["outside"] = item.visible, item.outside
    return record
