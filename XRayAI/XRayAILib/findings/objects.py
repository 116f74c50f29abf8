"""The kinds of object that findings are made of.

Coordinates are pixels of the stored image: x to the right, y down, pixel centres at integers. Pixel *i* spans
*i* - 0.5 to *i* + 0.5, so a box around the single pixel (0, 0) is (-0.5, -0.5, 0.5, 0.5).
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from itertools import chain
from typing import TypeVar

import numpy as np

from XRayAILib.findings.author import Author, Status


class FindingError(ValueError):
    """An object or a set of findings that says something impossible."""


def new_id() -> str:
    return str(uuid.uuid4())


def now() -> str:
    """The present time in UTC as ISO 8601 with seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


T = TypeVar("T", bound="FindingObject")


@dataclass(frozen=True, kw_only=True)
class FindingObject:
    """What every object carries, whatever its shape.

    Attributes
    ----------
    label
        Name of a label in the project's schema.
    author
        Who said it first; it stays when somebody else accepts or corrects the object.
    id
        UUID that survives revisions.
    created
        ISO 8601, UTC.
    score
        0..1 as a model gave it; ``None`` from people.
    derived_from
        ``id`` of the object that this one was made from: the prediction behind a correction, for example.
    attributes
        Answers to the label's attributes, as text.
    """

    label: str
    author: Author
    id: str = field(default_factory=new_id)
    created: str = field(default_factory=now)
    status: Status = Status.DRAFT
    score: float | None = None
    derived_from: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()

    kind = "object"

    def __post_init__(self) -> None:
        if not self.label:
            raise FindingError(f"A {self.kind} has no label.")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise FindingError(f"The score of {self.kind} '{self.label}' is {self.score}; it must lie in 0..1.")

    def changed(self: T, **values: object) -> T:
        """The same object (same ``id``) with other values."""
        return replace(self, **values)  # type: ignore[arg-type]

    def derived(self: T, author: Author, **values: object) -> T:
        """A new object made from this one by ``author``; it remembers where it came from."""
        fresh: dict[str, object] = {"id": new_id(), "created": now(), "author": author, "derived_from": self.id}
        return replace(self, **{**fresh, **values})  # type: ignore[arg-type]


def require_finite(kind: str, label: str, values: Iterable[float]) -> None:
    """Raise :class:`FindingError` where a coordinate of an object is not a number."""
    values = list(values)
    # The sum of a few coordinates is finite only where each is, and it is found in a fraction of the time.
    if not math.isfinite(sum(values)) and not all(map(math.isfinite, values)):
        raise FindingError(f"The {kind} '{label}' has a coordinate that is not a number.")


@dataclass(frozen=True, kw_only=True)
class ImageLabel(FindingObject):
    """Something said of the whole image, such as ``view = PA`` or ``pneumonia = yes``."""

    value: str = "yes"
    kind = "image label"


@dataclass(frozen=True, kw_only=True)
class Box(FindingObject):
    """An upright rectangle by its outer edges, in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind = "box"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(self.kind, self.label, (self.x0, self.y0, self.x1, self.y1))
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise FindingError(f"The box '{self.label}' has no area: ({self.x0}, {self.y0}) to ({self.x1}, {self.y1}).")

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0


@dataclass(frozen=True, kw_only=True)
class Polygon(FindingObject):
    """A closed outline of straight edges; the last point joins the first."""

    points: tuple[tuple[float, float], ...]
    kind = "polygon"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.points) < 3:
            raise FindingError(f"The polygon '{self.label}' has {len(self.points)} points; it needs at least 3.")
        require_finite(self.kind, self.label, chain.from_iterable(self.points))


@dataclass(frozen=True, kw_only=True)
class Landmark(FindingObject):
    """A named point, in pixels, at sub-pixel precision.

    Attributes
    ----------
    visible
        ``False`` where something covers it: its place is guessed.
    outside
        It lies beyond the border of the image, so its place means nothing; such a landmark is not visible either.
    """

    x: float
    y: float
    visible: bool = True
    outside: bool = False
    kind = "landmark"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.x) and math.isfinite(self.y)):
            raise FindingError(f"The landmark '{self.label}' has a coordinate that is not a number.")
        if self.outside and self.visible:
            raise FindingError(f"The landmark '{self.label}' cannot be outside the image and visible.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Mask(FindingObject):
    """A set of pixels. Only the bounding box of the set is kept in memory.

    Attributes
    ----------
    shape
        (rows, columns) of the radiograph.
    origin
        (row, column) of the first pixel of ``crop`` in the radiograph.
    crop
        Boolean array (rows, columns); read-only.
    """

    shape: tuple[int, int]
    origin: tuple[int, int]
    crop: np.ndarray
    kind = "mask"

    def __post_init__(self) -> None:
        super().__post_init__()
        rows, columns = self.crop.shape
        if self.origin[0] + rows > self.shape[0] or self.origin[1] + columns > self.shape[1] or min(self.origin) < 0:
            raise FindingError(f"The mask '{self.label}' reaches outside its radiograph of {self.shape} pixels.")

    def _identity(self) -> tuple[object, ...]:
        own = tuple(getattr(self, name) for name in FindingObject.__dataclass_fields__)
        return (*own, self.shape, self.origin)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mask) or self._identity() != other._identity():
            return False
        return self.crop is other.crop or np.array_equal(self.crop, other.crop)

    def __hash__(self) -> int:
        return hash(self.id)

    @classmethod
    def from_array(cls, array: np.ndarray, *, label: str, author: Author, **values: object) -> Mask:
        """A mask of the pixels of ``array`` (rows, columns) that are not zero."""
        return cls(label=label, author=author, **_cropped(array), **values)  # type: ignore[arg-type]

    def array(self) -> np.ndarray:
        """The whole mask as a new boolean array (rows, columns)."""
        whole = np.zeros(self.shape, bool)
        row, column = self.origin
        whole[row : row + self.crop.shape[0], column : column + self.crop.shape[1]] = self.crop
        return whole

    def with_array(self, array: np.ndarray) -> Mask:
        """The same object with other pixels."""
        return self.changed(**_cropped(array))

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(self.crop.sum())


def _cropped(array: np.ndarray) -> dict[str, object]:
    if array.ndim != 2:
        raise FindingError(f"A mask has two axes (rows, columns); this one has the shape {array.shape}.")
    on = np.asarray(array) != 0
    rows, columns = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    if not rows.size:
        crop, origin = np.zeros((0, 0), bool), (0, 0)
    else:
        crop = on[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        origin = (int(rows[0]), int(columns[0]))
    crop.setflags(write=False)
    return {"shape": (int(array.shape[0]), int(array.shape[1])), "origin": origin, "crop": crop}
