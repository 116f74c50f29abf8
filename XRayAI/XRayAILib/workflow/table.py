"""The rows of a collection, as a person reads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.project.image import Image
from XRayAILib.project.query import NONE
from XRayAILib.project.rules import RULES, Severity

COLUMNS = ("patient", "date", "view", "status", "spacing")
"""The columns of the table, as a query names them."""


@dataclass(frozen=True)
class Row:
    """One image.

    Attributes
    ----------
    patient
        The patient's id; the file's name where there is none.
    spacing
        Distance of pixels with its source.
    excluded
        The image takes no part in training and export.
    severity
        Of the worst thing that the last check found: ``error``, ``warning``, ``note``, or empty.
    details
        All that is known of it, over several lines.
    """

    uid: str
    patient: str
    study_date: str
    view: str
    status: str
    spacing: str
    excluded: bool
    severity: str
    details: str

    def cells(self) -> tuple[str, ...]:
        """What stands in the columns."""
        return self.patient, self.study_date, self.view, self.status, self.spacing


def row_of(image: Image) -> Row:
    """The row of an image."""
    header = image.header
    facts = {
        "File": header.path + (f", frame {header.frame + 1}" if header.frame else ""),
        "Modality": header.modality,
        "Body part": " ".join(part for part in (header.laterality, header.body_part) if part),
        "Made by": " ".join(part for part in (header.manufacturer, header.station) if part),
        "Size": f"{header.columns} x {header.rows} pixels",
        "Part": image.split,
        "Excluded": image.excluded,
        "Note": "; ".join(header.notes),
        **{RULES[mark.rule].title if mark.rule in RULES else mark.rule: mark.detail or "yes" for mark in image.marks},
    }
    found = {mark.severity for mark in image.marks}
    return Row(
        uid=image.uid,
        patient=header.patient_id or Path(header.path).name,
        study_date=header.study_date,
        view=header.view,
        status="excluded" if image.excluded else image.status.value,
        spacing=spacing_text(header.spacing),
        excluded=bool(image.excluded),
        severity=next((severity.value for severity in Severity if severity.value in found), ""),
        details="\n".join(f"{name}: {value}" for name, value in facts.items() if value),
    )


def value_text(column: str, value: str) -> str:
    """A value of a column of a query, as a person reads it."""
    if value == NONE:
        return "not given"
    if column == "mark" and value in RULES:
        return RULES[value].title
    return "unknown" if column == "spacing" and value == "px" else value


def spacing_text(spacing: Spacing) -> str:
    """Millimetres with their source, such as ``0.143 calibrated``; ``unknown`` where lengths are in pixels only."""
    if not spacing.known:
        return "unknown"
    across = f"{spacing.row:.3f}" if spacing.row == spacing.column else f"{spacing.row:.3f} x {spacing.column:.3f}"
    source = "calibrated" if spacing.source is SpacingSource.CALIBRATED else "detector"
    return f"{across} {source}"
