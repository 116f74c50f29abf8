"""A DICOM file as three parts: the header, the pixel element, and what follows it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from XRayAILib.dicom.encapsulation import EncapsulationError, fragments, outside_code_streams
from XRayAILib.dicom.file_header import parsed
from XRayAILib.dicom.pixel_element import find_pixels
from XRayAILib.dicom.plain_dataset import read_plain
from XRayAILib.dicom.plain_header import NotPlainError

if TYPE_CHECKING:
    from pydicom import Dataset

FIRST_BYTES = 1 << 14
"""Read at once; few headers are longer."""


@dataclass(frozen=True)
class Parts:
    """The parts of a file.

    Attributes
    ----------
    dataset
        All but the pixels.
    begin, end
        Where the pixel element begins and where it ends; both the end of the data set where there is none.
    fragments
        (begin, end) of the values of the items in encapsulated pixel data.
    length
        Of the value of native pixel data.
    """

    dataset: Dataset
    begin: int
    end: int
    fragments: tuple[tuple[int, int], ...] = ()
    length: int = 0


def read_parts(stream: BinaryIO) -> Parts:
    """The parts of the file in ``stream``; pixels are not read.

    Raises
    ------
    EncapsulationError
        The pixel data is cut off.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    dataset, begin = _header(stream)
    element = find_pixels(stream, dataset)
    if element.length == -1:
        return Parts(dataset, begin, begin)
    if element.length is None:
        spans = tuple(fragments(stream, element.offset))
        return Parts(dataset, begin, (spans[-1][1] if spans else element.offset) + 8, spans)
    end = element.offset + element.length
    size = stream.seek(0, os.SEEK_END)
    if end > size:
        raise EncapsulationError(f"its pixel data is cut off: {end - size} bytes are missing")
    return Parts(dataset, begin, end, length=element.length)


def outside_pixels(stream: BinaryIO, parts: Parts) -> Iterator[bytes]:
    """All bytes of a file that are no pixels: the header first, comments of compressed images, and what follows."""
    stream.seek(0)
    yield stream.read(parts.begin)
    yield from outside_code_streams(stream, parts.fragments)
    stream.seek(parts.end)
    rest = stream.read()
    if rest:
        yield rest


def _header(stream: BinaryIO) -> tuple[Dataset, int]:
    """The data set before the pixels, and where it ends; the stream stands there."""
    stream.seek(0)
    data = stream.read(FIRST_BYTES)
    whole = len(data) < FIRST_BYTES
    try:
        try:
            dataset, begin = read_plain(data, whole)
        except NotPlainError:
            if whole:
                raise
            dataset, begin = read_plain(data + stream.read(), True)
        stream.seek(begin)
    except NotPlainError:
        stream.seek(0)
        dataset = parsed(stream, pixels=False)
        begin = stream.tell()
    return dataset, begin
