"""Table E.1-1 of PS3.15: what the Basic Application Level Confidentiality Profile and its options do to attributes.

``confidentiality.csv`` holds the facts of the table: tag, code of the Basic Profile, code of each option.
Source: 621 rows of edition 2024e and 26 rows that editions up to 2025b added, for which no option applies.
"""

from __future__ import annotations

import csv
import re
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


# What becomes of an attribute, as a letter: the table's K, X, Z, D and U, and these.
WALK = "S"
"""Not in the table, so it stays; the items of a sequence are treated each in turn."""
SHIFT = "T"
"""A date or time that is moved by the patient's days."""
CLEAN = "C"
"""A description, of which only words stay that say nothing of anybody."""
DRAWN = "G"
"""Graphics, of which the geometry stays."""

BEYOND = {
    "CommentsOnTheScheduledProcedureStep": "X",
    "FillerOrderNumberImagingServiceRequestRetired": "X",
    "FillerOrderNumberProcedure": "X",
    "PatientBirthDateInAlternativeCalendar": "X",
    "PatientDeathDateInAlternativeCalendar": "X",
    "PlacerOrderNumberImagingServiceRequestRetired": "X",
    "PlacerOrderNumberProcedure": "X",
    "ReportStatusCommentTrial": "X",
}
"""What tells who the patient is though the table has no row for it."""

KINDS_OF_OBJECTS = re.compile(
    "SOPClass|TransferSyntax|CodingSchemeUID|ContextUID|ContextGroupExtensionCreatorUID|MappingResourceUID|CreatorVersionUID"
)
"""In keywords of UIDs that name no object but a kind of objects, and stay."""

PIXELS = frozenset((0x7FE00001, 0x7FE00002, 0x7FE00008, 0x7FE00009, 0x7FE00010))
"""Pixel data, native or encapsulated, and the tables of its frames."""


class Actions(dict[int, str]):
    """Tag -> what becomes of it, for one kind of data set; found out once for each tag that occurs.

    Parameters
    ----------
    types
        Tag -> ``1`` or ``2`` as the information object definition has it, and any other 3. Without it nothing is known
        of the data set (an item of a sequence, a class that is not listed), and a compound code means the one of its
        parts that keeps most, which conforms to any definition.
    """

    def __init__(self, options: Options, types: Mapping[int, int] | None) -> None:
        super().__init__()
        self._options = options
        self._types = types
        self._listed = _listed()
        self._removed = {_tag_of(keyword) for keyword in options.remove}

    def __missing__(self, tag: int) -> str:
        self[tag] = action = self._action(tag)
        return action

    def _action(self, tag: int) -> str:
        from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag

        group, element = tag >> 16, tag & 0xFFFF
        if group & 1 or element == 0 or group < 8 or 0x5000 <= group < 0x5100:
            return "X"
        if 0x6000 <= group < 0x6100 and element in (0x3000, 0x4000):
            return "X"
        if tag in self._removed:
            return self._settled("X", tag)
        row = self._listed.get(tag)
        if row is not None:
            return self._chosen(row, tag)
        if tag in PIXELS:
            return "K"
        if not dictionary_has_tag(tag):
            return "X"  # what no edition of the dictionary knows cannot be judged
        keyword = keyword_for_tag(tag)
        if keyword in BEYOND:
            return self._settled(BEYOND[keyword], tag)
        return self._unlisted(dictionary_VR(tag), keyword)

    def _unlisted(self, vr: str, keyword: str) -> str:
        """What a name, a date or the UID of an object is treated like where the table does not know it."""
        if vr == "PN":
            return "Z"
        if vr in ("DA", "DT"):
            return {"shift": SHIFT, "keep": "K", "remove": "Z"}[self._options.dates]
        if vr == "UI" and not KINDS_OF_OBJECTS.search(keyword):
            return "K" if self._options.keep_uids else "U"
        return WALK

    def _chosen(self, row: Row, tag: int) -> str:
        chosen, codes = self._options, row.options
        if chosen.dates == "shift" and codes.get("modified_dates"):
            return SHIFT
        keeps = {
            "full_dates": chosen.dates == "keep",
            "uids": chosen.keep_uids,
            "device": chosen.keep_device,
            "institution": chosen.keep_institution,
            "patient": chosen.keep_patient,
        }
        if any(kept and codes.get(name) == "K" for name, kept in keeps.items()):
            return "K"
        if chosen.clean_graphics and codes.get("graphics"):
            return DRAWN
        if (chosen.clean_descriptors and codes.get("descriptors")) or (chosen.keep_patient and codes.get("patient")):
            return CLEAN
        return self._settled(row.basic, tag)

    def _settled(self, code: str, tag: int) -> str:
        """One letter for a code, compound ones by the type of the attribute (PS3.15 Table E.1-1a)."""
        parts = code.split("/")
        if parts[-1].startswith("U"):
            return "U"
        if self._types is None:
            return parts[-1]
        type_ = self._types.get(tag, 3)
        if type_ == 1:
            return "D"
        if type_ == 2:
            return "D" if parts == ["D"] else "Z"
        return parts[0]


def _listed() -> dict[int, Row]:
    return {int(row.tag, 16): row for row in table() if "x" not in row.tag and row.tag != "odd"}


def _tag_of(keyword: str) -> int:
    from pydicom.datadict import tag_for_keyword

    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"'{keyword}' is not the keyword of a DICOM attribute, such as SoftwareVersions.")
    return tag
