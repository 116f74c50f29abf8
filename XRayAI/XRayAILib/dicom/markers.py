"""What a de-identified file says of itself (PS3.15 E.1.1, PS3.3 C.12.1.1.3), and items that stand in for others."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from XRayAILib.dicom.dummies import REMOVED, even
from XRayAILib.dicom.plain_dataset import raw_element, read_elements, write_elements

if TYPE_CHECKING:
    from pydicom import DataElement, Dataset
    from pydicom.dataelem import RawDataElement
    from pydicom.dataset import FileMetaDataset

    from XRayAILib.dicom.confidentiality import Options

IMPLICIT = "1.2.840.10008.1.2"
IMPLEMENTATION = f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'X-Ray AI').int}"

BASIC_PROFILE = ("113100", "Basic Application Confidentiality Profile")
CLEAN_PIXELS = ("113101", "Clean Pixel Data Option")
CODES = {
    "clean_graphics": ("113103", "Clean Graphics Option"),
    "clean_descriptors": ("113105", "Clean Descriptors Option"),
    "keep_patient": ("113108", "Retain Patient Characteristics Option"),
    "keep_device": ("113109", "Retain Device Identity Option"),
    "keep_uids": ("113110", "Retain UIDs Option"),
    "keep_institution": ("113112", "Retain Institution Identity Option"),
}
DATE_CODES = {
    "keep": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "shift": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
}
LONGITUDINAL = {"keep": "UNMODIFIED", "shift": "MODIFIED", "remove": "REMOVED"}


def method_codes(options: Options, pixels_clean: bool) -> list[tuple[str, str]]:
    """(code value, code meaning) of what was carried out, of context group 7050 (PS3.16)."""
    codes = [BASIC_PROFILE, *([CLEAN_PIXELS] if pixels_clean else [])]
    codes += [code for name, code in CODES.items() if getattr(options, name)]
    codes += [DATE_CODES[options.dates]] if options.dates in DATE_CODES else []
    return sorted(codes)


@lru_cache(maxsize=8)
def statement(
    options: Options, pixels_clean: bool, implicit: bool | None
) -> tuple[DataElement, ...] | tuple[RawDataElement, ...]:
    """The elements that a de-identified data set has to have; raw ones for a data set in little endian.

    Parameters
    ----------
    implicit
        Whether its elements name no VR; ``None`` for one that is not in little endian.
    """
    from pydicom import DataElement, Sequence

    codes = [_code(value, "DCM", meaning) for value, meaning in method_codes(options, pixels_clean)]
    elements = [
        DataElement(0x00120062, "CS", "YES"),
        DataElement(0x00120063, "LO", "X-Ray AI, PS3.15 Annex E"),
        DataElement(0x00120064, "SQ", Sequence(codes)),
        DataElement(0x00280303, "CS", LONGITUDINAL[options.dates]),
    ]
    if pixels_clean:
        elements.append(DataElement(0x00280301, "CS", "NO"))
    if implicit is None:
        return tuple(elements)
    raw = read_elements(write_elements(elements, implicit), implicit)
    return tuple(raw)


def file_start(sop_class: str, instance_uid: str, transfer_syntax: str) -> bytes:
    """Preamble, prefix and File Meta as bytes (PS3.10 7.1)."""
    elements = [
        raw_element(0x00020001, "OB", b"\x00\x01", False),
        raw_element(0x00020002, "UI", even(sop_class.encode("ascii"), b"\0"), False),
        raw_element(0x00020003, "UI", even(instance_uid.encode("ascii"), b"\0"), False),
        raw_element(0x00020010, "UI", even((transfer_syntax or IMPLICIT).encode("ascii"), b"\0"), False),
        raw_element(0x00020012, "UI", even(IMPLEMENTATION.encode("ascii"), b"\0"), False),
        raw_element(0x00020013, "SH", b"XRAYAI", False),
    ]
    meta = write_elements(elements, False)
    length = raw_element(0x00020000, "UL", len(meta).to_bytes(4, "little"), False)
    return b"\0" * 128 + b"DICM" + write_elements([length], False) + meta


def file_meta(sop_class: str, instance_uid: str, transfer_syntax: str) -> FileMetaDataset:
    """File Meta that names nobody but this program."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ImplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = UID(instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax) if transfer_syntax else ImplicitVRLittleEndian
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    meta.ImplementationVersionName = "XRAYAI"
    return meta


def stand_in(tag: int, items: Iterable[Dataset]) -> list[Dataset] | None:
    """The items in the place of those of a sequence that must not be empty; ``None`` where its own can be cleaned."""
    if tag == 0x00700001:  # Graphic Annotation Sequence, on a layer that there is
        layers = [str(item.GraphicLayer) for item in items if "GraphicLayer" in item]
        return [_graphic(layers[0] if layers else REMOVED)]
    make = _STAND_INS.get(tag)
    return [make()] if make else None


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _nobody() -> Dataset:
    return _code("0", "99XRAYAI", REMOVED)


def _content() -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.RelationshipType, item.ValueType, item.TextValue = "CONTAINS", "TEXT", REMOVED
    item.ConceptNameCodeSequence = [_code("121106", "DCM", "Comment")]
    return item


def _graphic(layer: str) -> Dataset:
    from pydicom import Dataset

    point = Dataset()
    point.GraphicAnnotationUnits, point.GraphicDimensions, point.NumberOfGraphicPoints = "PIXEL", 2, 1
    point.GraphicData, point.GraphicType = [1.0, 1.0], "POINT"
    item = Dataset()
    item.GraphicLayer, item.GraphicObjectSequence = layer, [point]
    return item


_STAND_INS: Mapping[int, Callable[[], Dataset]] = {
    0x00401101: _nobody,  # Person Identification Code Sequence
    0x0040A730: _content,  # Content Sequence
}
