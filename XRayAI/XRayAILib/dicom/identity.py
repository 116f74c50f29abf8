"""The values of a file that can tell whose it is, and where they occur."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from XRayAILib.dicom.dates import notations, without_century

SHORTEST = 4
"""Characters; shorter ones occur everywhere."""
SHORTEST_PART = 6
"""Characters of a part of a number that count on their own."""

PLACEHOLDERS = frozenset(
    (
        *("anon", "anonym", "anonymous", "anonymised", "anonymized", "deidentified", "name", "none", "noname", "null"),
        *("other", "patient", "removed", "test", "unknown", "unnamed", "unspecified", "xxxx", "xxxxx"),
    )
)
"""What stands in the place of a name that was never entered or was taken away before."""

NUMBERS = frozenset(
    (
        0x00080050,  # Accession Number
        0x00080094,  # Referring Physician's Telephone Numbers
        0x00100020,  # Patient ID
        0x00101000,  # Other Patient IDs
        0x00101050,  # Insurance Plan Identification
        0x00101090,  # Medical Record Locator
        0x00102154,  # Patient's Telephone Numbers
        0x00102155,  # Patient's Telecom Information
        0x00120040,  # Clinical Trial Subject ID
        0x00120042,  # Clinical Trial Subject Reading ID
        0x00200010,  # Study ID
        0x00380010,  # Admission ID
        0x00380060,  # Service Episode ID
        0x00400009,  # Scheduled Procedure Step ID
        0x00400253,  # Performed Procedure Step ID
        0x00401001,  # Requested Procedure ID
        0x00401103,  # Person's Telephone Numbers
        0x00401104,  # Person's Telecom Information
        0x00402010,  # Order Callback Phone Number
        0x00402011,  # Order Callback Telecom Information
        0x00402016,  # Placer Order Number
        0x00402017,  # Filler Order Number
        0x0040050A,  # Specimen Accession Number
        0x00400551,  # Specimen Identifier
        0x00400512,  # Container Identifier
        0x40080040,  # Results ID
        0x40080200,  # Interpretation ID
        0x22000005,  # Barcode Value
    )
)
ADDRESSES = frozenset(
    (
        0x00080080,  # Institution Name
        0x00080081,  # Institution Address
        0x00080092,  # Referring Physician's Address
        0x00101040,  # Patient's Address
        0x00102152,  # Region of Residence
        0x00120031,  # Clinical Trial Site Name
        0x00380300,  # Current Patient Location
        0x00380400,  # Patient's Institution Residence
        0x00401102,  # Person's Address
        0x0040A353,  # Address (Trial)
    )
)
_UNPLAIN = re.compile(r"[\^=,;/\s]+")


class Identity:
    """What was taken out of one data set and must occur nowhere else in it.

    Attributes
    ----------
    values
        Value, in lower case, -> tag of the attribute that it was taken from.
    encodings
        Those in which text of the data set is written, by Python's names.
    """

    def __init__(self, encodings: Iterable[str] = ()) -> None:
        self.values: dict[str, int] = {}
        self._days: dict[str, int] = {}
        self.encodings = tuple(dict.fromkeys((*encodings, "utf-8", "utf-16-le", "utf-16-be", "latin-1")))

    def add(self, tag: int, vr: str, text: str) -> None:
        """Take in the value of an attribute, several separated by ``\\``, if it is of a kind that identifies."""
        if vr not in ("PN", "DA", "DT", "UI") and tag not in NUMBERS and tag not in ADDRESSES:
            return
        for value in text.split("\\"):
            value = value.strip("\0 \t\r\n").lower()
            if len(value) >= SHORTEST:
                if vr in ("DA", "DT"):
                    self._days.setdefault(value, tag)
                else:
                    for part in _parts(tag, vr, value):
                        self.values.setdefault(part, tag)

    def found_in(self, data: bytes) -> Iterator[tuple[str, bytes, int]]:
        """(value, its bytes in lower case, tag) of each that occurs in ``data``, whatever its case and encoding."""
        data = data.lower()
        for value, tag in self.values.items():
            yield from self._found(data, value, tag)
        for day, tag in self._days.items():
            # Most ways to write a day name its year, and most files hold none of the years: that is seen at once.
            year = any(needle in data for needle in _needles(day[:4], self.encodings))
            for value in notations(day) if year else without_century(day):
                yield from self._found(data, value, tag)

    def _found(self, data: bytes, value: str, tag: int) -> Iterator[tuple[str, bytes, int]]:
        for needle in _needles(value, self.encodings):
            if needle in data:
                yield value, needle, tag


@lru_cache(maxsize=20_000)
def _parts(tag: int, vr: str, value: str) -> tuple[str, ...]:
    if vr == "UI":
        return () if value.startswith("1.2.840.10008.") else (value,)
    if value in PLACEHOLDERS:
        return ()
    parts = {value}
    if vr == "PN":
        parts |= _name_parts(value)
    elif tag in NUMBERS:
        parts.add(re.sub(r"[\s().+/-]", "", value))
        digits = (*re.findall(r"\d+", value), re.sub(r"\D", "", value))
        parts |= {part for part in digits if len(part) >= SHORTEST_PART}
    else:
        parts |= {part.strip() for part in re.split(r"[,;\r\n]", value) if len(part.strip()) >= SHORTEST_PART}
    return tuple(part for part in parts if len(part) >= SHORTEST and part not in PLACEHOLDERS)


def _name_parts(name: str) -> set[str]:
    """Each name of a person on its own, and family and given name as people put them together."""
    parts: set[str] = set()
    for group in name.split("="):
        # A prefix such as Prof. and a suffix are those of many.
        pieces = [piece.strip() for piece in group.split("^")[:3]]
        family, given = pieces[0], pieces[1] if len(pieces) > 1 else ""
        parts |= {group, *pieces}
        if family and given:
            parts |= {f"{family}{mark}{given}" for mark in (" ", ", ", ",", "", "_")}
            parts |= {f"{given}{mark}{family}" for mark in (" ", "", "_")}
        for piece in pieces:
            parts |= set(_UNPLAIN.split(piece))
    return {part for part in parts if len(part) >= SHORTEST and part not in PLACEHOLDERS}


@lru_cache(maxsize=50_000)
def _needles(value: str, encodings: tuple[str, ...]) -> tuple[bytes, ...]:
    needles: dict[bytes, None] = {}
    # bytes.lower knows ASCII only; other letters are looked for as small and as capital ones.
    for text in (value,) if value.isascii() else (value, value.upper(), value.title()):
        for encoding in encodings:
            try:
                needles[text.encode(encoding).lower()] = None
            except (UnicodeEncodeError, LookupError):  # it cannot occur in this encoding
                continue
    return tuple(needles)
