"""Look: how a radiograph is looked at, in terms that make sense for the next one too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Look:
    """Window and part of the image, both relative to what the file and the view would show by themselves.

    Two radiographs of one view seldom have the same grey values: exposure, manufacturer and bit depth differ. So what
    is remembered is how a reader turned the file's own window, not its numbers, and which part of the image was seen,
    not how many pixels of a screen.

    Attributes
    ----------
    contrast
        Width of the window divided by that of the file's own: below 1 is harder.
    brightness
        Centre of the window less that of the file's own, in widths of the file's own.
    zoom
        1 shows the whole image as large as the view allows, 2 twice as large.
    x, y
        What lies in the middle of the view, as a part of the image's width and height: (0.5, 0.5) is its centre.
    """

    contrast: float = 1.0
    brightness: float = 0.0
    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5

    def __post_init__(self) -> None:
        values = [getattr(self, field.name) for field in fields(self)]
        if not all(map(math.isfinite, values)) or self.contrast <= 0 or self.zoom <= 0:
            raise ValueError(f"This is no way to look at an image: {values}.")

    def is_like(self, other: Look) -> bool:
        """Whether no person would see a difference: less than a grey level of 256, or half a percent of the view."""
        return all(
            math.isclose(getattr(self, field.name), getattr(other, field.name), rel_tol=5e-3, abs_tol=4e-3)
            for field in fields(self)
        )

    def document(self) -> dict[str, float]:
        """As plain numbers, to be stored."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, float]) -> Look:
        """What :meth:`document` wrote; :class:`ValueError` where it is no look."""
        try:
            return cls(**{name: float(value) for name, value in document.items()})
        except TypeError as error:
            raise ValueError(f"This is no way to look at an image: {dict(document)}.") from error


def view_key(body_part: str, view: str) -> str:
    """Under which name a way to look is remembered: that of the view, such as ``CHEST PA``."""
    return " ".join(word for word in (body_part, view) if word).upper()
