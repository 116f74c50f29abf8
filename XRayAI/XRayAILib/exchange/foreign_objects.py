"""Objects out of the files of other programs, with every doubt resolved first."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from XRayAILib.exchange.conversion import part_id
from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.label_names import LabelNames
from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.measurements import Angle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Label, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.pixels.crossing import crosses_itself
from XRayAILib.pixels.fill import fill_polygon

SLACK = 1.0
"""Pixels by which other programs let boxes and outlines reach over the border, by rounding. They are cut there."""

RECTANGLE = 1.0
"""Pixels by which the corners of a rotated box may miss a rectangle: other programs round them."""

OFFSET = 0.5
"""Most programs put 0 on the outer corner of the first pixel, we put it on its centre."""

_NAMESPACE = uuid.NAMESPACE_URL.bytes


@dataclass
class ForeignObjects:
    """Makes the objects of one image. All coordinates that it is given have 0 on the outer corner of the first pixel.

    Everything that a method finds wrong is an :class:`AnnotationError`, in words that go on behind the annotation's
    name: "its box has the size 0 x 4".

    Attributes
    ----------
    uid, shape
        The radiograph, and its (rows, columns).
    author, created
        Of objects that do not bring their own.
    notes
        What is odd of objects that are taken all the same.
    """

    uid: str
    shape: tuple[int, int]
    author: Author
    created: str
    labels: LabelNames
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._prefix = f"{self.author.key}/{self.uid}/"

    def label(self, name: object) -> Label:
        """The label of the schema that a name of the file means."""
        label = self.labels.get(str(name))
        if label is None:
            raise AnnotationError(f"the label '{name}' is not in the project's schema")
        return label

    def fresh(self, identity: str, attributes: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """The common fields of a new object; an ``identity`` within an image has the same id in every import."""
        return {
            "id": _uuid5(f"{self._prefix}{identity}"),
            "author": self.author,
            "created": self.created,
            "status": Status.APPROVED,
            "attributes": tuple(attributes),
        }

    def box(self, label: Label, edges: Sequence[float], common: dict[str, Any]) -> Box:
        """A box by left, upper, right and lower edge."""
        x0, y0, x1, y1 = edges
        if x1 <= x0 or y1 <= y0:
            raise AnnotationError(f"its box has the size {x1 - x0:g} x {y1 - y0:g}")
        (x0, y0), (x1, y1) = self.inside([(x0, y0), (x1, y1)], "box").tolist()
        if x1 <= x0 or y1 <= y0:
            raise AnnotationError("its box lies on the border of the image, with nothing inside")
        return Box(label=label.name, x0=x0, y0=y0, x1=x1, y1=y1, **common)

    def rotated_box(
        self, label: Label, middle: Sequence[float], size: Sequence[float], angle: float, common: dict[str, Any]
    ) -> Box | RotatedBox:
        """A box by its middle, size and angle (degrees, clockwise); an upright one where it is not turned."""
        (x, y), (width, height) = middle, size
        if width <= 0 or height <= 0:
            raise AnnotationError(f"its box has the size {width:g} x {height:g}")
        if angle == 0 and label.tool is not Tool.ROTATED_BOX:
            return self.box(label, (x - width / 2, y - height / 2, x + width / 2, y + height / 2), common)
        self.require_near((x, y), "box")
        return RotatedBox(
            label=label.name, x=x - OFFSET, y=y - OFFSET, width=width, height=height, angle=angle, **common
        )

    def ellipse(
        self, label: Label, middle: Sequence[float], radii: Sequence[float], angle: float, common: dict[str, Any]
    ) -> Ellipse:
        """An ellipse by its middle, half axes and angle (degrees, clockwise)."""
        (x, y), (radius_x, radius_y) = middle, radii
        if radius_x <= 0 or radius_y <= 0:
            raise AnnotationError(f"its ellipse has the half axes {radius_x:g} and {radius_y:g}")
        self.require_near((x, y), "ellipse")
        return Ellipse(
            label=label.name, x=x - OFFSET, y=y - OFFSET, radius_x=radius_x, radius_y=radius_y, angle=angle, **common
        )

    def region(
        self, label: Label, outlines: Sequence[np.ndarray], common: dict[str, Any], as_kind: str = ""
    ) -> list[FindingObject]:
        """Outlines (N, 2) of one object: a mask where the schema has the label as one, else a polygon for each; a
        rectangle is a rotated box where the schema has the label as one.

        Parameters
        ----------
        as_kind
            ``mask`` or ``polygon``, where the file says what it is.
        """
        if len(outlines) == 1 and label.tool is Tool.ROTATED_BOX and is_rectangle(outlines[0]) and not as_kind:
            return [self.rectangle(label, outlines[0], common)]
        inside = [self._outline(outline) for outline in outlines]
        if as_kind == Mask.kind or (label.tool is Tool.MASK and as_kind != Polygon.kind):
            # Where the schema has the label as a mask, an outline is just another way to write the mask down.
            pixels = np.zeros(self.shape, bool)
            for outline in inside:
                pixels |= fill_polygon(outline, self.shape)
            return [Mask.from_array(pixels, label=label.name, **common)]
        return [
            Polygon(
                label=label.name,
                points=tuple(map(tuple, outline.tolist())),
                **(common if not number else {**common, "id": part_id(common["id"], number)}),
            )
            for number, outline in enumerate(inside)
        ]

    def rectangle(self, label: Label, corners: np.ndarray, common: dict[str, Any]) -> Box | RotatedBox:
        """A rotated box by its corners (4, 2), of which the first two are the ends of its width."""
        side, other = corners[1] - corners[0], corners[3] - corners[0]
        angle = float(np.degrees(np.arctan2(side[1], side[0])))
        # Corners the other way round are those of a box seen from behind: the same box.
        size = float(np.hypot(*side)), float(np.hypot(*other))
        return self.rotated_box(label, corners.mean(axis=0).tolist(), size, angle, common)

    def polyline(self, label: Label, points: np.ndarray, common: dict[str, Any]) -> FindingObject:
        """An open line (N, 2); a measurement where the schema has the label as one of so many points."""
        inside = tuple(map(tuple, self.inside(points, "line").tolist()))
        measured = {Tool.LINE: Line, Tool.ANGLE: Angle}.get(label.tool)
        kind = measured if measured is not None and len(inside) == len(measured.parts) else Polyline
        return kind(label=label.name, points=inside, **common)

    def landmark(self, label: Label, x: float, y: float, visible: bool, common: dict[str, Any]) -> Landmark:
        """A point that is visible, or whose place is guessed."""
        ((x, y),) = self.inside([(x, y)], f"point '{label.name}'").tolist()
        return Landmark(label=label.name, x=x, y=y, visible=visible, **common)

    def mask(self, label: Label, pixels: np.ndarray, common: dict[str, Any]) -> Mask:
        """A mask (rows, columns)."""
        if pixels.shape != self.shape:
            raise AnnotationError(
                f"its mask has {pixels.shape[1]} x {pixels.shape[0]} pixels, "
                f"the image has {self.shape[1]} x {self.shape[0]}"
            )
        return Mask.from_array(pixels, label=label.name, **common)

    def image_label(self, label: Label, value: object, common: dict[str, Any]) -> ImageLabel:
        """Something that is said of the whole image; yes or no for true and false."""
        text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        if label.options and text not in label.options:
            raise AnnotationError(f"'{label.name}' is '{text}', but the schema allows {', '.join(label.options)}")
        return ImageLabel(label=label.name, value=text, **common)

    def inside(self, points: Sequence[Sequence[float]] | np.ndarray, what: str) -> np.ndarray:
        """Points (N, 2) in our coordinates, those a little outside the image put on its border."""
        found = np.asarray(points, float)
        rows, columns = self.shape
        xs, ys = found[:, 0], found[:, 1]
        if xs.min() >= 0 and ys.min() >= 0 and xs.max() <= columns and ys.max() <= rows:
            return found - OFFSET
        size = np.array((columns, rows), float)
        if (found < -SLACK).any() or (found > size + SLACK).any():
            (x0, y0), (x1, y1) = found.min(axis=0), found.max(axis=0)
            raise AnnotationError(
                f"its {what} reaches from ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}), "
                f"outside the image of {self.shape[1]} x {self.shape[0]} pixels"
            )
        return np.clip(found, 0.0, size) - OFFSET

    def require_near(self, middle: tuple[float, float], what: str) -> None:
        """Refuse what has its middle outside the image."""
        x, y = middle
        if not (0 <= x <= self.shape[1] and 0 <= y <= self.shape[0]):
            raise AnnotationError(
                f"the middle of its {what}, ({x:g}, {y:g}), lies outside the image of "
                f"{self.shape[1]} x {self.shape[0]} pixels"
            )

    def _outline(self, points: np.ndarray) -> np.ndarray:
        if len(points) < 3:
            raise AnnotationError(f"a polygon has {len(points)} points; it needs x and y of at least 3 points")
        found = self.inside(points, "polygon")
        if crosses_itself(found):
            self.notes.append("a polygon crosses itself; it was taken, and its inside is by the even-odd rule")
        return found


def _uuid5(name: str) -> str:
    """``str(uuid.uuid5(uuid.NAMESPACE_URL, name))`` (RFC 9562 5.5) in a quarter of the time."""
    data = bytearray(
        hashlib.sha1(_NAMESPACE + name.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:16]
    )
    data[6] = data[6] & 0x0F | 0x50
    data[8] = data[8] & 0x3F | 0x80
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_rectangle(corners: np.ndarray, tolerance: float = RECTANGLE) -> bool:
    """Whether points are the four corners (4, 2) of a rectangle, in order, to within so many pixels."""
    if len(corners) != 4:
        return False
    middle = (corners[0] + corners[2]) / 2
    if not np.allclose(middle, (corners[1] + corners[3]) / 2, rtol=0, atol=tolerance):
        return False
    along = np.hypot(*(corners[0] - corners[2])), np.hypot(*(corners[1] - corners[3]))
    return bool(abs(along[0] - along[1]) <= 2 * tolerance)


def numbers(values: object, what: str, count: int | None = None) -> list[float]:
    """A list of numbers, so many of them; :class:`AnnotationError` where it is something else."""
    if not isinstance(values, list) or (count is not None and len(values) != count):
        raise AnnotationError(f"its {what} is not a list of {count or 'some'} numbers: {str(values)[:60]}")
    if not set(map(type, values)) <= {int, float}:
        odd = next(v for v in values if type(v) not in (int, float))
        raise AnnotationError(f"its {what} has a value that is no number: {str(odd)[:60]!r}")
    try:
        found = list(map(float, values))
    except OverflowError as error:  # JSON's whole numbers have no end
        raise AnnotationError(f"its {what} has a value that is far too large") from error
    if not all(map(math.isfinite, found)):
        raise AnnotationError(f"its {what} has a value that is no number: {next(v for v in values if v - v != 0)!r}")
    return found


def number(text: object, what: str) -> float:
    """A number that stands in a file as text or number; :class:`AnnotationError` where it is something else."""
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise AnnotationError(f"its {what} is no number: {str(text)[:40]!r}") from error
    if isinstance(text, bool) or not math.isfinite(value):
        raise AnnotationError(f"its {what} is no number: {text!r}")
    return value


def carried(own: dict[str, Any]) -> dict[str, Any]:
    """The common fields of an object as :func:`~XRayAILib.exchange.said.plain_fields` wrote them."""
    try:
        author = own["author"]
        return {
            "id": str(own["id"]),
            "author": Author(AuthorKind(author["kind"]), str(author["name"]), str(author["digest"])),
            "created": str(own["created"]),
            "status": Status(own["status"]),
            "score": None if own["score"] is None else float(own["score"]),
            "derived_from": None if own["derived_from"] is None else str(own["derived_from"]),
            "attributes": tuple((str(key), str(value)) for key, value in own["attributes"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(f"its 'xrayai' entry is damaged ({error})") from error
