"""From stored values to what is shown: the grayscale transformation of PS3.4 N.2.

pixel padding, Modality LUT or rescale, VOI LUT or window, Presentation LUT, polarity. MONOCHROME1 and the presentation
LUT shape INVERSE are applied after the VOI step, never to the stored values (PS3.3 C.7.6.3.1.2, C.11.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import integer, number, numbers, text
from XRayAILib.dicom.lookup import Table, Window, read_tables, read_windows

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Grayscale", "Table", "Window", "fitting_window", "read_grayscale", "window_limits"]

COLOUR = ("RGB", "PALETTE COLOR")
_PIECE = 1 << 17
"""Pixels worked on at once."""


@dataclass(frozen=True, eq=False)
class Grayscale:
    """The transformation of one image.

    Attributes
    ----------
    slope, intercept, modality_table
        Modality step: the table where there is one, else ``stored * slope + intercept``.
    voi
        What the file offers, its first choice first; never empty.
    inverted
        Low values are shown white.
    padding
        Stored values from..to (both included) that are no image; shown black.
    presentation_table
        Presentation LUT of a presentation state: from 0..1 to 0..1 (PS3.3 C.11.4).
    stored_range
        Smallest and largest stored value that the file's attributes allow.
    """

    voi: tuple[Window | Table, ...]
    slope: float = 1.0
    intercept: float = 0.0
    modality_table: Table | None = None
    inverted: bool = False
    padding: tuple[int, int] | None = None
    presentation_table: Table | None = None
    stored_range: tuple[int, int] = (0, 65535)

    def modality(self, stored: np.ndarray) -> np.ndarray:
        """Stored values -> modality values, float32, of the same shape."""
        if self.modality_table is not None:
            return self.modality_table.apply(stored)
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)

    def display(self, stored: np.ndarray) -> np.ndarray:
        """Stored values -> P-values by the first of ``voi``: float32 of the same shape, 0 black to 1 white."""
        if not self.linear or self.modality_table is not None or stored.dtype.kind not in "iu":
            return by_table(stored, self._display)
        # A straight line is three times as fast computed as looked up.
        low, high = window_limits(self.window)
        factor, offset = self.slope / (high - low), (self.intercept - low) / (high - low)
        if self.inverted:
            factor, offset = -factor, 1.0 - offset
        shown = _ramp(stored, factor, offset)
        if self.padding is not None:
            shown[~self.is_image(stored)] = 0.0
        return shown

    def choose(self, choice: int) -> Grayscale:
        """The same with another of ``voi`` as the first."""
        chosen = self.voi[choice]
        return replace(self, voi=(chosen, *(step for step in self.voi if step is not chosen)))

    @property
    def choices(self) -> tuple[str, ...]:
        """A name for each of ``voi``, no two alike: the file's own where it has one."""
        names: list[str] = []
        for place, step in enumerate(self.voi):
            if isinstance(step, Window):
                name = step.name or f"Window {step.center:g} / {step.width:g}"
            else:
                name = step.name or "Table"
            names.append(name if name not in names else f"{name} ({place + 1})")
        return tuple(names)

    def _display(self, stored: np.ndarray) -> np.ndarray:
        shown = np.clip(self.voi[0].shown(self.modality(stored)), 0.0, 1.0)
        if self.presentation_table is not None:
            table = self.presentation_table
            # Each entry stands for an equal part of the input's range.
            count = len(table.values)
            shown = table.shown(table.first + np.minimum(np.floor(shown * count), count - 1))
        if self.inverted:
            shown = 1.0 - shown
        if self.padding is not None:
            shown[(stored >= self.padding[0]) & (stored <= self.padding[1])] = 0.0
        return np.clip(shown, 0.0, 1.0).astype(np.float32)

    def is_image(self, stored: np.ndarray) -> np.ndarray:
        """Boolean array: False where a pixel is padding."""
        if self.padding is None:
            return np.ones(stored.shape, bool)
        return (stored < self.padding[0]) | (stored > self.padding[1])

    @property
    def window(self) -> Window:
        """The window a viewer starts with, in modality units; a VOI table gives the range it covers."""
        first = self.voi[0]
        if isinstance(first, Window):
            return first
        width = float(len(first.values))
        return Window(first.first + width / 2.0, width)

    @property
    def linear(self) -> bool:
        """A plain window expresses all that comes after the modality step."""
        first = self.voi[0]
        return isinstance(first, Window) and first.function != "SIGMOID" and self.presentation_table is None


