"""Findings that could not be saved because another program had saved the same track: set aside until a person chooses.

Nothing is taken out of this table: what was not chosen can be read, and restored, later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ForeignKey, Index, Integer, Row, String, Table, Text, select, update

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, metadata
from XRayAILib.project.history import keep_blobs, read_findings
from XRayAILib.project.written import Cache, track_document

set_aside = Table(
    "set_aside",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False),
    Column("track", String(300), nullable=False),
    Column("base", Integer, nullable=False),  # the revision that it was made from; 0 for none
    Column("document", Text, nullable=False),  # as in the table current
    Column("time", String(32), nullable=False),
    Column("outcome", String(16), nullable=False, default=""),  # empty while nobody has chosen
    Index("set_aside_of_track", "uid", "track"),
)


@dataclass(frozen=True)
class Aside:
    """Findings that were set aside.

    Attributes
    ----------
    base
        The revision that they were made from; 0 for none.
    outcome
        What a person chose: ``mine`` and ``merge`` took them into the track, ``theirs`` did not; empty before.
    """

    id: int
    findings: Findings
    base: int
    time: str
    outcome: str = ""


class SetAside:
    """The table ``set_aside``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = Cache()

    def keep(self, findings: Findings, base: int) -> None:
        """Set findings aside; once more where they have changed since."""
        uid, track = findings.radiograph_uid, findings.author.key
        entries = self._cache.entries(findings)
        document = track_document(findings, entries)
        with self._database.writing() as connection:
            last = connection.scalar(_newest(uid, track).with_only_columns(set_aside.c.document))
            if last == document:
                return
            keep_blobs(connection, entries)
            row = {"uid": uid, "track": track, "base": base, "document": document, "time": now(), "outcome": ""}
            connection.execute(set_aside.insert().values(**row))

    def waiting(self, uid: str, track: str) -> Aside | None:
        """What waits for a choice; the newest state of it, or ``None``."""
        with self._database.reading() as connection:
            row = connection.execute(_newest(uid, track)).first()
            return None if row is None else self._aside(connection, row)

    def settle(self, uid: str, track: str, outcome: str) -> None:
        """A person has chosen."""
        waiting = (set_aside.c.uid == uid, set_aside.c.track == track, set_aside.c.outcome == "")
        with self._database.writing() as connection:
            connection.execute(update(set_aside).where(*waiting).values(outcome=outcome))

    def of(self, uid: str) -> list[Aside]:
        """All that was ever set aside of an image, the oldest first."""
        query = select(set_aside).where(set_aside.c.uid == uid).order_by(set_aside.c.id)
        with self._database.reading() as connection:
            return [self._aside(connection, row) for row in connection.execute(query).all()]

    def _aside(self, connection: Any, row: Row[Any]) -> Aside:
        findings = read_findings(connection, row.uid, row.document, self._database.place)
        return Aside(row.id, findings, row.base, row.time, row.outcome)


def _newest(uid: str, track: str) -> Any:
    waiting = (set_aside.c.uid == uid, set_aside.c.track == track, set_aside.c.outcome == "")
    return select(set_aside).where(*waiting).order_by(set_aside.c.id.desc()).limit(1)
