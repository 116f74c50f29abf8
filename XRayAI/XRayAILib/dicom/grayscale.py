"""From stored values to what is shown: the grayscale transformation of PS3.4 N.2.

pixel padding, Modality LUT or rescale, VOI LUT or window, polarity. MONOCHROME1 and the presentation LUT shape INVERSE
are applied after the VOI step, never to the stored values (PS3.3 C.7.6.3.1.2, C.11.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up table (PS3.3 C.11.1, C.11.2): input ``first`` gives ``values[0]``; inputs outside give the ends."""

    first: int
    values: np.ndarray
    bits: int

    def apply(self, values: np.ndarray) -> np.ndarray:
        index = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.values) - 1)
        return self.values[index].astype(np.float32)


@dataclass(frozen=True)
class Window:
    """Window centre and width in modality units with its function (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Values 0..1."""
        if self.function == "SIGMOID":
            return 1.0 / (1.0 + np.exp(-4.0 * (values - self.center) / self.width))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0.0, 1.0)
        # LINEAR: c - 0.5 and w - 1; a width of 1 is a threshold.
        span = max(self.width - 1.0, 1e-6)
        return np.clip((values - (self.center - 0.5)) / span + 0.5, 0.0, 1.0)


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
    """

    voi: tuple[Window | Table, ...]
    slope: float = 1.0
    intercept: float = 0.0
    modality_table: Table | None = None
    inverted: bool = False
    padding: tuple[int, int] | None = None

    def modality(self, stored: np.ndarray) -> np.ndarray:
        """Stored values -> modality values, float32, of the same shape."""
        if self.modality_table is not None:
            return self.modality_table.apply(stored)
        return stored.astype(np.float32) * np.float32(self.slope) + np.float32(self.intercept)

    def display(self, stored: np.ndarray, choice: int = 0) -> np.ndarray:
        """Stored values -> P-values: float32 of the same shape, 0 black to 1 white.

        ``choice`` picks one of ``voi``.
        """
        return _by_table(stored, lambda values: self._display(values, choice))

    def _display(self, stored: np.ndarray, choice: int) -> np.ndarray:
        step = self.voi[choice]
        shown = step.apply(self.modality(stored))
        if isinstance(step, Table):
            shown = shown / np.float32(2**step.bits - 1)
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
        """A plain window expresses the VOI step exactly."""
        return isinstance(self.voi[0], Window) and self.voi[0].function != "SIGMOID"


def read_grayscale(dataset: Dataset, stored: np.ndarray) -> Grayscale:
    """The transformation that a dataset asks for; ``stored`` supplies a window where the file has none."""
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    padding = _padding(dataset)
    modality_table = _first_table(dataset, "ModalityLUTSequence", signed)
    slope, intercept = _number(dataset, "RescaleSlope", 1.0), _number(dataset, "RescaleIntercept", 0.0)
    inverted = (
        dataset.get("PhotometricInterpretation") == "MONOCHROME1" or dataset.get("PresentationLUTShape") == "INVERSE"
    )
    base = Grayscale((Window(0.0, 1.0),), slope or 1.0, intercept, modality_table, inverted, padding)
    tables = _tables(dataset, "VOILUTSequence", signed and modality_table is None)
    voi: tuple[Window | Table, ...] = (*tables, *_windows(dataset)) or (fitting_window(base, stored),)
    return Grayscale(voi, base.slope, base.intercept, modality_table, inverted, padding)


def fitting_window(grayscale: Grayscale, stored: np.ndarray) -> Window:
    """A window for an image that brings none: from the 0.5th to the 99.5th percentile of what is not padding."""
    inside = stored[grayscale.is_image(stored)]
    if not inside.size:
        return Window(0.5, 1.0, "LINEAR_EXACT")
    values = grayscale.modality(inside)
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return Window((low + high) / 2.0, max(high - low, 1.0), "LINEAR_EXACT")


def _by_table(stored: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    # An image has far more pixels than grey values: work on the values and look the pixels up.
    low, high = int(stored.min(initial=0)), int(stored.max(initial=0))
    if stored.dtype.kind not in "iu" or high - low >= min(stored.size, 1 << 20):
        return function(stored)
    values = function(np.arange(low, high + 1, dtype=np.int64))
    return values[stored.astype(np.int64) - low]


def _windows(dataset: Dataset) -> list[Window]:
    centers, widths = _numbers(dataset, "WindowCenter"), _numbers(dataset, "WindowWidth")
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    smallest = 1.0 if function == "LINEAR" else 1e-6
    return [
        Window(center, width, function)
        for center, width in zip(centers, widths, strict=False)
        if math.isfinite(center) and math.isfinite(width) and width >= smallest
    ]


def _numbers(dataset: Dataset, keyword: str) -> list[float]:
    value = dataset.get(keyword)
    if value is None or value == "":
        return []
    values = value if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    try:
        return [float(v) for v in values]
    except (TypeError, ValueError):
        return []


def _number(dataset: Dataset, keyword: str, default: float) -> float:
    values = _numbers(dataset, keyword)
    return values[0] if values and math.isfinite(values[0]) else default


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    value, limit = dataset.get("PixelPaddingValue"), dataset.get("PixelPaddingRangeLimit")
    try:
        first = int(value) if value is not None else None
        second = int(limit) if limit is not None else first
    except (TypeError, ValueError):
        return None
    if first is None or second is None:
        return None
    return min(first, second), max(first, second)


def _first_table(dataset: Dataset, keyword: str, signed: bool) -> Table | None:
    tables = _tables(dataset, keyword, signed)
    return tables[0] if tables else None


def _tables(dataset: Dataset, keyword: str, signed: bool) -> list[Table]:
    tables = []
    for item in dataset.get(keyword) or ():
        descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
        if descriptor is None or data is None or len(descriptor) != 3:
            continue
        count, first, bits = (int(v) for v in descriptor)
        count = count or 65536  # 0 means 2**16 (PS3.3 C.11.1.1.1)
        if signed and first >= 32768:
            first -= 65536
        if isinstance(data, bytes):
            data = np.frombuffer(data, "<u2" if len(data) >= 2 * count else "u1")
        values = np.asarray(data)[:count]
        if values.size:
            tables.append(Table(first, values.astype(np.uint16), min(max(bits, 1), 16)))
    return tables