def read_grayscale(dataset: Dataset, stored: np.ndarray) -> Grayscale:
    """The transformation that a dataset asks for; ``stored`` supplies a window where the file has none."""
    inverted = (
        text(dataset, "PhotometricInterpretation") == "MONOCHROME1"
        or text(dataset, "PresentationLUTShape") == "INVERSE"
    )
    base = replace(
        read_modality(dataset), inverted=inverted, padding=_padding(dataset), stored_range=_stored_range(dataset)
    )
    return replace(base, voi=read_voi(dataset, base) or (_own_window(dataset, base, stored),))


def read_modality(dataset: Dataset) -> Grayscale:
    """Only the modality step of a dataset; its VOI step shows nothing sensible yet."""
    signed = integer(dataset, "PixelRepresentation", 0) == 1
    tables = read_tables(dataset, "ModalityLUTSequence", signed)
    slope, intercept = number(dataset, "RescaleSlope", 1.0) or 1.0, number(dataset, "RescaleIntercept", 0.0)
    return Grayscale((Window(0.5, 1.0, "LINEAR_EXACT"),), slope, intercept, tables[0] if tables else None)


def read_voi(dataset: Dataset, modality: Grayscale) -> tuple[Window | Table, ...]:
    """The VOI steps in a dataset, tables before windows."""
    return (*read_tables(dataset, "VOILUTSequence", full_range(modality)[0] < 0), *read_windows(dataset))


def full_range(grayscale: Grayscale) -> tuple[float, float]:
    """The smallest and the largest modality value that can occur."""
    if grayscale.modality_table is not None:
        return 0.0, float(2**grayscale.modality_table.bits - 1)
    ends = [end * grayscale.slope + grayscale.intercept for end in grayscale.stored_range]
    return min(ends), max(ends)


def fitting_window(grayscale: Grayscale, stored: np.ndarray) -> Window:
    """A window for an image that brings none: from the 0.5th to the 99.5th percentile of what is not padding."""
    levels, counts = counts_of(stored)
    inside = grayscale.is_image(levels)
    if not inside.any():
        return Window(0.5, 1.0, "LINEAR_EXACT")
    values, counts = grayscale.modality(levels[inside]).astype(float), counts[inside]
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    low, high = _percentile(values, counts, 0.5), _percentile(values, counts, 99.5)
    if high <= low:
        low, high = float(values[0]), float(values[-1])
    return Window((low + high) / 2.0, max(high - low, 1.0), "LINEAR_EXACT")


def _percentile(values: np.ndarray, counts: np.ndarray, percent: float) -> float:
    """What ``numpy.percentile`` gives of rising ``values`` that occur so many times each."""
    upto = np.cumsum(counts)
    place = percent / 100.0 * (int(upto[-1]) - 1)
    first = int(place)
    low, high = values[np.searchsorted(upto, (first, min(first + 1, int(upto[-1]) - 1)), side="right")]
    return float(low + (high - low) * (place - first))


def _own_window(dataset: Dataset, base: Grayscale, stored: np.ndarray) -> Window:
    photometric = text(dataset, "PhotometricInterpretation")
    if photometric in COLOUR or photometric.startswith("YBR"):
        # Colours are meant to be seen as they are.
        top = 255.0 if stored.dtype.itemsize == 1 else 65535.0
        return Window(top / 2.0, top, "LINEAR_EXACT")
    return fitting_window(base, stored)


