"""The fragments of encapsulated pixel data (PS3.5 A.4), as far as de-identification has to know them."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

ITEM, DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_END_OF_HEADER = {
    b"\xff\xd8": b"\xff\xda",  # JPEG and JPEG-LS: the header ends where the scan starts (ITU T.81 B.2.3)
    b"\xff\x4f": b"\xff\x93",  # JPEG 2000: where the data of the first tile starts (ITU T.800 A.4.3)
}
_END_OF_IMAGE = b"\xff\xd9"
LAST_BYTES = 256
SHORT_HEADER, LONGEST_HEADER = 1 << 10, 1 << 16


class EncapsulationError(ValueError):
    """Fragments that do not follow each other as they should."""


def fragments(stream: BinaryIO, offset: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of each item's value from ``offset`` on, the offset table first."""
    size = stream.seek(0, os.SEEK_END)
    while True:
        stream.seek(offset)
        head = stream.read(8)
        if head[:4] == DELIMITER:
            return
        if head[:4] != ITEM or len(head) < 8:
            raise EncapsulationError("its pixel data is cut off or damaged")
        begin = offset + 8
        offset = begin + struct.unpack("<I", head[4:])[0]
        if offset > size:
            raise EncapsulationError("its pixel data is cut off")
        yield begin, offset


def outside_code_streams(stream: BinaryIO, spans: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """The table of offsets, the headers of code streams, in which comments may stand, and what follows their end.

    ``spans`` are those of :func:`fragments`. A code stream may be cut into several; each one that begins with its mark
    begins an image. RLE has no marks (PS3.5 G): of its fragments the last bytes are given, as something may follow.
    """
    last = 0
    for place, (begin, end) in enumerate(spans):
        if place == 0:
            stream.seek(begin)
            yield stream.read(end - begin)
            continue
        header = _header(stream, begin, end)
        if header is not None:
            if last:
                yield _rest(stream, last)
            yield header
            last = end
        elif last:
            last = end
        else:
            stream.seek(max(begin, end - LAST_BYTES))
            yield stream.read(min(LAST_BYTES, end - begin))
    if last:
        yield _rest(stream, last)


def _header(stream: BinaryIO, begin: int, end: int) -> bytes | None:
    """The header of the code stream that a fragment begins with; ``None`` where it begins with none."""
    stream.seek(begin)
    start = stream.read(min(SHORT_HEADER, end - begin))
    mark = _END_OF_HEADER.get(start[:2])
    if mark is None:
        return None
    if mark not in start:
        start += stream.read(min(LONGEST_HEADER, end - begin) - len(start))
    return start.partition(mark)[0]


def _rest(stream: BinaryIO, end: int) -> bytes:
    """What stands between the end of the image and the end of its last fragment, at ``end``."""
    for length in (4, LONGEST_HEADER):
        stream.seek(max(end - length, 0))
        last = stream.read(min(length, end))
        if _END_OF_IMAGE in last:
            rest = last.rpartition(_END_OF_IMAGE)[2]
            return rest if len(rest) > 1 else b""
    return b""
