"""Query: which images of a collection, in which order; the same for the panel, the command line and a browser.

::

    Query(text="2023 chest", filters={"view": ("PA", "AP"), "laterality": ("L",)}, sort=("-date", "patient"), limit=200)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from XRayAILib.dicom.spacing import SpacingSource
from XRayAILib.project.image import ImageStatus

COLUMNS = {
    "patient": "Patient",
    "date": "Study date",
    "view": "View",
    "laterality": "Laterality",
    "body_part": "Body part",
    "manufacturer": "Manufacturer",
    "station": "Station",
    "modality": "Modality",
    "status": "Status",
    "spacing": "Spacing",
    "split": "Part",
    "excluded": "Excluded",
    "mark": "Mark",
    "own": "Own status",
    "assigned": "Assigned",
}
"""What can be filtered by, with a title. An image can have several marks, and none is a value of the other columns."""

OWN = ("own", "assigned")
"""Columns whose values belong to one reader, who has to be named."""

SORTED_BY = (*(name for name in COLUMNS if name not in ("mark", *OWN)), "file", "added")
"""What can be sorted by; ``added`` is the order in which the images came into the project."""

LARGEST = 2**63
"""No whole number of a database reaches it."""

NONE = ""
"""The value of a column in which an image has nothing."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_KNOWN = {
    "status": tuple(status.value for status in ImageStatus),
    "spacing": tuple(source.value for source in SpacingSource),
    "excluded": ("yes", "no"),
    "own": ("unlabelled", "draft", "submitted", "approved", "rejected"),
    "assigned": ("yes", "no"),
}


class QueryError(ValueError):
    """A query that makes no sense.

    Attributes
    ----------
    problems
        Field -> what is wrong with it, in words for a person.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__(" ".join(f"{field}: {problem}" for field, problem in self.problems.items()))


@dataclass(frozen=True)
class Query:
    """Which images, in which order.

    Parameters
    ----------
    text
        Words that must all occur: in patient, date, view, laterality, body part, descriptions, manufacturer, station,
        modality, status or spacing source, or, with four letters and more, in the path.
    filters
        Column of :data:`COLUMNS` -> values, one of which it must have; the columns must all fit. An empty value stands
        for images that have nothing there; ``excluded`` has the values ``yes`` and ``no``, ``mark`` the names of the
        rules of hygiene.
    since, until
        Study dates, both included: ``yyyy-mm-dd``, ``yyyy-mm`` or ``yyyy``.
    sort
        Columns of :data:`SORTED_BY`, each with ``-`` before it for the other direction. What is equal in them is in
        the order of patient, date and addition.
    limit, offset
        So many images at most, after so many.
    reader
        Whose own status and assignments are meant, as :attr:`Author.key`.

    Raises
    ------
    QueryError
        With a message for each field that makes no sense.
    """

    text: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    sort: Sequence[str] = ()
    limit: int | None = None
    offset: int = 0
    reader: str = ""

    def __post_init__(self) -> None:
        problems = _problems(self)
        if problems:
            raise QueryError(problems)
        kept = {name: tuple(dict.fromkeys(_written(self.filters, name))) for name in COLUMNS if self.filters.get(name)}
        object.__setattr__(self, "filters", kept)
        object.__setattr__(self, "sort", tuple(self.sort))

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves anything out, apart from ``limit`` and ``offset``."""
        return bool(self.text.strip() or self.filters or self.since or self.until)

    @property
    def first_day(self) -> str:
        """``since`` as ``yyyy-mm-dd``; empty without."""
        return _whole_date(self.since, "01", "01")

    @property
    def last_day(self) -> str:
        """``until`` as ``yyyy-mm-dd``, the 31st where only a month was given; empty without."""
        return _whole_date(self.until, "12", "31")

    def document(self) -> dict[str, Any]:
        """The query as a plain document, without what is not set."""
        full = {
            "text": self.text,
            "filters": {name: list(values) for name, values in self.filters.items()},
            "since": self.since,
            "until": self.until,
            "sort": list(self.sort),
            "limit": self.limit,
            "offset": self.offset,
            "reader": self.reader,
        }
        return {name: value for name, value in full.items() if value not in ("", {}, [], None, 0)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Query:
        """The query of a plain document, such as one from JSON; :class:`QueryError` where it is none."""
        names = cls.__dataclass_fields__
        unknown = {
            name: f"there is no such field; there are {', '.join(names)}." for name in set(document) - set(names)
        }
        if unknown:
            raise QueryError(unknown)
        return cls(**document)


def _problems(query: Query) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("text", "since", "until", "reader"):
        if not isinstance(getattr(query, name), str):
            found[name] = "must be text."
    if "text" not in found and not _is_text(query.text):
        found["text"] = "has a character that no text has."
    found.update(_problem_of_filters(query.filters))
    if not found and not query.reader:
        found.update((name, "whose? Name a reader.") for name in OWN if query.filters.get(name))
    for name in ("since", "until"):
        if name not in found and getattr(query, name) and not _is_date(getattr(query, name)):
            found[name] = f"'{getattr(query, name)}' is no date: write yyyy-mm-dd, yyyy-mm or yyyy."
    if not found and query.since and query.until and query.first_day > query.last_day:
        found["until"] = f"{query.until} is before {query.since}, from which on images are wanted."
    found.update(_problem_of_sort(query.sort))
    limit, offset = query.limit, query.offset
    if limit is not None and (not _is_whole(limit) or limit < 1):
        found["limit"] = "must be a whole number from 1."
    if not _is_whole(offset) or offset < 0:
        found["offset"] = "must be a whole number from 0."
    return found


def _problem_of_filters(filters: object) -> dict[str, str]:
    if not isinstance(filters, Mapping):
        return {"filters": "must be columns with their values."}
    found = {}
    for name, values in filters.items():
        if name not in COLUMNS:
            found[str(name)] = f"there is no such column to filter by; there are {', '.join(COLUMNS)}."
        elif isinstance(values, str) or not isinstance(values, Sequence):
            found[name] = "must be a list of values."
        elif not all(isinstance(value, str) and _is_text(value) for value in values):
            found[name] = "its values must be texts."
        elif name in _KNOWN and not set(_written(filters, name)) <= set(_KNOWN[name]):
            odd = ", ".join(sorted(set(_written(filters, name)) - set(_KNOWN[name])))
            found[name] = f"'{odd}' does not occur; there are {', '.join(_KNOWN[name])}."
    return found


def _written(filters: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """The values of a filter; those of a column whose values are known as they are written there."""
    known = {value.casefold(): value for value in _KNOWN.get(name, ())}
    return [known.get(value.casefold(), value) for value in filters[name]]


def _problem_of_sort(sort: object) -> dict[str, str]:
    if isinstance(sort, str) or not isinstance(sort, Sequence):
        return {"sort": "must be a list of columns."}
    names = [str(name).removeprefix("-") for name in sort]
    for name in names:
        if name not in SORTED_BY:
            return {"sort": f"there is no column '{name}' to sort by; there are {', '.join(SORTED_BY)}."}
    if len(set(names)) < len(names):
        return {"sort": "a column is named twice."}
    return {}


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_text(value: str) -> bool:
    """Whether a database can be asked for it: names of files can have halves of characters, of other systems."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    return match is not None and 1 <= int(match[2] or 1) <= 12 and 1 <= int(match[3] or 1) <= 31


def _whole_date(text: str, month: str, day: str) -> str:
    match = _DATE.fullmatch(text)
    return f"{match[1]}-{match[2] or month}-{match[3] or day}" if match else ""
