"""The image that a DICOM result is about: its patient, study and identity, without its pixels."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.attributes import integer, text
from XRayAILib.dicom.file_header import read_dataset
from XRayAILib.dicom.header import PICTURE, Header
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import EARLIEST
from XRayAILib.findings.document import to_document
from XRayAILib.findings.findings import Findings

if TYPE_CHECKING:
    from pydicom import Dataset

    from XRayAILib.dicom.deidentify import Deidentifier

MANUFACTURER = "X-Ray AI"
TYPE_2 = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("AccessionNumber", "ReferringPhysicianName"),
)
"""Attributes that every result has and that may be empty (PS3.3 C.7.1.1, C.7.2.1); some files lack them."""


@dataclass(frozen=True, eq=False)
class SourceImage:
    """An image of the project as a result refers to it.

    Attributes
    ----------
    header
        As the project has it: a calibrated spacing counts.
    dataset
        The file's attributes without pixels; de-identified where the export is.
    frame
        From 1 in a file of several frames; ``None`` in one of a single frame.
    """

    header: Header
    dataset: Dataset
    frame: int | None

    @property
    def sop_instance_uid(self) -> str:
        return text(self.dataset, "SOPInstanceUID")

    @property
    def sop_class_uid(self) -> str:
        return text(self.dataset, "SOPClassUID")

    def uid(self, kind: str, *parts: str) -> str:
        """A UID of something made for this image: the same for the same content, and for no other."""
        return made_uid(kind, self.sop_instance_uid, str(self.frame or ""), *parts)

    def series_uid(self, kind: str, author: str) -> str:
        """The series of all results of a kind by one author in the study of this image."""
        return made_uid("series", kind, text(self.dataset, "StudyInstanceUID"), author)


def read_source(header: Header, deidentifier: Deidentifier | None = None) -> SourceImage:
    """Read what a result takes over from its image.

    Raises
    ------
    ExportError
        The image is a picture file, or its file lacks a UID.
    UnreadableError
        The file cannot be read.
    """
    if header.modality == PICTURE:
        raise ExportError(
            f"{header.path} is a picture: a DICOM result refers to a DICOM image. Export it in another format."
        )
    dataset = read_dataset(Path(header.path), pixels=False)
    if deidentifier is not None:
        deidentifier.apply(dataset)
    for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not text(dataset, keyword):
            raise ExportError(f"{header.path}: a DICOM result refers to its image by {keyword}, which the file lacks.")
    for keyword in TYPE_2:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    frames = integer(dataset, "NumberOfFrames", 1)
    return SourceImage(header, dataset, header.frame + 1 if frames > 1 else None)


def made_uid(*parts: str) -> str:
    """A UID made of a name-based UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(parts)).int}"


def object_uid(object_id: str) -> str:
    """The Tracking UID of an object: its id as a number where that is a UUID, as it is of all that is drawn here."""
    try:
        return f"2.25.{uuid.UUID(object_id).int}"
    except ValueError:
        return made_uid("object", object_id)


def content_digest(findings: Findings) -> str:
    """SHA-256 of all that findings say, so that a changed object gives a result with another UID."""
    document = [to_document(item, lambda name, data: None) for item in findings]
    return hashlib.sha256(json.dumps([findings.author.key, document], sort_keys=True).encode()).hexdigest()


def newest(findings: Findings) -> datetime:
    """When the newest object was made, in UTC: the time of the result, which is then the same in every export."""
    times = []
    for item in findings:
        try:
            made = datetime.fromisoformat(item.created.replace("Z", "+00:00"))  # Python 3.10 knows no Z
        except ValueError:
            continue
        times.append(made if made.tzinfo else made.replace(tzinfo=timezone.utc))
    return max(times, default=EARLIEST).astimezone(timezone.utc)


def set_text_encoding(result: Dataset) -> None:
    """Let the result's text be UTF-8, whatever the image's is: labels and names have letters of any language."""
    result.decode()
    result.SpecificCharacterSet = "ISO_IR 192"


def set_times(result: Dataset, when: datetime) -> None:
    """Give a result the time of its content instead of the time of its writing."""
    day, time = when.strftime("%Y%m%d"), when.strftime("%H%M%S")
    result.ContentDate = result.InstanceCreationDate = result.SeriesDate = day
    result.ContentTime = result.InstanceCreationTime = result.SeriesTime = time
    for equipment in result.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = day + time


def person_name(name: str) -> str:
    """A user's name as the value of a Person Name (PS3.5 6.2.1), without the characters that have a meaning there."""
    plain = "".join(" " if c in "^=\\" or not c.isprintable() else c for c in name)
    return " ".join(plain.split())[:64] or "unknown"
