"""Parts of a multipart/related message (RFC 2387, RFC 2046 5.1) as they come, without holding one in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message

MAX_PART_HEADER = 1 << 16


class MultipartError(ValueError):
    """A message that is not, or not wholly, a multipart one."""


def boundary_of(content_type: str) -> str:
    """The boundary that a Content-Type names; empty where it is no ``multipart/related``."""
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != "multipart/related":
        return ""
    return str(message.get_param("boundary") or "")


def parts(chunks: Iterable[bytes], boundary: str) -> Iterator[Iterator[bytes]]:
    """The parts of a message, each an iterator over its content; one must be read to its end before the next.

    Raises
    ------
    MultipartError
        The message ends without its last delimiter, so something is missing; or is none at all.
    """
    reader = _Reader(iter(chunks), b"\r\n--" + boundary.encode("latin-1"))
    for _ in reader.until_delimiter():  # what stands in front of the first delimiter means nothing
        continue
    while not reader.at_end():
        reader.skip_header()
        yield reader.until_delimiter()


class _Reader:
    """The message as far as it has come: never more than a chunk and a delimiter of it."""

    def __init__(self, chunks: Iterator[bytes], delimiter: bytes) -> None:
        self._chunks, self._delimiter = chunks, delimiter
        # The first delimiter may stand at the very beginning, without the line break that belongs to the others.
        self._buffer = bytearray(b"\r\n")

    def until_delimiter(self) -> Iterator[bytes]:
        """What comes before the next delimiter, which is taken away."""
        while True:
            place = self._buffer.find(self._delimiter)
            if place >= 0:
                content = bytes(self._buffer[:place])
                del self._buffer[: place + len(self._delimiter)]
                if content:
                    yield content
                return
            # The delimiter may have come in part.
            safe = len(self._buffer) - len(self._delimiter) + 1
            if safe > 0:
                content = bytes(self._buffer[:safe])
                del self._buffer[:safe]
                yield content
            self._more()

    def at_end(self) -> bool:
        """Whether the delimiter just passed was the last one."""
        while len(self._buffer) < 2:
            self._more()
        return self._buffer.startswith(b"--")

    def skip_header(self) -> None:
        """Pass over the header of a part: everything up to an empty line."""
        while (place := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_PART_HEADER:
                raise MultipartError("a part of the message has no header that ends")
            self._more()
        del self._buffer[: place + 4]

    def _more(self) -> None:
        try:
            self._buffer += next(self._chunks)
        except StopIteration:
            raise MultipartError("the message ends early") from None
