"""The fragments of encapsulated pixel data (PS3.5 A.4), as far as de-identification has to know them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_END_OF_HEADER = {
    b"\xff\xd8": b"\xff\xda",  # JPEG and JPEG-LS: the header ends where the scan starts (ITU T.81 B.2.3)
    b"\xff\x4f": b"\xff\x93",  # JPEG 2000: where the data of the first tile starts (ITU T.800 A.4.3)
}
_END_OF_IMAGE = b"\xff\xd9"
LONGEST_HEADER = 1 << 16


class EncapsulationError(ValueError):
    """Fragments that do not follow each other as they should."""


def fragments(data: bytes, offset: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of each item's value from ``offset`` on, the offset table first."""
    while True:
        tag, length = data[offset : offset + 4], data[offset + 4 : offset + 8]
        if tag == DELIMITER:
            return
        if tag != ITEM or len(length) < 4:
            raise EncapsulationError("its pixel data is cut off or damaged")
        begin = offset + 8
        offset = begin + struct.unpack("<I", length)[0]
        if offset > len(data):
            raise EncapsulationError("its pixel data is cut off")
        yield begin, offset


def end_of_fragments(data: bytes, offset: int) -> int:
    """Where the element ends whose first item is at ``offset``; :class:`EncapsulationError` where it does not."""
    ends = [end for _, end in fragments(data, offset)]
    return (ends[-1] if ends else offset) + 8


def outside_code_streams(data: bytes, offset: int) -> Iterator[bytes]:
    """The headers of code streams, in which comments may stand, and what follows their end."""
    for begin, end in fragments(data, offset):
        mark = _END_OF_HEADER.get(data[begin : begin + 2])
        if mark is not None:
            scan = data.find(mark, begin, min(end, begin + LONGEST_HEADER))
            yield data[begin : scan if scan >= 0 else end]
        last = data.rfind(_END_OF_IMAGE, max(begin, end - LONGEST_HEADER), end)
        if last >= 0 and end - last > 3:
            yield data[last + 2 : end]
