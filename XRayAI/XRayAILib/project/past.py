"""The past of an image: every revision, what it changed in words, and how everything stood after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from XRayAILib.findings.findings import Findings
from XRayAILib.project.changes import ObjectChange, changes_of
from XRayAILib.project.database import Database, revisions
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.history import read_findings


@dataclass(frozen=True)
class Revision:
    """One saved change: when, whose findings, and saved by whom.

    Attributes
    ----------
    put, dropped
        Number of objects that are new or different, and of those that are gone.
    note
        Why it was saved, where that is more than drawing; else empty.
    changes
        What became of each object.
    """

    id: int
    track: str
    saved_by: str
    time: str
    put: int
    dropped: int
    note: str = ""
    changes: tuple[ObjectChange, ...] = ()


class Past:
    """Reads the table ``revisions``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def revisions(self, uid: str, author_key: str = "") -> list[Revision]:
        """Every saved change of an image, or of what one author says of it; the oldest first."""
        query = select(revisions).where(revisions.c.uid == uid).order_by(revisions.c.id)
        if author_key:
            query = query.where(revisions.c.track == author_key)
        found, states = [], dict[str, dict[str, Any]]()
        with self._database.reading() as connection:
            for row in connection.execute(query):
                change = json.loads(row.change)
                before = states.get(row.track, {})
                states[row.track] = after = _after(before, change)
                found.append(_revision(row, change, changes_of(before, after)))
        return found

    def at(self, uid: str, author_key: str, revision: int) -> Findings:
        """The findings of an author as they stood after ``revision``."""
        with self._database.reading() as connection:
            state = state_at(connection, uid, author_key, revision)
            if state is None:
                raise ProjectError(f"{author_key} had said nothing of {uid} by revision {revision}.")
            return read_findings(connection, uid, json.dumps(state), self._database.place)


def state_at(connection: Connection, uid: str, author_key: str, revision: int) -> dict[str, Any] | None:
    """Author, shape and objects of a track after ``revision``, as documents; ``None`` where it had none by then."""
    query = (
        select(revisions.c.change)
        .where(revisions.c.uid == uid, revisions.c.track == author_key, revisions.c.id <= revision)
        .order_by(revisions.c.id)
    )
    changes = [json.loads(change) for change in connection.scalars(query)]
    if not changes:
        return None
    objects: dict[str, Any] = {}
    for change in changes:
        objects = _after(objects, change)
    return {**changes[-1]["head"], "objects": [objects[i] for i in changes[-1]["order"]]}


def _after(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """id -> document after a change."""
    gone = set(change["drop"])
    kept = {i: document for i, document in before.items() if i not in gone}
    return {**kept, **{document["id"]: document for document in change["put"]}}


def _revision(row: Row[Any], change: Mapping[str, Any], changes: tuple[ObjectChange, ...]) -> Revision:
    counts = len(change["put"]), len(change["drop"])
    return Revision(row.id, row.track, row.saved_by, row.time, *counts, row.note or "", changes)
