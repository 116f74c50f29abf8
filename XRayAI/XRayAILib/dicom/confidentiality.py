"""Table E.1-1 of PS3.15: what the Basic Application Level Confidentiality Profile and its options do to attributes.

``confidentiality.csv`` holds the facts of the table: tag, code of the Basic Profile, code of each option.
Source: 621 rows of edition 2024e and 26 rows that editions up to 2025b added, for which no option applies.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATES = ("shift", "remove", "keep")


@dataclass(frozen=True)
class Options:
    """The options of the profile (PS3.15 E.3) that are chosen; without any it is the Basic Profile.

    Attributes
    ----------
    dates
        ``shift``: Retain Longitudinal Temporal Information with Modified Dates, moved back by a number of days that is
        the same for all of a patient. ``keep``: ... with Full Dates. ``remove``: no date stays.
    keep_uids, keep_device, keep_institution, keep_patient
        Retain UIDs, Device Identity, Institution Identity, Patient Characteristics.
    clean_descriptors, clean_graphics
        Keep descriptions and graphics as far as nothing in them can identify.
    remove
        Keywords of more attributes to remove, wherever they occur.
    """

    dates: str = "shift"
    keep_uids: bool = False
    keep_device: bool = False
    keep_institution: bool = False
    keep_patient: bool = False
    clean_descriptors: bool = False
    clean_graphics: bool = False
    remove: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.dates not in DATES:
            raise ValueError(f"Dates are treated in one of the ways {', '.join(DATES)}, not '{self.dates}'.")

    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Options:
        """The opposite of :meth:`document`."""
        return cls(**{**document, "remove": tuple(document.get("remove", ()))})


@dataclass(frozen=True)
class Row:
    """One row of the table: the code of the Basic Profile, and by the names of the columns those of options."""

    tag: str
    basic: str
    options: Mapping[str, str]


@cache
def table() -> tuple[Row, ...]:
    """All rows; ``Row.tag`` is eight hexadecimal digits, with ``x`` for any digit."""
    path = Path(__file__).with_suffix(".csv")
    with path.open(encoding="ascii", newline="") as stream:
        rows = csv.DictReader(stream)
        return tuple(
            Row(row.pop("tag"), row.pop("basic"), {name: code for name, code in row.items() if code}) for row in rows
        )
