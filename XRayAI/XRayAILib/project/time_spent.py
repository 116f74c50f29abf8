"""How long each reader has worked on each image."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Column, Float, ForeignKey, String, Table, select, update

from XRayAILib.findings.objects import now
from XRayAILib.project.collection import parts
from XRayAILib.project.database import Database, metadata

time_spent = Table(
    "time_spent",
    metadata,
    Column("uid", String(200), ForeignKey("images.uid"), primary_key=True),
    Column("reader", String(300), primary_key=True),
    Column("seconds", Float, nullable=False),
    Column("last", String(32), nullable=False),  # when some of it was added
)


class TimeSpent:
    """The table ``time_spent``. Several programs may add to one image at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, uid: str, reader: str, seconds: float) -> None:
        """Add working time of a reader (an :attr:`Author.key`) on an image, in seconds."""
        where = (time_spent.c.uid == uid, time_spent.c.reader == reader)
        more = update(time_spent).where(*where).values(seconds=time_spent.c.seconds + seconds, last=now())
        with self._database.writing() as connection:
            if not connection.execute(more).rowcount:
                row = {"uid": uid, "reader": reader, "seconds": seconds, "last": now()}
                connection.execute(time_spent.insert().values(**row))

    def of_image(self, uid: str) -> dict[str, float]:
        """Reader -> seconds on one image."""
        query = select(time_spent.c.reader, time_spent.c.seconds).where(time_spent.c.uid == uid)
        with self._database.reading() as connection:
            return {row.reader: row.seconds for row in connection.execute(query.order_by(time_spent.c.reader))}

    def of_reader(self, reader: str, uids: Iterable[str]) -> dict[str, float]:
        """uid -> seconds that one reader spent on it, of those images on which there are any."""
        query = select(time_spent.c.uid, time_spent.c.seconds).where(time_spent.c.reader == reader)
        found: dict[str, float] = {}
        with self._database.reading() as connection:
            for some in parts(list(uids)):
                rows = connection.execute(query.where(time_spent.c.uid.in_(some)))
                found.update((uid, seconds) for uid, seconds in rows)
        return found

    def all(self) -> list[tuple[str, str, float]]:
        """(uid, reader, seconds), by image and reader."""
        query = select(time_spent).order_by(time_spent.c.uid, time_spent.c.reader)
        with self._database.reading() as connection:
            return [(row.uid, row.reader, row.seconds) for row in connection.execute(query)]
