"""A DICOM file in memory as three parts: the header, the pixel element, and what follows it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from XRayAILib.dicom.encapsulation import EncapsulationError, end_of_fragments, outside_code_streams
from XRayAILib.dicom.file_header import parsed
from XRayAILib.dicom.pixel_element import find_pixels
from XRayAILib.dicom.plain_dataset import read_plain
from XRayAILib.dicom.plain_header import NotPlainError

if TYPE_CHECKING:
    from pydicom import Dataset


def read_data_set(data: bytes) -> tuple[Dataset, int, int]:
    """The data set without pixels, and where the pixel element begins and ends; both the end where there is none.

    Raises
    ------
    EncapsulationError
        The pixel data is cut off.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    stream = io.BytesIO(data)
    try:
        dataset, begin = read_plain(data)
        stream.seek(begin)
    except NotPlainError:
        dataset = parsed(stream, pixels=False)
        begin = stream.tell()
    element = find_pixels(stream, dataset)
    if element.length == -1:
        return dataset, begin, begin
    if element.length is None:
        return dataset, begin, end_of_fragments(data, element.offset)
    end = element.offset + element.length
    if end > len(data):
        raise EncapsulationError(f"its pixel data is cut off: {end - len(data)} bytes are missing")
    return dataset, begin, end


def comments(dataset: Dataset, data: bytes, begin: int) -> list[bytes]:
    """What the pixel element that begins at ``begin`` holds besides pixels: comments in compressed images."""
    stream = io.BytesIO(data)
    stream.seek(begin)
    element = find_pixels(stream, dataset)
    return list(outside_code_streams(data, element.offset)) if element.length is None else []
