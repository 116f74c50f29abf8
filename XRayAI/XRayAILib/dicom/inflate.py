"""The bytes of a deflated file (PS3.5 A.5), inflated as far as they are asked for and not further.

A file of a few kilobytes can hold gigabytes of zeros; pydicom would inflate them all.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO

_BLOCK = 1 << 16
DEFLATED, PLAIN = b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0\0\0"


class InflatedError(ValueError):
    """The stream is damaged, or holds more than its limit."""


class InflatedStream(io.RawIOBase):
    """A deflated DICOM file as it would be without deflation, with the same File Meta but for the transfer syntax.

    Attributes
    ----------
    limit
        Bytes that may be inflated.
    """

    def __init__(self, source: BinaryIO, meta_end: int, limit: int) -> None:
        super().__init__()
        source.seek(0)
        self._data = bytearray(source.read(meta_end).replace(DEFLATED, PLAIN))
        self._source, self._inflater = source, zlib.decompressobj(-zlib.MAX_WBITS)
        self._place = 0
        self.limit = limit

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._inflate(self.limit + 1)
        start = (0, self._place, len(self._data))[whence]
        self._place = max(start + offset, 0)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        end = self.limit + 1 if size is None or size < 0 else self._place + size
        self._inflate(end)
        found = bytes(self._data[self._place : end])
        self._place += len(found)
        return found

    def _inflate(self, end: int) -> None:
        while len(self._data) < end and not self._inflater.eof:
            waiting = self._inflater.unconsumed_tail or self._source.read(_BLOCK)
            if not waiting:
                return
            try:
                self._data += self._inflater.decompress(waiting, 16 * _BLOCK)
            except zlib.error as error:
                raise InflatedError(f"its deflated data is damaged ({error})") from error
            if len(self._data) > self.limit:
                raise InflatedError(
                    f"its deflated data holds more than {self.limit >> 20} MB, which no radiograph does"
                )


def end_of_deflated_meta(stream: BinaryIO) -> int:
    """Where the File Meta of a deflated file ends; 0 for a file that is not deflated. The stream is rewound."""
    start = stream.read(2048)
    stream.seek(0)
    if start[128:138] != b"DICM\x02\x00\x00\x00UL" or len(start) < 144:
        return 0
    end = 144 + int(struct.unpack_from("<I", start, 140)[0])
    return end if DEFLATED in start[144:end] and end <= len(start) else 0
