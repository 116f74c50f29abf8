"""A file with a value of its own in each attribute of Table E.1-1 of PS3.15, to see which of them survive."""

from __future__ import annotations

import copy
import warnings
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from pydicom import DataElement, Dataset, Sequence, config
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import dcmread
from pydicom.uid import UID, ExplicitVRLittleEndian

from XRayAILib.dicom.confidentiality import Row, table

DX = "1.2.840.10008.5.1.4.1.1.1.1"
TEXTS = {"LO", "LT", "SH", "ST", "UC", "UT", "AE", "CS"}


@cache
def rows() -> dict[int, Row]:
    """Tag -> row, of those that a data set can hold: no wildcards, and none of the groups 0000, 0002 and 0004."""
    exact = (row for row in table() if "x" not in row.tag and row.tag != "odd")
    return {int(row.tag, 16): row for row in exact if int(row.tag[:4], 16) > 4}


@cache
def number_of(tag: int) -> int:
    """Its place in the order of tags."""
    return sorted(rows()).index(tag)


@cache
def vr_of(tag: int) -> str:
    """Its representation; UN for an attribute that the dictionary does not have yet."""
    return dictionary_VR(tag)[:2] if dictionary_has_tag(tag) else "UN"


def value_of(tag: int, place: int = 0) -> object:
    """The value that tells an attribute from all others, and the copy of it at ``place`` from the first."""
    number = number_of(tag) + 1000 * place
    day = (date(1920, 1, 1) + timedelta(11 * number)).strftime("%Y%m%d")
    vr = vr_of(tag)
    if vr in TEXTS:
        return f"CANARY{number:04d}"
    return {
        "PN": f"CANARY{number:04d}^GIVEN{number:04d}",
        "DA": day,
        "DT": f"{day}{number % 24:02d}1500.{number:06d}",
        "TM": f"{number % 24:02d}{number % 60:02d}31.{number:06d}",
        "AS": f"{number % 1000:03d}D",
        "DS": f"7{number:04d}.625",
        "IS": f"-77{number:04d}",
        "UI": f"1.2.826.0.99.{1000 + number}.777",
        "UR": f"https://canary.org/{number:04d}",
        "US": 20000 + number,
    }.get(vr, f"CANARY{number:04d}".encode())


@cache
def element(tag: int, place: int = 0) -> DataElement:
    """The attribute with its value; a sequence has it in the attributes that its items may have."""
    value = value_of(tag, place)
    if vr_of(tag) == "SQ":
        item = Dataset()
        text = f"CANARY{number_of(tag) + 1000 * place:04d}"
        if rows()[tag].basic.endswith("U*"):
            item.ReferencedSOPInstanceUID = f"1.2.826.0.98.{1000 + int(text[6:])}"
        else:
            item.CodeValue, item.CodeMeaning, item.TextValue = text, text, text
        value = Sequence([item])
    return DataElement(tag, vr_of(tag), value)


def everything(place: int) -> Dataset:
    dataset = Dataset()
    for tag in rows():
        dataset[tag] = copy.deepcopy(element(tag, place))
    return dataset


def write(path: Path, sop_class: str = DX, syntax: UID = ExplicitVRLittleEndian) -> Path:
    """All rows at the top, all in an item of a sequence that stays, and all in an item within that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config.settings.writing_validation_mode = config.IGNORE
        try:
            return _write(path, sop_class, syntax)
        finally:
            config.settings.writing_validation_mode = None


def _write(path: Path, sop_class: str, syntax: UID) -> Path:
    dataset = everything(0)
    outer, inner = everything(1), everything(2)
    outer.AnatomicRegionModifierSequence = [inner]
    dataset.AnatomicRegionSequence = [outer]
    dataset.SOPClassUID = sop_class
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def survivors(path: Path) -> set[tuple[int, int]]:
    """(tag, place) of the attributes whose value is still in the file, in the attribute or anywhere in the bytes."""
    data = path.read_bytes()
    found: set[tuple[int, int]] = set()
    held: dict[int, list[DataElement]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for item in dcmread(path).iterall():
            held.setdefault(int(item.tag), []).append(item)
    for tag in rows():
        for place in range(3):
            expected = element(tag, place)
            if any(_same(item, expected) for item in held.get(tag, [])) or _anywhere(expected, data):
                found.add((tag, place))
    return found


def _same(item: DataElement, expected: DataElement) -> bool:
    if expected.VR == "SQ":
        return False  # its values count, wherever they are
    value = item.value
    return str(value) == str(expected.value) or value == expected.value


def _anywhere(expected: DataElement, data: bytes) -> bool:
    if expected.VR == "SQ":
        (item,) = expected.value
        return any(_bytes(value.value) in data for value in item)
    value = _bytes(expected.value)
    return len(value) >= 6 and value in data


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
