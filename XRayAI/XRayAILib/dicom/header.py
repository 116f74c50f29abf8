"""Header: everything that is known of a radiograph without its pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from XRayAILib.dicom.spacing import Spacing, SpacingSource

PICTURE = "PICTURE"
"""``Header.modality`` of a PNG, JPEG or TIFF file."""


@dataclass(frozen=True)
class Header:
    """One SOP instance and frame, or one picture file.

    Attributes
    ----------
    uid
        SOP Instance UID, with ``#frame`` behind it (from 0) in a multi-frame file; ``sha256:...`` of the file for a
        picture. The project's key. In a project, ``~`` and eight hex digits of the file's SHA-256 stand behind the
        UID of a second file that has the same one but other content.
    path, frame
        Where the pixels are.
    rows, columns
        Size of the stored image.
    study_date, patient_birth_date
        ``yyyy-mm-dd``, or empty.
    intent
        Presentation Intent Type: ``FOR PRESENTATION``, ``FOR PROCESSING``, or empty.
    site
        Institution Name.
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
    site: str = ""
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.rows, self.columns

    @property
    def uid_in_file(self) -> str:
        """The uid as the file alone has it, without what tells it from another file with the same one."""
        head, mark, rest = self.uid.partition("~")
        return head + rest[8:] if mark else head

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID; empty for a picture."""
        return "" if self.modality == PICTURE else self.uid_in_file.partition("#")[0]

    @property
    def patient_key(self) -> str:
        """What tells patients apart: the patient's id, or the image itself where there is none."""
        return self.patient_id or self.uid


def header_to_json(header: Header) -> str:
    """A header as text, for the database and from process to process."""
    return json.dumps({**vars(header), "spacing": vars(header.spacing)}, ensure_ascii=False)


def header_from_json(text: str, calibration: str | None = None) -> Header:
    """The header as it was stored, with the spacing that a person set, where there is one."""
    return calibrated(header_from_values(json.loads(text)), calibration)


def calibrated(header: Header, calibration: str | None) -> Header:
    """The header with the spacing that a person set, as :func:`spacing_to_json` wrote it, where there is one."""
    return replace(header, spacing=_spacing(json.loads(calibration))) if calibration else header


def header_from_values(values: dict[str, Any]) -> Header:
    """The header that :func:`header_to_json` turned into these values."""
    return Header(**{**values, "spacing": _spacing(values["spacing"]), "notes": tuple(values.get("notes", ()))})


def spacing_to_json(spacing: Spacing) -> str:
    return json.dumps(vars(spacing))


def _spacing(values: dict[str, Any]) -> Spacing:
    return Spacing(**{**values, "source": SpacingSource(values["source"])})
