"""The header of an ordinary DICOM file, read without a general parser.

pydicom makes an object of every element of a file. A scan of 100,000 files wants three dozen values of each, so here
the file is walked over element by element (PS3.5 7.1) and only those are kept. Whatever is not plain (big endian,
deflated, nested where it should not be, text in an unusual character set, a value of the wrong kind, a file cut off)
raises :class:`NotPlainError`, and pydicom reads that file instead: one of the two, never a guess.
"""

from __future__ import annotations

import re
from struct import Struct
from struct import error as StructError
from typing import Any

FIRST_BYTES = 32 << 10
"""Read at once; most headers are shorter."""
MOST_BYTES = 16 << 20
"""A longer header, one with large private elements for example, is left to pydicom."""
DEEPEST = 32

# What the project reads of a file: keyword -> (tag, VR) of PS3.6.
ELEMENTS = {
    "SpecificCharacterSet": (0x0008_0005, b"CS"),
    "SOPClassUID": (0x0008_0016, b"UI"),
    "SOPInstanceUID": (0x0008_0018, b"UI"),
    "StudyDate": (0x0008_0020, b"DA"),
    "AcquisitionDate": (0x0008_0022, b"DA"),
    "Modality": (0x0008_0060, b"CS"),
    "PresentationIntentType": (0x0008_0068, b"CS"),
    "Manufacturer": (0x0008_0070, b"LO"),
    "InstitutionName": (0x0008_0080, b"LO"),
    "StationName": (0x0008_1010, b"SH"),
    "StudyDescription": (0x0008_1030, b"LO"),
    "SeriesDescription": (0x0008_103E, b"LO"),
    "PatientName": (0x0010_0010, b"PN"),
    "PatientID": (0x0010_0020, b"LO"),
    "PatientBirthDate": (0x0010_0030, b"DA"),
    "PatientSex": (0x0010_0040, b"CS"),
    "PatientAge": (0x0010_1010, b"AS"),
    "BodyPartExamined": (0x0018_0015, b"CS"),
    "DistanceSourceToDetector": (0x0018_1110, b"DS"),
    "DistanceSourceToPatient": (0x0018_1111, b"DS"),
    "EstimatedRadiographicMagnificationFactor": (0x0018_1114, b"DS"),
    "ImagerPixelSpacing": (0x0018_1164, b"DS"),
    "NominalScannedPixelSpacing": (0x0018_2010, b"DS"),
    "ViewPosition": (0x0018_5101, b"CS"),
    "StudyInstanceUID": (0x0020_000D, b"UI"),
    "SeriesInstanceUID": (0x0020_000E, b"UI"),
    "Laterality": (0x0020_0060, b"CS"),
    "ImageLaterality": (0x0020_0062, b"CS"),
    "SamplesPerPixel": (0x0028_0002, b"US"),
    "PhotometricInterpretation": (0x0028_0004, b"CS"),
    "NumberOfFrames": (0x0028_0008, b"IS"),
    "Rows": (0x0028_0010, b"US"),
    "Columns": (0x0028_0011, b"US"),
    "PixelSpacing": (0x0028_0030, b"DS"),
    "BitsAllocated": (0x0028_0100, b"US"),
    "PixelSpacingCalibrationType": (0x0028_0A02, b"CS"),
}
_WANTED = dict(ELEMENTS.values())
_TRANSFER_SYNTAX = 0x0002_0010
_PIXEL_DATA = 0x7FE0_0010
_SHARED_GROUPS, _GROUPS_OF_FRAMES = 0x5200_9229, 0x5200_9230
_PIXEL_TAGS = (0x7FE0_0008, 0x7FE0_0009, _PIXEL_DATA)
ITEM, ITEM_END, SEQUENCE_END = 0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD
_UNDEFINED = 0xFFFF_FFFF

_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_IMPLICIT = b"1.2.840.10008.1.2"
_EXPLICIT = re.compile(rb"1\.2\.840\.10008\.1\.2\.(1|5|4\.\d+)")
_CHARACTER_SETS = {b"": "ascii", b"ISO_IR 6": "ascii", b"ISO_IR 100": "latin-1", b"ISO_IR 192": "utf-8"}
_NUMBER = re.compile(rb" *[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)? *")
_UID = re.compile(rb"[0-9.]+")

