"""From the radiograph's grid to the square grid of a network and back.

Training and inference both pass through here and nowhere else, so what a network learned on is what it later sees.
Coordinates are pixels, x to the right, y down, pixel centres at integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np


@dataclass(frozen=True)
class PixelPreset:
    """How a radiograph becomes the input of a network. It is stored with every model.

    Attributes
    ----------
    size
        Edge of the square input, in pixels.
    low, high
        Percentiles of the display values (black 0, white 1) that become 0 and 1; what lies outside is clipped.
    """

    size: int = 256
    low: float = 1.0
    high: float = 99.0

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 4096:
            raise ValueError(f"The input size is {self.size} pixels; it must lie in 16..4096.")
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"The percentiles {self.low} and {self.high} must be 0 <= low < high <= 100.")

    def document(self) -> dict[str, float]:
        """The preset as a plain mapping."""
        return {"size": self.size, "low": self.low, "high": self.high}

    def letterbox(self, shape: tuple[int, int]) -> Letterbox:
        """The way from a radiograph of ``shape`` (rows, columns) to the square."""
        return Letterbox(int(shape[0]), int(shape[1]), self.size)

    def image(self, display: np.ndarray) -> np.ndarray:
        """The network's input, float32 (size, size) in 0..1, from display values (rows, columns) in 0..1."""
        return self.letterbox(display.shape).forward(normalise(display, self.low, self.high))


@dataclass(frozen=True)
class Letterbox:
    """An aspect-preserving fit of (rows, columns) into the centre of a square of ``size`` pixels.

    The longer side fills the square. The outer edges of the image, not the centres of its border pixels, are what is
    fitted, so that a pixel *i* of the radiograph lies at ``(i + 0.5) * scale - 0.5 + offset`` of the square.
    """

    rows: int
    columns: int
    size: int

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.size) < 1:
            raise ValueError(f"An image of {self.rows} x {self.columns} pixels does not fit a square of {self.size}.")

    @property
    def scale(self) -> float:
        """Pixels of the square per pixel of the radiograph."""
        return self.size / max(self.rows, self.columns)

    @property
    def offset(self) -> tuple[float, float]:
        """(rows, columns) between the square's outer edge and the image's, in pixels of the square."""
        return (self.size - self.rows * self.scale) / 2, (self.size - self.columns * self.scale) / 2

    def forward(self, array: np.ndarray) -> np.ndarray:
        """Resample (rows, columns) to float32 (size, size); 0 outside the image. A mask becomes coverage in 0..1."""
        if array.shape != (self.rows, self.columns):
            raise ValueError(f"The array has the shape {array.shape}, not {(self.rows, self.columns)}.")
        top, left = self.offset
        down = _weights(self.rows, self.size, self.scale, top)
        across = _weights(self.columns, self.size, self.scale, left)
        return down @ np.ascontiguousarray(array, np.float32) @ across.T

    def back(self, square: np.ndarray) -> np.ndarray:
        """Resample (size, size), such as a probability map, to float32 (rows, columns) of the radiograph."""
        if square.shape != (self.size, self.size):
            raise ValueError(f"The array has the shape {square.shape}, not {(self.size, self.size)}.")
        top, left = self.offset
        up = _weights(self.size, self.rows, 1 / self.scale, -top / self.scale)
        along = _weights(self.size, self.columns, 1 / self.scale, -left / self.scale)
        return up @ np.ascontiguousarray(square, np.float32) @ along.T

    def points_forward(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) as x, y of the radiograph in pixels of the square."""
        top, left = self.offset
        return (np.asarray(points, float) + 0.5) * self.scale - 0.5 + np.array([left, top])

    def points_back(self, points: np.ndarray) -> np.ndarray:
        """Points (N, 2) as x, y of the square in pixels of the radiograph; undoes :meth:`points_forward`."""
        top, left = self.offset
        return (np.asarray(points, float) - np.array([left, top]) + 0.5) / self.scale - 0.5


def normalise(display: np.ndarray, low: float = 1.0, high: float = 99.0) -> np.ndarray:
    """Stretch the percentiles ``low`` and ``high`` of an image to 0 and 1, and clip; a flat image becomes 0.

    Percentiles, not the extremes, because a lead marker or an unexposed border would otherwise decide the contrast.
    """
    array = np.asarray(display, np.float32)
    # Every fourth pixel of a large image gives the same percentiles to three digits in a sixteenth of the time.
    step = 4 if min(array.shape) > 1024 else 1
    first, last = np.percentile(array[::step, ::step], (low, high))
    if last <= first:
        return np.zeros_like(array)
    return np.clip((array - np.float32(first)) / np.float32(last - first), 0, 1)


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
