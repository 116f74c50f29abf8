"""The images of a project: adding, finding, excluding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, case, select, update

from XRayAILib.dicom.file_header import KEPT_FOR
from XRayAILib.dicom.header import Header, calibrated, header_from_values
from XRayAILib.project import json_text
from XRayAILib.project.database import Database, files, images, marks
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import Image, ImageStatus, Mark
from XRayAILib.project.query import COLUMNS, OWN, Query, QueryError
from XRayAILib.project.statements import (
    chosen,
    columns_of,
    conditions,
    ids_with_value,
    number,
    sorted_values,
    value_counts,
)

MANY = 5000
"""Images from which on it is quicker to read the uids of all than to look each one up."""


@dataclass(frozen=True)
class Page:
    """Some images of a query, and how many there are in all."""

    images: tuple[Image, ...]
    total: int


class Collection:
    """The tables ``images`` and ``files``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, headers: Iterable[Header]) -> int:
        """Add radiographs, or refresh those that are there already; gives the number of new ones."""
        with self._database.writing() as connection:
            return store(connection, headers)

    def page(self, query: Query) -> Page:
        """The images between ``offset`` and ``limit`` of a query, and how many fit in all."""
        with self._database.reading() as connection:
            values = sorted_values(query)
            if values is None:
                ids = connection.scalars(chosen(query, images.c.id)).all()
                is_last = (query.limit is None or len(ids) < query.limit) and (ids or not query.offset)
                total = query.offset + len(ids) if is_last else int(connection.scalar(number(query)) or 0)
            else:
                ids, total = _ids_by_value(connection, query, values)
            return Page(tuple(_images(connection, ids)), total)

    def stream(self, query: Query) -> Iterator[Image]:
        """The images of a query one after the other, so that a large project needs no more memory than a small one."""
        with self._database.reading() as connection:
            ids = connection.scalars(chosen(query, images.c.id)).all()
        for part in parts(ids):
            with self._database.reading() as connection:
                found = _images(connection, part)
            yield from found

    def uids(self, query: Query) -> list[str]:
        """The uids of a query, in its order."""
        with self._database.reading() as connection:
            # The order comes out of one index and the uids out of another: no row with its long header is touched.
            ids = connection.scalars(chosen(query, images.c.id)).all()
            names: dict[int, str] = {}
            if len(ids) > MANY:
                names.update((row.id, row.uid) for row in connection.execute(select(images.c.id, images.c.uid)))
            else:
                for some in parts(ids):
                    rows = connection.execute(select(images.c.id, images.c.uid).where(images.c.id.in_(some)))
                    names.update((row.id, row.uid) for row in rows)
            return [names[i] for i in ids if i in names]

    def values(self, column: str, query: Query | None = None) -> list[tuple[str, int]]:
        """(value, number of images) of a column of :data:`COLUMNS`, the most frequent first.

        Only images that all *other* filters of ``query`` leave are counted, so that the numbers are what choosing one
        more value of this column would add.
        """
        if column not in COLUMNS:
            raise QueryError({column: f"there is no such column; there are {', '.join(COLUMNS)}."})
        query = query or Query()
        if column == "assigned":
            raise QueryError({column: "its values are not counted; filter by it instead."})
        if column in OWN and not query.reader:
            raise QueryError({column: "whose? Name a reader."})
        with self._database.reading() as connection:
            if column == "own":
                # It stands on the tables of the readers, which stand on this file.
                from XRayAILib.project.own_status import own_counts

                total = int(connection.scalar(number(query, without=column)) or 0)
                return own_counts(connection, query.reader, conditions(query, without=column), total)
            return [(value or "", found) for value, found in connection.execute(value_counts(column, query))]

    def images(
        self, text: str = "", status: ImageStatus | str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Image]:
        """The images by patient, date and addition; see :class:`Query` for ``text``."""
        return list(self.stream(_simple(text, status, limit, offset)))

    def count(self, text: str | Query = "", status: ImageStatus | str | None = None) -> int:
        """How many images fit a query, or the text and status of one."""
        query = text if isinstance(text, Query) else _simple(text, status)
        with self._database.reading() as connection:
            return int(connection.scalar(number(query)) or 0)

    def image(self, uid: str) -> Image:
        with self._database.reading() as connection:
            row = connection.execute(select(images).where(images.c.uid == uid)).first()
            if row is None:
                raise ProjectError(f"The radiograph {uid} is not in the project {self._database.place}.")
            return _image(row, _marks(connection, [uid]))

    def images_of(self, uids: Sequence[str]) -> list[Image]:
        """The images of these uids, in this order; one that is not in the project is left out."""
        found: dict[str, Image] = {}
        with self._database.reading() as connection:
            for some in parts(uids):
                rows = connection.execute(select(images).where(images.c.uid.in_(some))).all()
                marked = _marks(connection, some)
                found.update((row.uid, _image(row, marked)) for row in rows)
        return [found[uid] for uid in uids if uid in found]

    def priors(self, uid: str) -> list[Image]:
        """Earlier images of the same patient, the latest first."""
        header = self.image(uid).header
        if not header.patient_id or not header.study_date:
            return []
        query = (
            select(images)
            .where(images.c.patient_id == header.patient_id, images.c.study_date < header.study_date)
            .where(images.c.study_date != "")
            .order_by(images.c.study_date.desc(), images.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            marked = _marks(connection, [row.uid for row in rows])
            return [_image(row, marked) for row in rows]

    def exclude(self, uid: str, reason: str) -> None:
        """Keep an image out of training and export; an empty ``reason`` lets it in again."""
        with self._database.writing() as connection:
            connection.execute(update(images).where(images.c.uid == uid).values(excluded=reason))

    def assign_split(self, parts: Mapping[str, str]) -> None:
        """Store the split: uid -> ``train``, ``validation`` or ``test``; every other image loses its part."""
        with self._database.writing() as connection:
            connection.execute(update(images).values(split=""))
            for uid, part in parts.items():
                connection.execute(update(images).where(images.c.uid == uid).values(split=part))

    def known_files(self) -> dict[str, tuple[int, int]]:
        """Path -> (size, time of modification in ns) of every file that a scan has seen."""
        with self._database.reading() as connection:
            rows = connection.execute(select(files.c.path, files.c.size, files.c.modified))
            return {path: (size, modified) for path, size, modified in rows}

    def note_files(self, seen: Mapping[str, tuple[int, int, str]]) -> None:
        """Remember files: path -> (size, time of modification, reason why it is no radiograph or empty)."""
        with self._database.writing() as connection:
            note(connection, seen)

    def presentation_states(self, uid_in_file: str) -> list[Path]:
        """The files that say how the image with this SOP Instance UID is to be looked at, as scans found them."""
        said = files.c.reason
        query = select(files.c.path, said).where(said.like(f"{KEPT_FOR}%"), said.contains(uid_in_file, autoescape=True))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(files.c.path)).all()
        return [Path(path) for path, reason in rows if uid_in_file in reason.removeprefix(KEPT_FOR).split(", ")]

    def unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of every file that is no radiograph."""
        query = select(files.c.path, files.c.reason).where(files.c.reason != "").order_by(files.c.path)
        with self._database.reading() as connection:
            return [(path, reason) for path, reason in connection.execute(query)]


def store(connection: Connection, headers: Iterable[Header]) -> int:
    """Add radiographs, or refresh those that are there already; gives the number of new ones."""
    rows = {header.uid: columns_of(header) for header in headers}
    there: set[str] = set()
    for part in parts(list(rows)):
        there.update(connection.scalars(select(images.c.uid).where(images.c.uid.in_(part))))
    fresh = [
        {**row, "status": "unlabelled", "excluded": "", "split": ""} for uid, row in rows.items() if uid not in there
    ]
    if fresh:
        connection.execute(images.insert(), fresh)
    for uid in there:
        # What a person calibrated stays calibrated.
        source = case((images.c.calibration.is_(None), rows[uid]["spacing_source"]), else_=images.c.spacing_source)
        values = {**rows[uid], "spacing_source": source}
        connection.execute(update(images).where(images.c.uid == uid).values(values))
    return len(fresh)


def note(connection: Connection, seen: Mapping[str, tuple[int, int, str]]) -> None:
    """Remember files: path -> (size, time of modification, reason why it is no radiograph or empty)."""
    for part in parts(list(seen)):
        connection.execute(files.delete().where(files.c.path.in_(part)))
    rows = [{"path": p, "size": s, "modified": m, "reason": r} for p, (s, m, r) in seen.items()]
    if rows:
        connection.execute(files.insert(), rows)


def _simple(text: str, status: ImageStatus | str | None, limit: int | None = None, offset: int = 0) -> Query:
    filters = {"status": (ImageStatus(status).value,)} if status else {}
    return Query(text=text, filters=filters, limit=limit, offset=offset)


def _ids_by_value(connection: Connection, query: Query, values: Select[Any]) -> tuple[list[int], int]:
    """The ``images.id`` of a page that is sorted by a column with few values, and the number of images in all."""
    counted = connection.execute(values).all()
    total = sum(count for _, count in counted)
    begin, end = query.offset, total if query.limit is None else min(query.offset + query.limit, total)
    ids: list[int] = []
    before = 0
    for value, count in counted:
        first, last = max(begin - before, 0), min(end - before, count)
        if first < last:
            ids += connection.scalars(ids_with_value(query, value or "", last - first, first)).all()
        before += count
    return ids, total


def _images(connection: Connection, ids: Sequence[int]) -> list[Image]:
    """The images of these rows, in this order."""
    found: dict[int, Image] = {}
    for part in parts(ids):
        rows = connection.execute(select(images).where(images.c.id.in_(part))).all()
        marked = _marks(connection, [row.uid for row in rows])
        found.update((row.id, _image(row, marked)) for row in rows)
    return [found[i] for i in ids if i in found]


def _marks(connection: Connection, uids: Sequence[str]) -> dict[str, tuple[Mark, ...]]:
    found: dict[str, tuple[Mark, ...]] = {}
    for part in parts(uids):
        for row in connection.execute(select(marks).where(marks.c.uid.in_(part)).order_by(marks.c.uid, marks.c.rule)):
            found[row.uid] = (*found.get(row.uid, ()), Mark(row.rule, row.severity, row.detail))
    return found


def _image(row: Row[Any], marked: Mapping[str, tuple[Mark, ...]]) -> Image:
    header = calibrated(header_from_values(json_text.load(row.header)), row.calibration)
    return Image(header, ImageStatus(row.status), row.excluded, row.split, marked.get(row.uid, ()))


def parts(values: Sequence[Any], size: int = 500) -> Iterable[Sequence[Any]]:
    # SQLite limits the number of parameters of one statement.
    return (values[i : i + size] for i in range(0, len(values), size))
