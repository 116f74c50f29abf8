"""Queries as SQL, for any database that SQLAlchemy speaks with."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal_column, or_, select

from XRayAILib.dicom.header import Header, header_to_json
from XRayAILib.dicom.spacing import SpacingSource
from XRayAILib.project.database import images, marks
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.query import OWN, Query

LEAST_OF_PATH = 4
"""So many letters a word must have to be looked for in paths: "AP" is in every path with a folder "radiographs"."""

_PATH = "\n"
"""Stands before the path in the column ``search``, and nowhere else in it."""

_KIND: dict[str, ColumnElement[Any]] = {
    "view": images.c.view,
    "laterality": images.c.laterality,
    "body_part": images.c.body_part,
    "manufacturer": images.c.manufacturer,
    "station": images.c.station,
    "modality": images.c.modality,
    "status": images.c.status,
    "spacing": images.c.spacing_source,
    "split": images.c.split,
    # Without parameters: PostgreSQL would not see that what is selected is what is grouped by.
    "excluded": case(
        (images.c.excluded == literal_column("''"), literal_column("'no'")), else_=literal_column("'yes'")
    ),
}
"""Columns with few values, each in many images."""

_COLUMN: dict[str, ColumnElement[Any]] = {
    **_KIND,
    "patient": images.c.patient_id,
    "date": images.c.study_date,
    "file": images.c.path,
    "added": images.c.id,
}


def columns_of(header: Header) -> dict[str, Any]:
    """The row of ``images`` that a header makes."""
    return {
        "uid": header.uid,
        "path": header.path,
        "patient_id": header.patient_id,
        "study_date": header.study_date,
        "modality": header.modality,
        "view": header.view,
        "laterality": header.laterality,
        "body_part": header.body_part,
        "manufacturer": header.manufacturer,
        "station": header.station,
        "spacing_source": header.spacing.source.value,
        "search": search_text(header),
        "header": header_to_json(header),
    }


def search_text(header: Header) -> str:
    """What the column ``search`` holds of an image: in small letters, the path last.

    Status and spacing source are not in it: people change them, so they are looked for in their own columns.
    """
    words = (
        header.patient_id,
        header.patient_name,
        header.study_date,
        header.modality,
        header.view,
        header.laterality,
        header.body_part,
        header.study_description,
        header.series_description,
        header.manufacturer,
        header.station,
    )
    return f"{_plain(' '.join(word for word in words if word))}{_PATH}{_plain(header.path)}"


def chosen(query: Query, column: ColumnElement[Any]) -> Select[Any]:
    """A column of the images of a query, in its order.

    With ``images.id`` only columns of one index (``images_browse``) are named, unless the query asks for the path, so
    that no row with its long header is touched for an image that is not shown.
    """
    return select(column).where(*conditions(query)).order_by(*order(query)).limit(query.limit).offset(query.offset)


def sorted_values(query: Query) -> Select[Any] | None:
    """(value, number of images) of the column that is sorted by first, in its order; ``None`` where it has many values.

    With these a page in the middle of 100,000 images is found without sorting them: see :func:`ids_with_value`.
    """
    column = _KIND.get(query.sort[0].removeprefix("-")) if query.sort else None
    if column is None:
        return None
    return select(column, func.count()).where(*conditions(query)).group_by(column).order_by(order(query)[0])


def ids_with_value(query: Query, value: str, limit: int, offset: int) -> Select[Any]:
    """Of the images of a query those with a value in the column that is sorted by first, in the query's order."""
    column = _KIND[query.sort[0].removeprefix("-")]
    wanted = (*conditions(query), _few(column, (value,)))
    return select(images.c.id).where(*wanted).order_by(*order(query)[1:]).limit(limit).offset(offset)


def number(query: Query, without: str = "") -> Select[Any]:
    """How many images fit, whatever its limit; the filters of the column ``without`` are left out."""
    return select(func.count()).select_from(images).where(*conditions(query, without))


def value_counts(column: str, query: Query) -> Select[Any]:
    """(value, number of images) of a column among what the other filters leave, the most frequent first."""
    others = conditions(query, without=column)
    if column == "mark":
        value: ColumnElement[Any] = marks.c.rule
        counted = select(value, func.count()).join(images, images.c.uid == marks.c.uid)
    else:
        value = _COLUMN[column]
        counted = select(value, func.count()).select_from(images)
    return counted.where(*others).group_by(value).order_by(func.count().desc(), value)


def conditions(query: Query, without: str = "") -> list[ColumnElement[bool]]:
    """What an image must fulfil; the filters of the column ``without`` are left out."""
    found = [_word(word) for word in _plain(query.text).split()]
    if query.since or query.until:
        found.append(images.c.study_date != "")
    if query.since:
        found.append(images.c.study_date >= query.first_day)
    if query.until:
        found.append(images.c.study_date <= query.last_day)
    for name, values in query.filters.items():
        if name == without:
            continue
        if name in OWN:
            # These stand on the tables of the readers, which stand on this file.
            from XRayAILib.project.own_status import condition

            found.append(condition(name, query.reader, values))
        elif name == "mark":
            marked = select(images.c.id).join(marks, marks.c.uid == images.c.uid).where(marks.c.rule.in_(values))
            found.append(images.c.id.in_(marked))
        else:
            found.append(_few(_COLUMN[name], values) if name in _KIND else _COLUMN[name].in_(values))
    return found


def order(query: Query) -> list[ColumnElement[Any]]:
    """The order of a query, down to the last image."""
    names = list(query.sort)
    # The rest follows the last direction, so that an index serves both.
    sign = "-" if names and names[-1].startswith("-") else ""
    asked = {name.removeprefix("-") for name in names}
    names += [sign + name for name in ("patient", "date", "added") if name not in asked]
    if "added" in asked:
        names = names[: 1 + next(n for n, name in enumerate(names) if name.endswith("added"))]
    return [_COLUMN[name.removeprefix("-")].desc() if name.startswith("-") else _COLUMN[name].asc() for name in names]


def _few(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    # As it is written, no index is looked up by the value: that would find a large part of all images in no order, and
    # read each of their rows, where the index in the order of the page has the column, too.
    return func.coalesce(column, "").in_(values)


def _word(word: str) -> ColumnElement[bool]:
    escaped = word.replace("/", "//").replace("%", "/%").replace("_", "/_")
    # A short word must stand before the path.
    pattern = f"%{escaped}%" if len(word) >= LEAST_OF_PATH else f"%{escaped}%{_PATH}%"
    statuses = [status.value for status in ImageStatus if word in status.value]
    sources = [source.value for source in SpacingSource if word in source.value or word in source.name.lower()]
    found = [images.c.search.like(pattern, escape="/")]
    if statuses:
        found.append(images.c.status.in_(statuses))
    if sources:
        found.append(images.c.spacing_source.in_(sources))
    return or_(*found) if len(found) > 1 else and_(*found)


def _plain(text: str) -> str:
    # macOS writes names of files with accents apart from their letters.
    return unicodedata.normalize("NFC", text).lower().replace(_PATH, " ").replace("\0", " ")
