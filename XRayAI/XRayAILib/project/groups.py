"""Groups of images, which figures are told apart by: view, sex, age, device, site and more."""

from __future__ import annotations

import re
from datetime import date

from XRayAILib.project.image import Image

GROUPS = {
    "view": "View",
    "sex": "Sex",
    "age": "Age",
    "manufacturer": "Manufacturer",
    "station": "Station",
    "site": "Site",
    "modality": "Modality",
    "body_part": "Body part",
    "laterality": "Laterality",
    "split": "Part",
    "spacing": "Spacing",
}
"""By which figures can be told apart, with a title."""
AGES = (0, 18, 40, 60, 80)
"""Where bands of age begin, in years."""
UNKNOWN = "not given"

_AGE = re.compile(r"(\d{1,3})([YMWD]?)")


def groups_of(image: Image) -> dict[str, str]:
    """Column of :data:`GROUPS` -> value of this image; :data:`UNKNOWN` where it has none."""
    header = image.header
    values = {
        "view": header.view,
        "sex": header.patient_sex,
        "age": age_band(header.patient_age, header.patient_birth_date, header.study_date),
        "manufacturer": header.manufacturer,
        "station": header.station,
        "site": header.site,
        "modality": header.modality,
        "body_part": header.body_part,
        "laterality": header.laterality,
        "split": image.split,
        "spacing": header.spacing.source.value,
    }
    return {name: value or UNKNOWN for name, value in values.items()}


def age_band(age: str, born: str, studied: str) -> str:
    """``18-39`` from an age as DICOM writes it (``034Y``), else from dates; empty where neither is given."""
    match = _AGE.fullmatch(age.strip().upper())
    if match:
        years = int(match[1]) if match[2] in ("Y", "") else 0 if match[2] != "M" else int(match[1]) // 12
    else:
        try:
            first, last = date.fromisoformat(born), date.fromisoformat(studied)
        except ValueError:
            return ""
        years = last.year - first.year - ((last.month, last.day) < (first.month, first.day))
        if years < 0:
            return ""
    low = max(begin for begin in AGES if begin <= years)
    later = [begin for begin in AGES if begin > years]
    return f"{low}–{later[0] - 1}" if later else f"{low} and older"
