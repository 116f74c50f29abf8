"""What the tests of de-identification share."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.dicom.confidentiality import Options
from XRayAILib.dicom.deidentified_file import Made, deidentify_file
from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.pseudonyms import Pseudonyms

KEY = b"a key of sixteen and more bytes"
GSPS, CT, SR = "1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.33"
ALL = {"keep_uids", "keep_device", "keep_institution", "keep_patient", "clean_descriptors", "clean_graphics"}
EVERYTHING = Options(dates="keep", **dict.fromkeys(ALL, True))


def deidentified(path: Path, folder: Path, options: Options | None = None) -> Made:
    return deidentify_file(path, folder, Deidentifier(Pseudonyms(KEY), options))
