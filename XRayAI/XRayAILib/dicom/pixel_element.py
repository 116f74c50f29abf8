"""Where in a file its pixels are."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from XRayAILib.dicom.inflate import InflatedStream

if TYPE_CHECKING:
    from pydicom import Dataset

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
MOST_FRAGMENTS = 100_000


@dataclass(frozen=True)
class PixelElement:
    """The element Pixel Data (7FE0,0010); its relatives for floating-point numbers hold no radiographs.

    Attributes
    ----------
    offset
        Of its value in the stream.
    length
        As the element says: ``None`` where that is undefined, -1 where there is no such element.
    room
        Bytes that the stream has left for it; as many as ``length`` where that cannot be told without inflating all.
    vr
        ``OB``, ``OW`` or what the file says instead; empty where it says nothing (implicit VR).
    least
        Bytes that there should be where the length is undefined: see :func:`fragments_end`.
    """

    offset: int = 0
    length: int | None = -1
    room: int = 0
    vr: str = ""
    least: int = 0


def fragments_end(stream: BinaryIO, offset: int) -> int:
    """How many bytes encapsulated pixels that begin at ``offset`` have at least: to the end of the last fragment seen.

    They are a table of offsets and fragments, each an item with its length (PS3.5 A.4), and a delimiter, which some
    writers forget. More than the stream has: it was cut off. 0 where these are no items, or too many.
    """
    size, at = stream.seek(0, os.SEEK_END), offset
    for _ in range(MOST_FRAGMENTS):
        stream.seek(at)
        head = stream.read(8)
        if not head or head == _DELIMITER:
            return at - offset
        at += 8
        if head[:4] != _ITEM[: len(head)]:
            return 0
        at += int.from_bytes(head[4:], "little")
        if at > size:
            return at - offset
    return 0


def find_pixels(stream: BinaryIO, dataset: Dataset) -> PixelElement:
    """The pixel element of a dataset that was parsed from ``stream`` up to it."""
    implicit, little = dataset.original_encoding
    order: Literal["little", "big"] = "little" if little else "big"
    head = stream.read(8)
    group, element = (int.from_bytes(head[at : at + 2], order) for at in (0, 2))
    if (group, element) != (0x7FE0, 0x0010) or len(head) < 8:
        return PixelElement()
    field, vr = head[4:8], ""
    if not implicit and head[4:6].isalpha():  # some writers name no VR where they should
        vr = head[4:6].decode("ascii", "replace")
        field = stream.read(4) if vr in ("OB", "OW", "UN") else head[6:8]
    size, offset = int.from_bytes(field, order), stream.tell()
    length = None if size == 0xFFFFFFFF else size
    if isinstance(stream, InflatedStream):
        return PixelElement(offset, length, length or 0, vr)
    room = stream.seek(0, os.SEEK_END) - offset
    least = fragments_end(stream, offset) if length is None else 0
    return PixelElement(offset, length, room, vr, least)


def is_delimited(stream: BinaryIO) -> bool:
    """Whether a stream ends with the delimiter of encapsulated pixels, as most whole files of such do."""
    stream.seek(-len(_DELIMITER), os.SEEK_END)
    return stream.read() == _DELIMITER


def transfer_syntax(dataset: Dataset) -> str:
    """Transfer Syntax UID; of a file without File Meta, what its parser found."""
    meta = getattr(dataset, "file_meta", None)
    named = str(meta.get("TransferSyntaxUID", "")) if meta is not None else ""
    implicit, little = dataset.original_encoding
    return named or ("1.2.840.10008.1.2" if implicit else "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2")


def decoder_options(dataset: Dataset, element: PixelElement) -> dict[str, Any]:
    """What a decoder must know of an image, as plain numbers and texts."""
    from XRayAILib.dicom.attributes import integer, text

    stored = integer(dataset, "BitsStored", 0)
    allocated = integer(dataset, "BitsAllocated", 16 if stored > 8 else 8)
    samples = integer(dataset, "SamplesPerPixel", 1)
    photometric = text(dataset, "PhotometricInterpretation") or ("RGB" if samples > 1 else "MONOCHROME2")
    options: dict[str, Any] = {
        "rows": integer(dataset, "Rows", 0),
        "columns": integer(dataset, "Columns", 0),
        "number_of_frames": max(integer(dataset, "NumberOfFrames", 1), 1),
        "samples_per_pixel": samples,
        "photometric_interpretation": photometric,
        "pixel_representation": integer(dataset, "PixelRepresentation", 0) & 1,
        "bits_allocated": allocated,
        "bits_stored": min(stored or allocated, allocated),
        "pixel_keyword": "PixelData",
        # Done later, by stored_values: until then, overlays may be in the bits that the image leaves.
        "correct_unused_bits": False,
    }
    if samples > 1:
        options["planar_configuration"] = integer(dataset, "PlanarConfiguration", 0) & 1
    if element.vr:
        options["pixel_vr"] = element.vr
    tables = [_offsets(dataset, f"ExtendedOffsetTable{kind}") for kind in ("", "Lengths")]
    if len(tables[0]) == len(tables[1]) == options["number_of_frames"]:
        options["extended_offsets"] = tables
    return options


def _offsets(dataset: Dataset, keyword: str) -> list[int]:
    """Where each frame begins, or how long it is (PS3.5 A.4): in large files the basic table cannot say it."""
    from XRayAILib.dicom.attributes import value

    data = value(dataset, keyword)
    if not isinstance(data, bytes) or len(data) % 8:
        return []
    return list(struct.unpack(f"<{len(data) // 8}Q", data))
