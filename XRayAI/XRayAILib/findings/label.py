"""One label of a schema: what may be said, with which tool, in which colour, under which code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tool(str, Enum):
    """The kind of object that a label is drawn as."""

    MASK = "mask"
    POLYGON = "polygon"
    BOX = "box"
    ROTATED_BOX = "rotated box"
    ELLIPSE = "ellipse"
    POLYLINE = "polyline"
    LANDMARK = "landmark"
    LINE = "line"
    ANGLE = "angle"
    COBB_ANGLE = "cobb angle"
    CARDIOTHORACIC_RATIO = "cardiothoracic ratio"
    IMAGE = "image"


AREAS = frozenset({Tool.MASK, Tool.POLYGON, Tool.BOX, Tool.ROTATED_BOX, Tool.ELLIPSE})
"""The tools whose objects cover pixels."""
MEASUREMENTS = frozenset({Tool.LINE, Tool.ANGLE, Tool.COBB_ANGLE, Tool.CARDIOTHORACIC_RATIO})
"""The tools whose objects have a value."""


@dataclass(frozen=True)
class Code:
    """A coded concept, such as SNOMED CT 39607008 "Lung" (PS3.3 8.8)."""

    scheme: str
    value: str
    meaning: str


class AttributeKind(str, Enum):
    """What an attribute is answered with."""

    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class Attribute:
    """Something asked of every object of a label, such as the side of a fracture.

    Answers stand in :attr:`FindingObject.attributes` as text, under ``name``.

    Attributes
    ----------
    options
        Of a choice.
    minimum, maximum
        Of a number; ``None`` where there is no limit.
    unit
        Of a number, only to be shown.
    """

    name: str
    title: str
    kind: AttributeKind = AttributeKind.TEXT
    options: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Skeleton:
    """Landmarks that belong together, such as the points of a hand.

    Attributes
    ----------
    points
        Names of landmark labels, in the order in which they are set.
    lines
        Pairs of them that are joined by a line.
    """

    name: str
    title: str
    points: tuple[str, ...]
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Label:
    """One label.

    Attributes
    ----------
    name
        Key used in files and findings: letters, digits, ``_`` and ``-``.
    title
        What the reader sees.
    color
        ``#rrggbb``.
    mirror
        The label that this one becomes in a mirrored image (``left_lung`` for ``right_lung``); empty where there are
        no sides.
    options
        For ``Tool.IMAGE``: the allowed values.
    multiple
        For ``Tool.IMAGE``: several of them may be true at once, each an :class:`ImageLabel` of its own.
    required
        For ``Tool.IMAGE``: the question must be answered.
    attributes
        What is asked of each object.
    """

    name: str
    title: str
    tool: Tool
    color: str
    code: Code | None = None
    mirror: str = ""
    hotkey: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False
    required: bool = False
    attributes: tuple[Attribute, ...] = ()

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour as 0..1."""
        red, green, blue = (int(self.color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return red, green, blue