_explicit_element = Struct("<HH2sH").unpack_from
_implicit_element = Struct("<HHL").unpack_from
_length = Struct("<L").unpack_from
_short = Struct("<H").unpack


class NotPlainError(Exception):
    """This file is one for pydicom."""


class ShortError(NotPlainError):
    """More bytes of the file would tell."""


class PlainHeader:
    """The elements of a file by keyword, as far as the project reads them; it answers as pydicom's ``Dataset`` does.

    Parameters
    ----------
    data
        The beginning of the file.
    size
        Of the whole file in bytes.

    Attributes
    ----------
    file_meta
        ``TransferSyntaxUID``.
    pixel_length
        Length of Pixel Data as its element says; ``None`` where that is undefined, -1 where there is none.
    pixel_room
        How many bytes the file has left for it.
    has_groups
        It has functional groups, whose attributes are not read here.

    Raises
    ------
    NotPlainError
        The file is not plain; a :class:`ShortError` where only more of its bytes would tell.
    """

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size
        self._places: dict[int, tuple[int, int]] = {}
        self.pixel_length: int | None = -1
        self.pixel_room = 0
        self.has_groups = False
        try:
            at, syntax, explicit = data_set_of(data)
            self.file_meta = {"TransferSyntaxUID": syntax}
            self._walk(at, explicit)
        except StructError as error:
            raise ShortError("the header is longer than what was read") from error
        self._encoding = self._character_set()

    def __contains__(self, keyword: str) -> bool:
        return _tag(keyword) in self._places

    def __getattr__(self, keyword: str) -> Any:
        if keyword not in ELEMENTS or keyword not in self:
            raise AttributeError(keyword)
        return self.get(keyword)

    def get(self, keyword: str, default: Any = None) -> Any:
        """The value of an element: text, a number or a list of numbers; ``None`` for an empty number."""
        place = self._places.get(_tag(keyword))
        if place is None:
            return default
        start, length = place
        value = self._data[start : start + length]
        vr = ELEMENTS[keyword][1]
        if vr == b"US":
            if length != 2:
                raise NotPlainError(keyword)
            return _short(value)[0]
        value = value.rstrip(b" \0")
        if vr in (b"DS", b"IS"):
            return _numbers(value, float if vr == b"DS" else int)
        if vr == b"UI":
            if value and not _UID.fullmatch(value):
                raise NotPlainError(keyword)
            return value.decode("ascii")
        return self._text(value)

    def _text(self, value: bytes) -> str:
        # Several values, a name in several scripts and a change of character set are pydicom's.
        if b"\\" in value or b"=" in value or b"\x1b" in value:
            raise NotPlainError("text")
        try:
            return value.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise NotPlainError("text") from error

    def _character_set(self) -> str:
        start, length = self._places.get(0x0008_0005, (0, 0))
        name = self._data[start : start + length].strip(b" \0")
        if name not in _CHARACTER_SETS:
            raise NotPlainError("SpecificCharacterSet")
        return _CHARACTER_SETS[name]

    def _walk(self, at: int, explicit: bool) -> None:
        data, size, places = self._data, self._size, self._places
        while at + 8 <= size:
            tag, vr, length, at = element_at(data, at, explicit)
            if tag >= _SHARED_GROUPS:
                if tag in _PIXEL_TAGS:
                    if tag == _PIXEL_DATA:
                        self.pixel_length = None if length == _UNDEFINED else length
                        self.pixel_room = size - at
                    return
                if tag in (_SHARED_GROUPS, _GROUPS_OF_FRAMES):
                    self.has_groups = True
            if tag >> 16 in (0x0000, 0x0002, 0xFFFE):
                raise NotPlainError("order of elements")
            if length == _UNDEFINED:
                if explicit and vr != b"SQ":
                    raise NotPlainError("undefined length")
                at = after_sequence(data, at, explicit)
                continue
            wanted = _WANTED.get(tag)
            if wanted is not None:
                if explicit and vr != wanted:
                    raise NotPlainError("VR")
                if at + length > len(data):
                    raise ShortError("the header is longer than what was read")
                places[tag] = (at, length)
            at += length
        if at > size:
            raise NotPlainError("cut off")


