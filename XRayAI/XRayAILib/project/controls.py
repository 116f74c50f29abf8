"""Controls: images of which the truth is known, hidden among those that are read.

The truth is a track like any other, an import or the findings of an expert. That it is one stands only here: it counts
for nothing in the status of its image, and no reader gets to see it; see :mod:`XRayAILib.workflow.blinding`.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Connection, ForeignKey, String, Table, select, update

from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, audit, current, images, metadata
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.status import status_of

controls = Table(
    "controls",
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("track", String(300), nullable=False),  # that says the truth
    Column("who", String(300), nullable=False),
    Column("time", String(32), nullable=False),
)


class Controls:
    """The table ``controls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, str]:
        """uid -> track that says the truth, of every control."""
        with self._database.reading() as connection:
            rows = connection.execute(select(controls.c.uid, controls.c.track).order_by(controls.c.uid))
            return {row.uid: row.track for row in rows}

    def truth_of(self, uid: str) -> str:
        """The track that says the truth of a control; empty for any other image."""
        with self._database.reading() as connection:
            return connection.scalar(select(controls.c.track).where(controls.c.uid == uid)) or ""

    def with_track(self, track: str) -> list[str]:
        """The images of which a track says something, such as ``import:truth``."""
        query = select(current.c.uid).where(current.c.track == track).order_by(current.c.uid)
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def add(self, uids: Iterable[str], track: str, by: str = "") -> None:
        """Make images controls, with the truth that a track says of them; all of them or none.

        Raises
        ------
        ProjectError
            The track says nothing of one of them, or another truth was told of it.
        """
        with self._database.writing() as connection:
            number = 0
            for uid in uids:
                query = select(current.c.uid).where(current.c.uid == uid, current.c.track == track)
                if connection.scalar(query) is None:
                    raise ProjectError(f"{track} says nothing of {uid}, so it cannot be the truth of this control.")
                there = connection.scalar(select(controls.c.track).where(controls.c.uid == uid))
                if there not in (None, track):
                    raise ProjectError(f"{uid} is a control already, with the truth of {there}: it keeps that one.")
                if there is None:
                    connection.execute(controls.insert().values(uid=uid, track=track, who=by, time=now()))
                    status = status_of(connection, uid, truth=track)
                    connection.execute(update(images).where(images.c.uid == uid).values(status=status.value))
                    number += 1
            detail = f"{number} images with the truth of {track}"
            connection.execute(audit.insert().values(time=now(), who=by, action="controls", detail=detail))


def truth_track(connection: Connection, uid: str) -> str:
    """The track that says the truth of a control; empty for any other image."""
    return connection.scalar(select(controls.c.track).where(controls.c.uid == uid)) or ""
