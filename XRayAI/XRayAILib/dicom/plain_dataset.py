"""Data sets read and written element by element, where nothing but the bytes of most elements is wanted.

pydicom makes an object of each element and encodes it again; a de-identification leaves most of a header as it is. What
is not plain (big endian, deflated, cut off, an odd VR) is left to pydicom: :class:`NotPlainError` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from struct import Struct
from struct import error as StructError
from typing import TYPE_CHECKING

from XRayAILib.dicom.plain_header import (
    ITEM,
    SEQUENCE_END,
    NotPlainError,
    after_item,
    after_sequence,
    data_set_of,
    element_at,
)

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import BaseTag

FIRST_PIXEL_TAG = 0x7FE0_0008
"""Float Pixel Data; what comes before it in the group are tables of frames."""
_UNDEFINED = 0xFFFF_FFFF
_LONG_VRS = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_short_element = Struct("<HH2sH").pack
_long_element = Struct("<HH2sHL").pack
_implicit_element = Struct("<HHL").pack


def read_plain(data: bytes, whole: bool = True) -> tuple[Dataset, int]:
    """The data set at the beginning of a file, its elements raw, and where its pixel element begins or all ends.

    Parameters
    ----------
    whole
        ``data`` is all of the file. Where it is not, it has to reach up to the pixel element.

    Raises
    ------
    NotPlainError
        It takes pydicom to read it.
    """
    try:
        start, syntax, explicit = data_set_of(data)
        elements, end = _read(data, start, explicit)
        if not whole and not FIRST_PIXEL_TAG <= element_at(data, end, explicit)[0] <= 0x7FE0_0010:
            raise NotPlainError("the header is longer than what was read")
    except StructError as error:
        raise NotPlainError("cut off") from error
    dataset = data_set(elements, not explicit)
    dataset.file_meta = _meta(syntax)
    return dataset, end


def read_elements(data: bytes, implicit: bool) -> list[RawDataElement]:
    """The elements in ``data``, raw, which holds nothing else."""
    return _read(data, 0, not implicit)[0]


def data_set(elements: Iterable[RawDataElement | DataElement], implicit: bool) -> Dataset:
    """A data set of raw elements in little endian."""
    from pydicom import Dataset

    dataset = Dataset({element.tag: element for element in elements})  # type: ignore[arg-type]
    dataset.set_original_encoding(implicit, True)
    return dataset


def read_items(value: bytes, implicit: bool) -> list[Dataset]:
    """The items of a sequence by its value (PS3.5 7.5), which may end with a delimiter.

    Raises
    ------
    NotPlainError
        It takes pydicom to read them.
    """
    items, at, size = [], 0, len(value)
    try:
        while at < size:
            tag, _, length, at = element_at(value, at, explicit=False)
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise NotPlainError("sequence")
            end = at + length
            if length == _UNDEFINED:
                after = after_item(value, at, not implicit)
                end = after - 8
            else:
                after = end
            if after > size:
                raise NotPlainError("cut off")
            elements, found = _read(value[at:end], 0, not implicit)
            if found != end - at:
                raise NotPlainError("pixels in an item, or cut off")
            items.append(data_set(elements, implicit))
            at = after
    except StructError as error:
        raise NotPlainError("cut off") from error
    return items


def write_items(items: Iterable[Dataset], implicit: bool, encodings: Sequence[str]) -> bytes:
    """The value of a sequence."""
    parts: list[bytes] = []
    for item in items:
        value = write_elements(item.values(), implicit, encodings)
        parts += (_implicit_element(ITEM >> 16, ITEM & 0xFFFF, len(value)), value)
    return b"".join(parts)


def write_elements(
    elements: Iterable[RawDataElement | DataElement], implicit: bool, encodings: Sequence[str] = ()
) -> bytes:
    """Elements in little endian and ascending order; those that are raw byte by byte as they are.

    Parameters
    ----------
    encodings
        Of the text in the others, by Python's names.
    """
    parts: list[bytes] = []
    for element in sorted(elements, key=_number):
        if not element.is_raw:
            parts.append(_encoded(element, implicit, encodings))  # type: ignore[arg-type]
            continue
        value = element.value or b""
        parts.append(_head(element.tag, element.VR or "", len(value), implicit))
        parts.append(value)
    return b"".join(parts)


def raw_element(tag: int, vr: str, value: bytes, implicit: bool) -> RawDataElement:
    """An element of its bytes."""
    from pydicom.dataelem import RawDataElement

    return RawDataElement(_tag(tag), None if implicit else vr, len(value), value, 0, implicit, True)


def _read(data: bytes, at: int, explicit: bool) -> tuple[list[RawDataElement], int]:
    from pydicom.dataelem import RawDataElement

    size, implicit = len(data), not explicit
    elements: list[RawDataElement] = []
    last = 0
    while at + 8 <= size:
        begin = at
        tag, vr, length, at = element_at(data, at, explicit)
        if FIRST_PIXEL_TAG <= tag <= 0x7FE0_0010:
            return elements, begin
        if tag >> 16 in (0x0000, 0x0002, 0xFFFE) or tag <= last:
            raise NotPlainError("order of elements")
        last, end = tag, at + length
        if length == _UNDEFINED:
            if vr not in (b"SQ", b""):
                raise NotPlainError("undefined length")
            after = after_sequence(data, at, explicit)
            end, length = after - 8, after - 8 - at
        else:
            after = end
        if after > size:
            raise NotPlainError("cut off")
        name = vr.decode("ascii") if explicit else None
        elements.append(RawDataElement(_tag(tag), name, length, data[at:end], at, implicit, True))
        at = after
    return elements, at


def _head(tag: int, vr: str, length: int, implicit: bool) -> bytes:
    group, number = tag >> 16, tag & 0xFFFF
    if implicit:
        return _implicit_element(group, number, length)
    if vr in _LONG_VRS:
        return _long_element(group, number, vr.encode("ascii"), 0, length)
    if length > 0xFFFF:
        return _long_element(group, number, b"UN", 0, length)  # as PS3.5 6.2.2 has it
    return _short_element(group, number, vr.encode("ascii"), length)


def _number(element: RawDataElement | DataElement) -> int:
    return int(element.tag)


def _encoded(element: DataElement, implicit: bool, encodings: Sequence[str]) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = implicit, True
    write_data_element(stream, element, list(encodings) or None)
    return stream.getvalue()


@lru_cache(maxsize=10_000)
def _tag(tag: int) -> BaseTag:
    from pydicom.tag import BaseTag

    return BaseTag(tag)


@lru_cache(maxsize=64)
def _meta(syntax: str):  # type: ignore[no-untyped-def]  # pydicom is imported late
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    return meta
