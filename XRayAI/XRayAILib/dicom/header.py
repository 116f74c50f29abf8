"""Header: everything that is known of a radiograph without its pixels."""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.dicom.spacing import Spacing

PICTURE = "PICTURE"
"""``Header.modality`` of a PNG, JPEG or TIFF file."""


@dataclass(frozen=True)
class Header:
    """One SOP instance and frame, or one picture file.

    Attributes
    ----------
    uid
        SOP Instance UID, with ``#frame`` behind it (from 0) in a multi-frame file; ``sha256:...`` of the file for a
        picture. The project's key.
    path, frame
        Where the pixels are.
    rows, columns
        Size of the stored image.
    study_date, patient_birth_date
        ``yyyy-mm-dd``, or empty.
    intent
        Presentation Intent Type: ``FOR PRESENTATION``, ``FOR PROCESSING``, or empty.
    notes
        What is odd about the file, in words for a person.
    """

    uid: str
    path: str
    rows: int
    columns: int
    spacing: Spacing
    frame: int = 0
    modality: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_birth_date: str = ""
    patient_sex: str = ""
    patient_age: str = ""
    study_uid: str = ""
    study_date: str = ""
    study_description: str = ""
    series_uid: str = ""
    series_description: str = ""
    sop_class_uid: str = ""
    view: str = ""
    body_part: str = ""
    laterality: str = ""
    intent: str = ""
    photometric: str = ""
    transfer_syntax: str = ""
    manufacturer: str = ""
    station: str = ""
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def patient_key(self) -> str:
        """What tells patients apart: the patient's id, or the image itself where there is none."""
        return self.patient_id or self.uid
