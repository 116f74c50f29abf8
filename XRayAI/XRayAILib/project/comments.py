"""Comments on an image, or on one object of it: a conversation that only grows, and travels with the project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text, func, select

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import now
from XRayAILib.project.collection import parts
from XRayAILib.project.database import Database, images, metadata
from XRayAILib.project.errors import ProjectError

comments = Table(
    "comments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("thread", Integer, nullable=False, index=True),  # id of its first comment; 0 in that one itself
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False, index=True),
    Column("object", String(64), nullable=False, default=""),  # id of the object; empty for the whole image
    Column("what", String(16), nullable=False),
    Column("who", String(300), nullable=False),
    Column("time", String(32), nullable=False),
    Column("text", Text, nullable=False, default=""),
)

LONGEST = 10_000
"""Letters of a comment."""


class Said(str, Enum):
    """What an entry of a thread is."""

    COMMENT = "comment"
    RESOLVED = "resolved"
    REOPENED = "reopened"


@dataclass(frozen=True)
class Comment:
    """One entry: what ``who`` (an :attr:`Author.key`) wrote, or that a thread was resolved or opened again."""

    id: int
    what: Said
    who: str
    time: str
    text: str

    @property
    def name(self) -> str:
        """Of who wrote it."""
        return self.who.partition(":")[2]


@dataclass(frozen=True)
class Thread:
    """A comment with its replies.

    Attributes
    ----------
    object_id
        The object that it is about; empty for the whole image. The object may have been deleted since.
    entries
        The first comment and all that followed, in their order.
    """

    id: int
    uid: str
    object_id: str
    entries: tuple[Comment, ...]

    @property
    def resolved(self) -> bool:
        """Whether it needs nobody's attention any more."""
        last = next((entry.what for entry in reversed(self.entries) if entry.what is not Said.COMMENT), None)
        return last is Said.RESOLVED


class Comments:
    """The table ``comments``: nothing in it is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, uid: str, text: str, by: Author, object_id: str = "") -> int:
        """Begin a thread about an image or one of its objects; gives the thread's id.

        Raises
        ------
        ProjectError
            There is no such image, or the text is empty or too long.
        """
        with self._database.writing() as connection:
            if connection.scalar(select(images.c.id).where(images.c.uid == uid)) is None:
                raise ProjectError(f"The radiograph {uid} is not in the project {self._database.place}.")
            return _append(connection, 0, uid, object_id, Said.COMMENT, by, _checked(text))

    def reply(self, thread: int, text: str, by: Author) -> None:
        """Answer in a thread. Raises as :meth:`add`, or where there is no such thread."""
        self._follow(thread, Said.COMMENT, by, _checked(text))

    def resolve(self, thread: int, by: Author) -> None:
        """What a thread was about is settled; it stays to be read."""
        self._follow(thread, Said.RESOLVED, by)

    def reopen(self, thread: int, by: Author) -> None:
        """It is not settled after all."""
        self._follow(thread, Said.REOPENED, by)

    def threads(self, uid: str = "") -> list[Thread]:
        """All threads of an image, or of the project; the oldest first."""
        query = select(comments).order_by(comments.c.id)
        if uid:
            query = query.where(comments.c.uid == uid)
        found: dict[int, list[Any]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row.thread or row.id, []).append(row)
        return [_thread(number, rows) for number, rows in found.items()]

    def open_counts(self, uids: Iterable[str]) -> dict[str, int]:
        """uid -> number of threads that are not resolved, of images that have any."""
        decided = comments.c.what != Said.COMMENT.value
        newest = select(func.max(comments.c.id)).where(decided).group_by(comments.c.thread)
        settled = select(comments.c.thread).where(comments.c.id.in_(newest), comments.c.what == Said.RESOLVED.value)
        query = select(comments.c.uid, func.count()).where(comments.c.thread == 0, comments.c.id.not_in(settled))
        found: dict[str, int] = {}
        with self._database.reading() as connection:
            for some in parts(list(uids)):
                rows = connection.execute(query.where(comments.c.uid.in_(some)).group_by(comments.c.uid))
                found.update((uid, number) for uid, number in rows)
        return found

    def _follow(self, thread: int, what: Said, by: Author, text: str = "") -> None:
        with self._database.writing() as connection:
            first = connection.execute(select(comments).where(comments.c.id == thread, comments.c.thread == 0)).first()
            if first is None:
                raise ProjectError(f"There is no comment number {thread} in the project {self._database.place}.")
            _append(connection, thread, first.uid, first.object, what, by, text)


def _append(connection: Any, thread: int, uid: str, object_id: str, what: Said, by: Author, text: str) -> int:
    row = {"thread": thread, "uid": uid, "object": object_id, "what": what.value}
    result = connection.execute(comments.insert().values(**row, who=by.key, time=now(), text=text))
    return int(result.inserted_primary_key[0])


def _thread(number: int, rows: list[Any]) -> Thread:
    entries = tuple(Comment(row.id, Said(row.what), row.who, row.time, row.text) for row in rows)
    return Thread(number, rows[0].uid, rows[0].object, entries)


def _checked(text: str) -> str:
    text = text.strip()
    if not text:
        raise ProjectError("The comment is empty: write what there is to say.")
    if len(text) > LONGEST:
        raise ProjectError(f"The comment has {len(text):,} letters; at most {LONGEST:,} can be kept. Say it shorter.")
    return text
