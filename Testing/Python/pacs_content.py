"""What the PACS of the tests holds, as bytes of DICOM files: real CRs, and variants of them."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import JPEGLSLossless, RLELossless

SPINE = "1.3.6.1.4.1.5962.1.1.0.0.0.1196527414.5534.0.1"
"""The three real CRs of patient 77654033, with a structured report."""
LARGE = "2.25.1001"
"""24 images of patient LARGE in two series, CHEST and HAND, of 2024-02-03."""
LARGE_COUNT = 24
COMPRESSED = "2.25.1002"
"""One image in three transfer syntaxes, of a patient whose name has an umlaut."""
SYNTAXES = (RLELossless, JPEGLSLossless)


def everything(real_crs: list[Path]) -> list[bytes]:
    """All of it."""
    spine = [path.read_bytes() for path in real_crs]
    return [*spine, report(), *large_study(real_crs[1]), *compressed(real_crs[0])]


def large_study(real_cr: Path) -> list[bytes]:
    """The study :data:`LARGE`: copies of a real CR under UIDs of their own."""
    files = []
    for number in range(LARGE_COUNT):
        dataset = pydicom.dcmread(real_cr)
        series = number % 2 + 1
        _name(dataset, f"{LARGE}.{series}.{number + 1}", f"{LARGE}.{series}", LARGE)
        dataset.PatientID, dataset.PatientName, dataset.StudyDate = "LARGE", "Large^Study", "20240203"
        dataset.StudyDescription, dataset.AccessionNumber = "Chest and hand", "A-77"
        dataset.BodyPartExamined = "CHEST" if series == 1 else "HAND"
        dataset.InstanceNumber = number + 1
        files.append(_bytes(dataset))
    return files


def compressed(real_cr: Path) -> list[bytes]:
    """The study :data:`COMPRESSED`: first the image as it is, then encoded."""
    files = []
    for number, syntax in enumerate((None, *SYNTAXES)):
        dataset = pydicom.dcmread(real_cr)
        if syntax is not None:
            dataset.compress(syntax, generate_instance_uid=False)
        _name(dataset, f"{COMPRESSED}.1.{number + 1}", f"{COMPRESSED}.1", COMPRESSED)
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientID, dataset.PatientName, dataset.StudyDate = "UMLAUT", "M\u00fcller^J\u00f6rg", "20230101"
        dataset.StudyDescription = "R\u00f6ntgen"
        files.append(_bytes(dataset))
    return files


def report() -> bytes:
    """A structured report in the study :data:`SPINE`, which is no radiograph."""
    dataset = pydicom.dcmread(str(get_testdata_file("test-SR.dcm")))
    dataset.StudyInstanceUID, dataset.PatientID, dataset.PatientName = SPINE, "77654033", "Doe^Archibald"
    dataset.StudyDate, dataset.StudyDescription = "20010101", "XR C Spine Comp Min 4 Views"
    return _bytes(dataset)


def after_meta(data: bytes) -> bytes:
    """A file's data set as it was encoded, without File Meta: what goes over an association."""
    meta = pydicom.dcmread(BytesIO(data), stop_before_pixels=True).file_meta
    return data[132 + 12 + int(meta.FileMetaInformationGroupLength) :]


def _name(dataset: Dataset, instance: str, series: str, study: str) -> None:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = instance
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study


def _bytes(dataset: Dataset) -> bytes:
    stream = BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
