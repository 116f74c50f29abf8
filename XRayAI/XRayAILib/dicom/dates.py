"""Dates and times of DICOM moved by days, and the ways in which people write a date."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

_DATE_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(.*)", re.DOTALL)
_REST_OF_DATE_TIME = re.compile(r"(\d{2,6}(\.\d{1,6})?)?([+-]\d{4})?")
_TIME = re.compile(r"[\d:.\s]*")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
EARLIEST = date(1800, 1, 1)


def shifted(value: str, vr: str, days: int) -> str:
    """A value of representation DA or DT ``days`` earlier; a TM as it is; nothing where it is none of these.

    A DT that names only a year or a month keeps that precision: it is taken as the first day.
    """
    parts = [_shifted(part.strip("\0 "), vr, days) for part in value.split("\\")]
    return "\\".join(parts) if all(parts) else ""


def _shifted(value: str, vr: str, days: int) -> str:
    if vr == "TM":
        return value if _TIME.fullmatch(value) else ""
    if vr == "DA":
        value = value.replace(".", "").replace("-", "")  # as ACR-NEMA and many careless programs have it
    match = _DATE_TIME.fullmatch(value)
    if match is None or (vr == "DA" and (match[3] is None or match[4])):
        return ""
    if not _REST_OF_DATE_TIME.fullmatch(match[4]):
        return ""
    day = _date(match[1], match[2] or "01", match[3] or "01")
    if day is None:
        return ""
    text = (day - timedelta(days)).strftime("%Y%m%d")
    return text[: len("".join(part or "" for part in match.groups()[:3]))] + match[4]


def _date(year: str, month: str, day: str) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found >= EARLIEST else None


@lru_cache(maxsize=10_000)
def notations(value: str) -> tuple[str, ...]:
    """How the date at the beginning of a DA or DT may be written elsewhere, in lower case; nothing where it is none.

    Six digits without separators are left out: they are found in too much else.
    """
    day = _day(value)
    if day is None:
        return ()
    y, m, d = f"{day.year}", f"{day.month:02d}", f"{day.day:02d}"
    found = {y + m + d, d + m + y, m + d + y, *without_century(value)}
    for mark in "-./ ":
        found |= {mark.join(parts) for parts in ((y, m, d), (d, m, y), (m, d, y))}
        found |= {mark.join((str(day.day), str(day.month), y)), mark.join((str(day.month), str(day.day), y))}
    month = _MONTHS[day.month - 1]
    for name in (month[:3], month):
        for number in (d, str(day.day)):
            found |= {f"{number}{mark}{name}{mark}{y}" for mark in "- ."} | {f"{number}. {name} {y}"}
            found |= {f"{name} {number}, {y}", f"{name} {number} {y}"}
    return tuple(sorted(found))


@lru_cache(maxsize=10_000)
def without_century(value: str) -> tuple[str, ...]:
    """Those notations in which the year has two digits."""
    day = _day(value)
    if day is None:
        return ()
    y, m, d = f"{day.year % 100:02d}", f"{day.month:02d}", f"{day.day:02d}"
    padded = tuple(mark.join(parts) for mark in "-./" for parts in ((d, m, y), (m, d, y)))
    # With dots and dashes, numbers without zeros before them are numbers of versions more often than days.
    plain = (f"{day.day}/{day.month}/{y}", f"{day.month}/{day.day}/{y}")
    return tuple(dict.fromkeys((*padded, *plain)))


def _day(value: str) -> date | None:
    digits = value.strip("\0 ").replace(".", "").replace("-", "").replace("/", "")[:8]
    return _date(digits[:4], digits[4:6], digits[6:]) if len(digits) == 8 and digits.isdecimal() else None
