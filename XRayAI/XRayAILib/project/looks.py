"""How each reader last looked at each image, and at each view: kept with the project, so that it is there tomorrow."""

from __future__ import annotations

import json

from sqlalchemy import Column, String, Table, Text, delete, select

from XRayAILib.project.database import Database, metadata

looks = Table(
    "looks",
    metadata,
    Column("reader", String(300), primary_key=True),
    Column("key", String(210), primary_key=True),  # "image <uid>" or "view <name>"
    Column("look", Text, nullable=False),  # JSON of numbers
)


class Looks:
    """The table ``looks``. What a look is, is said by :class:`XRayAILib.workflow.look.Look`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, reader: str, uid: str, view: str) -> dict[str, float] | None:
        """How a reader looked at an image; at others of this view, where it is seen for the first time; or ``None``."""
        query = select(looks.c.key, looks.c.look).where(looks.c.reader == reader)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(looks.c.key.in_([f"image {uid}", f"view {view}"])))
            found = {row.key: row.look for row in rows}
        text = found.get(f"image {uid}") or found.get(f"view {view}")
        return json.loads(text) if text else None

    def put(self, reader: str, uid: str, view: str, look: dict[str, float] | None) -> None:
        """Remember it for the image, and for others of its view; ``None`` forgets both."""
        keys = [f"image {uid}", f"view {view}"]
        with self._database.writing() as connection:
            connection.execute(delete(looks).where(looks.c.reader == reader, looks.c.key.in_(keys)))
            if look is not None:
                rows = [{"reader": reader, "key": key, "look": json.dumps(look)} for key in keys]
                connection.execute(looks.insert(), rows)
