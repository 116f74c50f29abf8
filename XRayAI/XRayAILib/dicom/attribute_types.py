"""Which of the attributes that de-identification touches must be there, in the classes around radiographs.

Only those that are in Table E.1-1 of PS3.15 and in a mandatory module of the information object definition; conditional
types 1C and 2C count as 1 and 2. Everything else is type 3 there.
"""

from __future__ import annotations

from collections.abc import Mapping

_PATIENT_AND_STUDY = {
    0x00100010: 2,  # Patient's Name (PS3.3 C.7.1.1)
    0x00100020: 2,
    0x00100030: 2,
    0x00100040: 2,
    0x00102203: 2,  # Patient's Sex Neutered, for animals
    0x00080020: 2,  # Study Date (C.7.2.1)
    0x00080030: 2,
    0x00080050: 2,
    0x00080090: 2,
    0x00200010: 2,
}
_IMAGE = {
    **_PATIENT_AND_STUDY,
    0x00080023: 2,  # Content Date (C.7.6.1)
    0x00080033: 2,
    0x00180010: 2,  # Contrast/Bolus Agent (C.7.6.4)
    0x00400555: 2,  # Acquisition Context Sequence (C.7.6.14)
}
_MAMMOGRAPHY = {**_IMAGE, 0x0018700A: 1, 0x0018700C: 1, 0x00400275: 2}
_SEGMENTATION = {
    **_PATIENT_AND_STUDY,
    0x00080023: 1,  # Content Date (C.7.6.16)
    0x00080033: 1,
    0x00181000: 1,  # Device Serial Number (C.7.5.2)
    0x00700084: 2,  # Content Creator's Name (C.8.20.2)
}
_PRESENTATION = {
    **_PATIENT_AND_STUDY,
    0x00700082: 1,  # Presentation Creation Date (C.11.10)
    0x00700083: 1,
    0x00700084: 2,
    0x00700001: 1,  # Graphic Annotation Sequence (C.10.5)
}
_REPORT = {
    **_PATIENT_AND_STUDY,
    0x00080023: 1,  # Content Date (C.17.2)
    0x00080033: 1,
    0x00081111: 2,  # Referenced Performed Procedure Step Sequence (C.17.1)
    0x0040A073: 1,  # Verifying Observer Sequence
}

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_CLASSES: dict[str, Mapping[int, int]] = {
    "1": _IMAGE,  # Computed Radiography
    "1.1": _IMAGE,  # Digital X-Ray
    "1.1.1": _IMAGE,
    "1.2": _MAMMOGRAPHY,
    "1.2.1": _MAMMOGRAPHY,
    "1.3": _IMAGE,  # Digital Intra-Oral
    "1.3.1": _IMAGE,
    "7": _IMAGE,  # Secondary Capture
    "7.1": _IMAGE,
    "7.2": _IMAGE,
    "7.3": _IMAGE,
    "7.4": _IMAGE,
    "12.1": _IMAGE,  # X-Ray Angiographic
    "12.2": _IMAGE,  # X-Ray Radiofluoroscopic
    "66.4": _SEGMENTATION,
    "11.1": _PRESENTATION,
    "11.2": _PRESENTATION,
    "11.3": _PRESENTATION,
    "88.11": _REPORT,  # Basic Text SR
    "88.22": _REPORT,  # Enhanced SR
    "88.33": _REPORT,  # Comprehensive SR
    "88.34": _REPORT,  # Comprehensive 3D SR
    "88.59": _REPORT,  # Key Object Selection
    "88.67": _REPORT,  # X-Ray Radiation Dose SR
}


def attribute_types(sop_class: str) -> Mapping[int, int] | None:
    """Tag -> type 1 or 2 at the top level of an instance of the class; ``None`` for a class that is not listed."""
    return _CLASSES.get(sop_class.removeprefix(_STORAGE)) if sop_class.startswith(_STORAGE) else None