def data_set_of(data: bytes) -> tuple[int, str, bool]:
    """Where the data set of a file begins, its transfer syntax, and whether its elements name their VR."""
    if data[128:132] != b"DICM":
        raise NotPlainError("no File Meta Information")
    at, syntax = 132, b""
    while True:
        group, element, vr, length = _explicit_element(data, at)
        if group != 0x0002:
            break
        at += 8
        if vr in _LONG_VRS:
            (length,) = _length(data, at)
            at += 4
        elif vr not in _SHORT_VRS:
            raise NotPlainError("File Meta Information")
        if group << 16 | element == _TRANSFER_SYNTAX:
            syntax = data[at : at + length].rstrip(b" \0")
        at += length
    explicit = _EXPLICIT.fullmatch(syntax) is not None
    if not explicit and syntax != _IMPLICIT:
        raise NotPlainError("transfer syntax")
    # Some writers do not do what they say: letters where the VR would be tell.
    letters = data[at + 4 : at + 6]
    if (letters.isalpha() and letters.isupper()) != explicit:
        raise NotPlainError("transfer syntax")
    return at, syntax.decode("ascii"), explicit


def element_at(data: bytes, at: int, explicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, VR, length and place of the value of the element at ``at``."""
    if not explicit:
        group, element, length = _implicit_element(data, at)
        return group << 16 | element, b"", length, at + 8
    group, element, vr, length = _explicit_element(data, at)
    if vr in _SHORT_VRS:
        return group << 16 | element, vr, length, at + 8
    if vr in _LONG_VRS:
        return group << 16 | element, vr, _length(data, at + 8)[0], at + 12
    raise NotPlainError("VR")


def after_sequence(data: bytes, at: int, explicit: bool) -> int:
    """Where a sequence of undefined length ends, whose first item is at ``at`` (PS3.5 7.5)."""
    return _after(data, at, explicit, [True])


def after_item(data: bytes, at: int, explicit: bool) -> int:
    """Where an item of undefined length ends, whose first element is at ``at``."""
    return _after(data, at, explicit, [False])


def _after(data: bytes, at: int, explicit: bool, inside: list[bool]) -> int:
    # True: between the items of a sequence; False: among the elements of an item.
    while inside:
        if len(inside) > DEEPEST:
            raise NotPlainError("depth")
        group, element, length = _implicit_element(data, at)
        tag = group << 16 | element
        if inside[-1]:
            at += 8
            if tag == SEQUENCE_END:
                inside.pop()
            elif tag != ITEM:
                raise NotPlainError("sequence")
            elif length == _UNDEFINED:
                inside.append(False)
            else:
                at += length
        elif tag == ITEM_END:
            at += 8
            inside.pop()
        else:
            tag, vr, length, at = element_at(data, at, explicit)
            if length != _UNDEFINED:
                at += length
            elif explicit and vr != b"SQ":
                raise NotPlainError("undefined length")
            else:
                inside.append(True)
    return at


def _numbers(value: bytes, kind: type) -> Any:
    if not value:
        return None
    parts = value.split(b"\\")
    for part in parts:
        if not _NUMBER.fullmatch(part) or (kind is int and not part.strip().isdigit()):
            raise NotPlainError("number")
    numbers = [kind(part) for part in parts]
    return numbers[0] if len(numbers) == 1 else numbers


def _tag(keyword: str) -> int:
    if keyword not in ELEMENTS:
        raise NotPlainError(f"{keyword} is not read here")  # whoever adds it to the header adds it above
    return ELEMENTS[keyword][0]


def is_native(transfer_syntax: str) -> bool:
    """Whether pixels are stored as they are, without compression (PS3.5 8.1.1); no UID stands for the default one."""
    return transfer_syntax in ("", "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
