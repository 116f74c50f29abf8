"""Windows and look-up tables: the steps of the grayscale transformation (PS3.3 C.11.1, C.11.2, C.11.4)."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.attributes import items, numbers, text, texts, value

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True, eq=False)
class Table:
    """A look-up table: input ``first`` gives ``values[0]``; inputs outside give the ends.

    Attributes
    ----------
    bits
        Of the output, 1..16.
    name
        LUT Explanation.
    """

    first: int
    values: np.ndarray
    bits: int
    name: str = ""

    def apply(self, values: np.ndarray) -> np.ndarray:
        """The table's own values, float32."""
        index = np.clip(np.rint(values).astype(np.int64) - self.first, 0, len(self.values) - 1)
        return self.values[index].astype(np.float32)

    def shown(self, values: np.ndarray) -> np.ndarray:
        """The table's values as 0..1."""
        return self.apply(values) / np.float32(2**self.bits - 1)


@dataclass(frozen=True)
class Window:
    """Window centre and width in modality units with its function (PS3.3 C.11.2.1.2, C.11.2.1.3).

    ``name`` is its Window Center & Width Explanation.
    """

    center: float
    width: float
    function: str = "LINEAR"
    name: str = ""

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Values 0..1."""
        if self.function == "SIGMOID":
            # Beyond 700 the exponential leaves the range of a double; its limit is reached long before.
            return 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - self.center) / self.width, -700.0, 700.0)))
        if self.function == "LINEAR_EXACT":
            return np.clip((values - self.center) / self.width + 0.5, 0.0, 1.0)
        # LINEAR: c - 0.5 and w - 1; a width of 1 is a threshold.
        span = max(self.width - 1.0, 1e-6)
        return np.clip((values - (self.center - 0.5)) / span + 0.5, 0.0, 1.0)

    shown = apply


def read_windows(dataset: Dataset) -> list[Window]:
    """The windows of a dataset; one whose width its function does not allow (PS3.3 C.11.2.1.2) is left out."""
    centers, widths = numbers(dataset, "WindowCenter"), numbers(dataset, "WindowWidth")
    names = texts(dataset, "WindowCenterWidthExplanation")
    function = text(dataset, "VOILUTFunction").upper() or "LINEAR"
    smallest = 1e-6 if function in ("LINEAR_EXACT", "SIGMOID") else 1.0
    return [
        Window(center, width, function, names[place] if place < len(names) else "")
        for place, (center, width) in enumerate(zip(centers, widths, strict=False))
        if math.isfinite(center) and math.isfinite(width) and width >= smallest
    ]


def read_tables(dataset: Dataset, keyword: str, signed: bool) -> list[Table]:
    """The look-up tables of a sequence.

    Parameters
    ----------
    signed
        The table's input can be negative: a first input of 32768 or more is a negative number then (PS3.3 C.11.1.1.1).
    """
    tables = []
    for item in items(dataset, keyword):
        descriptor, data = numbers(item, "LUTDescriptor"), value(item, "LUTData")
        if len(descriptor) != 3 or data is None:
            continue
        # Written as signed numbers where the pixels are signed, also the two that never are.
        count, first, bits = (int(v) for v in descriptor)
        count = count % 65536 or 65536  # 0 means 2**16 (PS3.3 C.11.1.1.1)
        first = (first + 32768) % 65536 - 32768 if signed else first % 65536
        values = _entries(data, count, big_endian=not _little_endian(dataset))
        if values.size:
            tables.append(Table(first, values, min(max(bits, 1), 16), text(item, "LUTExplanation")))
    return tables


def _entries(data: Any, count: int, big_endian: bool) -> np.ndarray:
    # LUTData is a list of numbers (US), or bytes (OW) in the byte order of the file.
    try:
        if isinstance(data, bytes):
            words = np.frombuffer(data[: len(data) // 2 * 2], ">u2" if big_endian else "<u2")
        else:
            words = np.atleast_1d(np.asarray(data)).astype(np.int64).astype(np.uint16)
    except (TypeError, ValueError, OverflowError):
        return np.empty(0, np.uint16)
    if words.size < count <= 2 * words.size:
        # Entries of 8 bits, two to a word, the first in its low byte.
        words = words.astype("<u2").view(np.uint8)
    return words[:count].astype(np.uint16)


def _little_endian(dataset: Dataset) -> bool:
    little = dataset.original_encoding[1]
    return (sys.byteorder == "little") if little is None else bool(little)
