"""Overlay planes of groups 6000..601E: drawings and regions that lie over an image, one bit a pixel (PS3.3 C.9.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.attributes import integer

if TYPE_CHECKING:
    from pydicom import Dataset

GROUPS = range(0x6000, 0x6020, 2)
_ELEMENTS = {
    "rows": 0x0010,
    "columns": 0x0011,
    "frames": 0x0015,
    "description": 0x0022,
    "kind": 0x0040,
    "origin": 0x0050,
    "first_frame": 0x0051,
    "bits_allocated": 0x0100,
    "bit": 0x0102,
    "layer": 0x1001,
    "label": 0x1500,
    "data": 0x3000,
}


@dataclass(frozen=True, eq=False)
class Overlay:
    """One overlay plane on the grid of its image.

    Attributes
    ----------
    name
        Overlay Label, or description, or the number of the group in hexadecimal digits.
    mask
        Boolean array (rows, columns) of the image; what lies outside of the image is cut off.
    kind
        ``G`` graphics, ``R`` region of interest.
    group
        Group number, 0x6000 and up, even.
    """

    name: str
    mask: np.ndarray
    kind: str = "G"
    group: int = 0x6000


def read_overlays(
    dataset: Dataset, shape: tuple[int, int], frame: int = 0, raw: np.ndarray | None = None
) -> tuple[Overlay, ...]:
    """The overlays of a frame (from 0); a plane that is damaged or has no size is left out.

    Parameters
    ----------
    shape
        (rows, columns) of the image.
    raw
        Pixels (rows, columns) with all their allocated bits: old files keep overlays in the bits that the image does
        not use (retired, PS3.5-2004 8.1.2).
    """
    overlays = []
    for group in GROUPS:
        if (group, _ELEMENTS["rows"]) not in dataset and (group, _ELEMENTS["bits_allocated"]) not in dataset:
            continue
        mask = _plane(dataset, group, shape, frame, raw)
        if mask is None:
            continue
        name = str(_value(dataset, group, "label") or _value(dataset, group, "description") or f"{group:04X}")
        kind = str(_value(dataset, group, "kind") or "G").strip().upper()[:1]
        overlays.append(Overlay(name.strip(), mask, kind, group))
    return tuple(overlays)


def embedded_planes(dataset: Dataset) -> bool:
    """Whether an overlay of the dataset may lie in the unused bits of its pixels."""
    return any(
        (group, _ELEMENTS["bits_allocated"]) in dataset and (group, _ELEMENTS["data"]) not in dataset
        for group in GROUPS
    )


def activated_groups(dataset: Dataset) -> frozenset[int]:
    """The groups of the image's overlays that a presentation state shows (PS3.3 C.11.7)."""
    return frozenset(group for group in GROUPS if _value(dataset, group, "layer"))


def _plane(
    dataset: Dataset, group: int, shape: tuple[int, int], frame: int, raw: np.ndarray | None
) -> np.ndarray | None:
    data = _value(dataset, group, "data")
    if data is None:
        bit = _whole(dataset, group, "bit", 0)
        if raw is None or raw.shape != shape or bit >= 8 * raw.dtype.itemsize or bit in used_bits(dataset):
            return None
        return (raw >> bit & 1).astype(bool)
    height, width = _whole(dataset, group, "rows", 0), _whole(dataset, group, "columns", 0)
    size = height * width
    place = _frame_of_plane(dataset, group, frame)
    if not size or place is None or len(data) * 8 < size * (place + 1):
        return None
    # Bits run on from row to row and from frame to frame, the lowest bit of a byte first (PS3.5 8.1.2, 8.2).
    first = place * size
    bits = np.unpackbits(np.frombuffer(data, np.uint8)[first // 8 : (first + size + 7) // 8], bitorder="little")
    plane = bits[first % 8 : first % 8 + size].reshape(height, width).astype(bool)
    return _on_grid(plane, _origin(dataset, group), shape)


def used_bits(dataset: Dataset) -> range:
    """The bits of a stored value that are of the image (PS3.3 C.7.6.3.1)."""
    stored = integer(dataset, "BitsStored", 16)
    high = integer(dataset, "HighBit", stored - 1)
    return range(high - stored + 1, high + 1)


def _frame_of_plane(dataset: Dataset, group: int, frame: int) -> int | None:
    """Which frame of the overlay lies over a frame of the image (PS3.3 C.9.3); ``None`` for none."""
    if _value(dataset, group, "frames") is None and _value(dataset, group, "first_frame") is None:
        return 0
    place = frame - (_whole(dataset, group, "first_frame", 1) - 1)
    return place if 0 <= place < _whole(dataset, group, "frames", 1) else None


def _origin(dataset: Dataset, group: int) -> tuple[int, int]:
    """Row and column, from 0, of the overlay's first pixel in the image; may be negative."""
    origin = _value(dataset, group, "origin")
    try:
        row, column = (int(v) - 1 for v in list(origin)[:2])
    except (TypeError, ValueError):
        return 0, 0
    return row, column


def _on_grid(plane: np.ndarray, origin: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    top, left = max(origin[0], 0), max(origin[1], 0)
    bottom, right = min(origin[0] + plane.shape[0], shape[0]), min(origin[1] + plane.shape[1], shape[1])
    if top < bottom and left < right:
        mask[top:bottom, left:right] = plane[top - origin[0] : bottom - origin[0], left - origin[1] : right - origin[1]]
    return mask


def _value(dataset: Dataset, group: int, name: str) -> Any:
    tag = (group, _ELEMENTS[name])
    try:
        return dataset[tag].value if tag in dataset else None
    except Exception:  # noqa: BLE001 - damaged bytes of an overlay must not cost the image
        return None


def _whole(dataset: Dataset, group: int, name: str, default: int) -> int:
    try:
        return int(_value(dataset, group, name) or default)
    except (TypeError, ValueError):
        return default
