"""From the radiograph's grid to the square grid of a network and back.

Training and inference both pass through here and nowhere else, so what a network learned on is what it later sees.
Coordinates are pixels, x to the right, y down, pixel centres at integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from XRayAILib.pixels.enhance import Enhancement

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph


Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels, of which right and bottom are the first that do not belong to it."""


@dataclass(frozen=True)
class PixelPreset:
    """How a radiograph becomes the input of a network. It is stored with every model.

    Attributes
    ----------
    size
        Edge of the square input, in pixels.
    low, high
        Percentiles of the display values (black 0, white 1) that become 0 and 1; what lies outside is clipped.
    enhancement
        What is done to the display values first; ``None`` for nothing.
    stretched
        Whether there is a stretch at all; without it the display values are the input as they are.
    cropped
        The central square of the image fills the input; otherwise the whole image lies in it, with black around.
    """

    size: int = 256
    low: float = 1.0
    high: float = 99.0
    enhancement: Enhancement | None = None
    stretched: bool = True
    cropped: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.size, int):
            raise ValueError(f"The input size is {self.size!r}; it must be a whole number of pixels.")
        if not 16 <= self.size <= 4096:
            raise ValueError(f"The input size is {self.size} pixels; it must lie in 16..4096.")
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"The percentiles {self.low} and {self.high} must be 0 <= low < high <= 100.")

    def document(self) -> dict[str, Any]:
        """The preset as a plain mapping; what is not used is left out, so that it reads as before there was any."""
        more: dict[str, Any] = {} if self.enhancement is None else {"enhancement": self.enhancement.document()}
        if not self.stretched:
            more["stretched"] = False
        if self.cropped:
            more["cropped"] = True
        return {"size": self.size, "low": self.low, "high": self.high, **more}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PixelPreset:
        """What :meth:`document` gave; ValueError and TypeError say what is wrong with it."""
        values = dict(document)
        enhancement = values.pop("enhancement", None)
        return cls(**values, enhancement=None if enhancement is None else Enhancement.from_document(enhancement))

    def fit(self, display: np.ndarray, inside: np.ndarray | None = None) -> Fitted:
        """The network's input of an image, and the way there and back.

        Parameters
        ----------
        display
            Display values (rows, columns), 0 black to 1 white.
        inside
            What is image and not padding, bool (rows, columns); ``None`` for all. Only an enhancement looks at it.
        """
        rows, columns = display.shape
        if self.enhancement is None:
            letterbox = Letterbox(rows, columns, self.size, self._box(rows, columns, None))
            image = self._greys(display, None)
        else:
            enhanced = self.enhancement.run(display, inside)
            letterbox = Letterbox(rows, columns, self.size, self._box(rows, columns, enhanced.box))
            image = self._greys(enhanced.image, enhanced.inside)
            if enhanced.inside is not None:
                image = np.where(enhanced.inside, image, np.float32(0))
        # Half precision is what a training reads from its cache; a model then sees the same, bit for bit.
        return Fitted(letterbox.forward(image).astype(np.float16).astype(np.float32), letterbox)

    def _greys(self, display: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        if not self.stretched:
            return np.clip(np.asarray(display, np.float32), 0, 1)
        return normalise(display, self.low, self.high, inside)

    def _box(self, rows: int, columns: int, box: Box | None) -> Box | None:
        """The part of the image that is fitted; with :attr:`cropped` the central square of it."""
        if not self.cropped:
            return box
        left, top, right, bottom = box or (0, 0, columns, rows)
        side = min(right - left, bottom - top)
        left, top = left + (right - left - side) // 2, top + (bottom - top - side) // 2
        return left, top, left + side, top + side

    def fit_radiograph(self, radiograph: Radiograph) -> Fitted:
        """The network's input of a radiograph: the one way to it, for training, testing and reading."""
        return self.fit(radiograph.display(), radiograph.grayscale.is_image(radiograph.stored))


class Fitted(NamedTuple):
    """The network's input, float32 (size, size) in 0..1, and where in the radiograph it comes from."""

    image: np.ndarray
    letterbox: Letterbox


@dataclass(frozen=True)
class Letterbox:
    """An aspect-preserving fit of (rows, columns), or of a box in it, into the centre of a square of ``size`` pixels.

    The longer side fills the square. The outer edges of the image, not the centres of its border pixels, are what is
    fitted, so that a pixel *i* of the radiograph lies at ``(i + 0.5) * scale - 0.5 + offset`` of the square.

    Attributes
    ----------
    box
        (left, top, right, bottom): only the columns left..right - 1 and the rows top..bottom - 1 are fitted, and
        offsets count from there. Points and arrays outside the square are of the whole radiograph all the same.
    """

    rows: int
    columns: int
    size: int
    box: Box | None = None

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.size) < 1:
            raise ValueError(f"An image of {self.rows} x {self.columns} pixels does not fit a square of {self.size}.")
        left, top, right, bottom = self.cut
        if not (0 <= left < right <= self.columns and 0 <= top < bottom <= self.rows):
            raise ValueError(f"The box {self.box} does not lie in an image of {self.rows} x {self.columns} pixels.")

    @property
    def cut(self) -> Box:
        """(left, top, right, bottom) of what is fitted: the box, or the whole image."""
        return self.box or (0, 0, self.columns, self.rows)

    @property
    def _shape(self) -> tuple[int, int]:
        left, top, right, bottom = self.cut
        return bottom - top, right - left

    @property
    def scale(self) -> float:
        """Pixels of the square per pixel of the radiograph."""
        return self.size / max(self._shape)

    @property
    def offset(self) -> tuple[float, float]:
        """(rows, columns) between the square's outer edge and that of what is fitted, in pixels of the square."""
        rows, columns = self._shape
        return (self.size - rows * self.scale) / 2, (self.size - columns * self.scale) / 2

    def forward(self, array: np.ndarray) -> np.ndarray:
        """Resample (rows, columns) to float32 (size, size); 0 outside the image. A mask becomes coverage in 0..1."""
        if array.shape != (self.rows, self.columns):
            raise ValueError(f"The array has the shape {array.shape}, not {(self.rows, self.columns)}.")
        left, top, right, bottom = self.cut
        (rows, columns), (above, before) = self._shape, self.offset
        down = _weights(rows, self.size, self.scale, above)
        across = _weights(columns, self.size, self.scale, before)
        return down @ np.ascontiguousarray(array[top:bottom, left:right], np.float32) @ across.T

    def back(self, square: np.ndarray) -> np.ndarray:
        """Resample (size, size), such as a probability map, to float32 (rows, columns) of the radiograph.

        What was not fitted is 0.
        """
        if square.shape != (self.size, self.size):
            raise ValueError(f"The array has the shape {square.shape}, not {(self.size, self.size)}.")
        left, top, right, bottom = self.cut
        (rows, columns), (above, before) = self._shape, self.offset
        up = _weights(self.size, rows, 1 / self.scale, -above / self.scale)
        along = _weights(self.size, columns, 1 / self.scale, -before / self.scale)
        fitted: np.ndarray = up @ np.ascontiguousarray(square, np.float32) @ along.T
        if self.box is None:
            return fitted
        whole = np.zeros((self.rows, self.columns), np.float32)
        whole[top:bottom, left:right] = fitted
        return whole

    def points_forward(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) as x, y of the radiograph in pixels of the square."""
        (left, top), (above, before) = self.cut[:2], self.offset
        return (np.asarray(points, float) - (left, top) + 0.5) * self.scale - 0.5 + np.array([before, above])

    def points_back(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) as x, y of the square in pixels of the radiograph; undoes :meth:`points_forward`."""
        (left, top), (above, before) = self.cut[:2], self.offset
        return (np.asarray(points, float) - np.array([before, above]) + 0.5) / self.scale - 0.5 + (left, top)


