"""The images of a project: adding, finding, excluding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, or_, select, update

from XRayAILib.dicom.header import Header, header_from_json, header_to_json
from XRayAILib.project.database import Database, files, images
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import Image, ImageStatus

LEAST_OF_PATH = 4
"""So many letters a word must have to be looked for in paths: "AP" is in every path with a folder "radiographs"."""


class Collection:
    """The tables ``images`` and ``files``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, headers: Iterable[Header]) -> int:
        """Add radiographs, or refresh those that are there already; gives the number of new ones."""
        with self._database.writing() as connection:
            return store(connection, headers)

    def images(
        self, text: str = "", status: ImageStatus | str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Image]:
        """The images by patient, date and view; each word of ``text`` must occur in one of the columns shown, or in
        the path if it has at least :data:`LEAST_OF_PATH` letters."""
        query = _filtered(select(images), text, status)
        query = query.order_by(images.c.patient_id, images.c.study_date, images.c.id).limit(limit).offset(offset)
        with self._database.reading() as connection:
            return [_image(row) for row in connection.execute(query)]

    def count(self, text: str = "", status: ImageStatus | str | None = None) -> int:
        query = _filtered(select(func.count()).select_from(images), text, status)
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def image(self, uid: str) -> Image:
        with self._database.reading() as connection:
            row = connection.execute(select(images).where(images.c.uid == uid)).first()
        if row is None:
            raise ProjectError(f"The radiograph {uid} is not in the project {self._database.place}.")
        return _image(row)

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
            return [_image(row) for row in connection.execute(query)]

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

    def unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of every file that is no radiograph."""
        query = select(files.c.path, files.c.reason).where(files.c.reason != "").order_by(files.c.path)
        with self._database.reading() as connection:
            return [(path, reason) for path, reason in connection.execute(query)]


def store(connection: Connection, headers: Iterable[Header]) -> int:
    """Add radiographs, or refresh those that are there already; gives the number of new ones."""
    rows = {header.uid: _columns(header) for header in headers}
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


def _columns(header: Header) -> dict[str, Any]:
    return {
        "uid": header.uid,
        "path": header.path,
        "patient_id": header.patient_id,
        "study_date": header.study_date,
        "modality": header.modality,
        "view": header.view,
        "spacing_source": header.spacing.source.value,
        "header": header_to_json(header),
    }


def _image(row: Row[Any]) -> Image:
    return Image(header_from_json(row.header, row.calibration), ImageStatus(row.status), row.excluded, row.split)


def _filtered(query: Select[Any], text: str, status: ImageStatus | str | None) -> Select[Any]:
    if status:
        query = query.where(images.c.status == ImageStatus(status).value)
    for word in text.split():
        columns = [images.c.patient_id, images.c.study_date, images.c.view, images.c.status, images.c.modality]
        columns.append(images.c.spacing_source)
        if len(word) >= LEAST_OF_PATH:
            columns.append(images.c.path)
        query = query.where(or_(*(column.icontains(word, autoescape=True) for column in columns)))
    return query


def parts(values: list[str], size: int = 500) -> Iterable[list[str]]:
    """Slices: SQLite limits the number of parameters of one statement."""
    return (values[i : i + size] for i in range(0, len(values), size))