def window_limits(window: Window) -> tuple[float, float]:
    """The values that a window shows black and white (PS3.3 C.11.2.1.2: LINEAR uses c - 0.5 and w - 1)."""
    if window.function == "LINEAR":
        # A width of 1 is a threshold.
        center, width = window.center - 0.5, max(window.width - 1.0, 1e-6)
    else:
        center, width = window.center, window.width
    return center - width / 2.0, center + width / 2.0


def _ramp(stored: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """``stored * factor + offset``, cut to 0..1, float32; piece by piece, so that all steps stay in the cache."""
    values, shown = stored.reshape(-1), np.empty(stored.size, np.float32)
    for first in range(0, stored.size, _PIECE):
        piece = shown[first : first + _PIECE]
        piece[...] = values[first : first + _PIECE]
        piece *= np.float32(factor)
        piece += np.float32(offset)
        np.clip(piece, 0.0, 1.0, out=piece)
    return shown.reshape(stored.shape)


def by_table(stored: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """``function`` of every pixel, called once per grey value.

    An image has far more pixels than grey values: work on the values and look the pixels up.
    """
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2 or stored.size < 4096:
        return function(stored)
    unsigned = stored.view(f"u{stored.dtype.itemsize}")
    # A negative number, read as unsigned, is one in the upper half: a table in that order needs no shift of the pixels.
    count = int(unsigned.max(initial=0)) + 1
    values = function(np.arange(count, dtype=unsigned.dtype).view(stored.dtype))
    # All indices are valid; "wrap" spares NumPy the check, and a buffer.
    return np.take(values, unsigned, mode="wrap")


def levels_of(stored: np.ndarray) -> np.ndarray:
    """The values that occur in an image, in rising order."""
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        return np.unique(stored)
    # Marking what occurs takes a fifth of the time of sorting four million pixels.
    unsigned = stored.view(f"u{stored.dtype.itemsize}")
    seen = np.zeros(1 << (8 * stored.dtype.itemsize), bool)
    seen[unsigned] = True
    return np.sort(np.flatnonzero(seen).astype(unsigned.dtype).view(stored.dtype))


def counts_of(stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur in an image, in rising order, and how many pixels have each."""
    if stored.dtype.kind not in "iu" or stored.dtype.itemsize > 2:
        return np.unique(stored, return_counts=True)
    unsigned = stored.view(f"u{stored.dtype.itemsize}").reshape(-1)
    counts = np.zeros(1 << (8 * stored.dtype.itemsize), np.int64)
    for first in range(0, unsigned.size, _PIECE):
        # Counting needs eight bytes a pixel: piece by piece they stay in the cache.
        found = np.bincount(unsigned[first : first + _PIECE])
        counts[: found.size] += found
    there = np.flatnonzero(counts)
    levels = there.astype(unsigned.dtype).view(stored.dtype)
    order = np.argsort(levels, kind="stable")
    return levels[order], counts[there][order]


def _stored_range(dataset: Dataset) -> tuple[int, int]:
    bits = min(max(integer(dataset, "BitsStored", 16), 1), 32)
    first = -(2 ** (bits - 1)) if integer(dataset, "PixelRepresentation", 0) == 1 else 0
    return first, first + 2**bits - 1


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """Smallest and largest stored value of the padding (PS3.3 C.7.5.1.1.2), as numbers of the pixels' own sign."""
    ends = [*numbers(dataset, "PixelPaddingValue")[:1], *numbers(dataset, "PixelPaddingRangeLimit")[:1]]
    if not ends or not numbers(dataset, "PixelPaddingValue"):
        return None
    signed = integer(dataset, "PixelRepresentation", 0) == 1
    span = 2 ** integer(dataset, "BitsAllocated", 16)
    # Files say 63536 for -2000 and the other way round: the attribute's VR and the pixels need not agree.
    own = [int(end) % span - (span if signed and int(end) % span >= span // 2 else 0) for end in ends]
    return min(own), max(own)