def normalise(
    display: np.ndarray, low: float = 1.0, high: float = 99.0, inside: np.ndarray | None = None
) -> np.ndarray:
    """Stretch the percentiles ``low`` and ``high`` of an image to 0 and 1, and clip; a flat image becomes 0.

    Percentiles, not the extremes, because a lead marker or an unexposed border would otherwise decide the contrast.
    With ``inside`` (bool, of the image's shape) they are those of these pixels.
    """
    array = np.asarray(display, np.float32)
    # Every fourth pixel of a large image gives the same percentiles to three digits in a sixteenth of the time.
    step = 4 if min(array.shape) > 1024 else 1
    values = array[::step, ::step]
    if inside is not None and inside[::step, ::step].any():
        values = values[inside[::step, ::step]]
    first, last = np.percentile(values, (low, high))
    if last <= first:
        return np.zeros_like(array)
    return np.clip((array - np.float32(first)) / np.float32(last - first), 0, 1)


def block_means(image: np.ndarray, step: int) -> np.ndarray:
    """Means of ``step`` x ``step`` pixels, float32; those left over at the right and the bottom count nowhere."""
    rows, columns = (n // step for n in image.shape)
    blocks = np.asarray(image, np.float32)[: rows * step, : columns * step].reshape(rows, step, columns, step)
    means: np.ndarray = blocks.mean(axis=(1, 3), dtype=np.float32)
    return means


@lru_cache(maxsize=32)
def _weights(source: int, target: int, scale: float, offset: float) -> np.ndarray:
    """Matrix (target, source) of a separable resampling by a triangle filter, antialiased where it shrinks.

    Source pixel *i* lies at ``(i + 0.5) * scale - 0.5 + offset`` of the target. Rows of target pixels whose centre is
    outside the source are zero; at the border, the filter is cut and its weights still sum to one.
    """
    centers = (np.arange(target) + 0.5 - offset) / scale - 0.5
    reach = max(1.0, 1.0 / scale)
    weights = np.maximum(0.0, 1.0 - np.abs(np.arange(source)[None, :] - centers[:, None]) / reach)
    inside = (centers >= -0.5) & (centers <= source - 0.5)
    total = weights.sum(axis=1, keepdims=True)
    matrix = np.where(inside[:, None], weights / np.where(total > 0, total, 1.0), 0.0).astype(np.float32)
    matrix.setflags(write=False)
    return matrix
