"""Readers: the people who work on a project, and what each of them may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Row, String, Table, select, update

from XRayAILib.findings.author import Author, AuthorKind
from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, audit, metadata
from XRayAILib.project.errors import ProjectError

readers = Table(
    "readers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("roles", String(64), nullable=False),  # values of Role, with commas between them
    Column("active", Boolean, nullable=False),
    Column("since", String(32), nullable=False),
)


class Role(str, Enum):
    """What a person does in a project; one person may have several roles."""

    READER = "reader"
    REVIEWER = "reviewer"
    ADJUDICATOR = "adjudicator"


@dataclass(frozen=True)
class Reader:
    """One person.

    Attributes
    ----------
    name
        As in the settings of the panel; ``person:<name>`` is the track of this person's findings.
    active
        Whether this person still takes part. Nobody is ever deleted who has said something.
    since
        ISO 8601, UTC.
    """

    name: str
    roles: frozenset[Role]
    active: bool = True
    since: str = ""

    @property
    def author(self) -> Author:
        return Author.person(self.name)

    def is_a(self, *roles: Role) -> bool:
        """Whether this person takes part in one of these roles."""
        return self.active and not self.roles.isdisjoint(roles)

    @property
    def roles_text(self) -> str:
        """Such as ``reader, reviewer``, in the order of :class:`Role`."""
        return ", ".join(role.value for role in Role if role in self.roles)


class Readers:
    """The table ``readers``. A project where nobody is registered has one user, who may do everything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Reader]:
        """Everybody, by name; those who no longer take part too."""
        with self._database.reading() as connection:
            rows = connection.execute(select(readers).order_by(readers.c.name)).all()
        return [_reader(row) for row in rows]

    def any(self) -> bool:
        """Whether anybody is registered: only then do roles and blinding count."""
        with self._database.reading() as connection:
            return anybody(connection)

    def get(self, name: str) -> Reader | None:
        """The person of this name, or ``None``."""
        with self._database.reading() as connection:
            return find(connection, name)

    def add(self, name: str, roles: Iterable[Role | str] = (Role.READER,), by: str = "") -> Reader:
        """Register a person, or let one take part again; the roles are these from now on.

        Raises
        ------
        ProjectError
            The name is empty or has letters that no name has, or there is no such role.
        """
        name = _written(name)
        wanted = _roles(roles)
        with self._database.writing() as connection:
            if find(connection, name) is None:
                row = {"name": name, "roles": _text(wanted), "active": True, "since": now()}
                connection.execute(readers.insert().values(**row))
            else:
                values = {"roles": _text(wanted), "active": True}
                connection.execute(update(readers).where(readers.c.name == name).values(values))
            _note(connection, by, f"{name}: {_text(wanted)}")
            found = find(connection, name)
        assert found is not None
        return found

    def set_roles(self, name: str, roles: Iterable[Role | str], by: str = "") -> None:
        """Give a person these roles, in place of those before. Raises as :meth:`add`, or where nobody has the name."""
        wanted = _roles(roles)
        with self._database.writing() as connection:
            require(connection, name)
            connection.execute(update(readers).where(readers.c.name == name).values(roles=_text(wanted)))
            _note(connection, by, f"{name}: {_text(wanted)}")

    def remove(self, name: str, by: str = "") -> None:
        """Let a person take part no longer. What this person drew and was assigned stays."""
        with self._database.writing() as connection:
            require(connection, name)
            connection.execute(update(readers).where(readers.c.name == name).values(active=False))
            _note(connection, by, f"{name}: no longer takes part")


def anybody(connection: Connection) -> bool:
    return connection.scalar(select(readers.c.name).limit(1)) is not None


def find(connection: Connection, name: str) -> Reader | None:
    row = connection.execute(select(readers).where(readers.c.name == name)).first()
    return None if row is None else _reader(row)


def require(connection: Connection, name: str) -> Reader:
    """The person of this name; :class:`ProjectError` says who there is instead."""
    found = find(connection, name)
    if found is None:
        known = ", ".join(connection.scalars(select(readers.c.name).order_by(readers.c.name))) or "nobody yet"
        raise ProjectError(f"'{name}' is no reader of this project (there are: {known}). Register with: readers add.")
    return found


def person_of(connection: Connection, author: Author) -> Reader | None:
    """The registered person that an author is."""
    return find(connection, author.name) if author.kind is AuthorKind.PERSON else None


def those_who_are(connection: Connection, role: Role) -> str:
    """Who takes part in a role, for a message: `` (there are: ada, ruth)``."""
    people = [_reader(row) for row in connection.execute(select(readers).order_by(readers.c.name))]
    names = [person.name for person in people if person.is_a(role)]
    return f" (there {'is' if len(names) == 1 else 'are'}: {', '.join(names) or 'nobody'})"


def _written(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or "," in name or len(name) > 200:
        raise ProjectError(
            f"'{name}' is no name for a reader: it needs letters, at most 200, and has no comma and no line break."
        )
    return name


def _roles(roles: Iterable[Role | str]) -> frozenset[Role]:
    known = {role.value for role in Role}
    texts = [role.value if isinstance(role, Role) else role.strip().lower() for role in roles]
    for text in texts:
        if text not in known:
            raise ProjectError(f"'{text}' is no role; there are {', '.join(role.value for role in Role)}.")
    if not texts:
        raise ProjectError(f"A reader needs at least one role of {', '.join(role.value for role in Role)}.")
    return frozenset(Role(text) for text in texts)


def _text(roles: frozenset[Role]) -> str:
    return ",".join(role.value for role in Role if role in roles)


def _reader(row: Row[Any]) -> Reader:
    return Reader(row.name, frozenset(Role(role) for role in row.roles.split(",")), bool(row.active), row.since)


def _note(connection: Connection, by: str, detail: str) -> None:
    connection.execute(audit.insert().values(time=now(), who=by, action="readers", detail=detail))
