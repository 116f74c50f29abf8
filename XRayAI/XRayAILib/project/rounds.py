"""Rounds: under which conditions images are read, by how many people, and whether it is still going on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, Row, String, Table, select, update

from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, audit, metadata
from XRayAILib.project.errors import ProjectError

rounds = Table(
    "rounds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), unique=True, nullable=False),
    Column("per_image", Integer, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("together", Boolean, nullable=False),
    Column("prelabels", Boolean, nullable=False),
    Column("reveal", String(16), nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("time", String(32), nullable=False),
)


class Reveal(str, Enum):
    """When a reader may see what others say of an image: when the round is closed, or the own reading submitted."""

    CLOSED = "closed"
    SUBMITTED = "submitted"


@dataclass(frozen=True)
class Round:
    """One round of reading.

    Attributes
    ----------
    per_image
        Readers per image.
    seed
        The same seed, images and readers give the same assignment.
    together
        All images of a patient go to the same readers.
    prelabels
        Readers see what a model predicts before they have submitted. Without, they read blinded to it too.
    reveal
        When they may see what others say.
    closed
        It is over: nothing is submitted or changed any more, and everything may be seen.
    """

    name: str
    per_image: int = 1
    seed: int = 0
    together: bool = False
    prelabels: bool = False
    reveal: Reveal = Reveal.CLOSED
    closed: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > 200:
            raise ProjectError(f"'{self.name}' is no name for a round: it needs letters, at most 200 on one line.")
        if self.per_image < 1:
            raise ProjectError(f"{self.per_image} readers per image: it must be at least 1.")


class Rounds:
    """The table ``rounds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Round]:
        """Every round, the first one first."""
        with self._database.reading() as connection:
            return [_round(row) for row in connection.execute(select(rounds).order_by(rounds.c.id))]

    def get(self, name: str) -> Round | None:
        with self._database.reading() as connection:
            return find(connection, name)

    def close(self, name: str, by: str = "") -> None:
        """End a round: its readings stay as they are, and may be seen. :class:`ProjectError` where there is none."""
        self._set_closed(name, True, by)

    def open_again(self, name: str, by: str = "") -> None:
        """Go on with a round that was closed; who has seen others' work meanwhile has seen it."""
        self._set_closed(name, False, by)

    def _set_closed(self, name: str, closed: bool, by: str) -> None:
        with self._database.writing() as connection:
            if find(connection, name) is None:
                known = ", ".join(connection.scalars(select(rounds.c.name).order_by(rounds.c.id))) or "none yet"
                raise ProjectError(f"There is no round '{name}' (there are: {known}).")
            connection.execute(update(rounds).where(rounds.c.name == name).values(closed=closed))
            detail = f"{name}: {'closed' if closed else 'open again'}"
            connection.execute(audit.insert().values(time=now(), who=by, action="round", detail=detail))


def find(connection: Connection, name: str) -> Round | None:
    row = connection.execute(select(rounds).where(rounds.c.name == name)).first()
    return None if row is None else _round(row)


def begin(connection: Connection, wanted: Round) -> Round:
    """Make a round, or give the one of this name.

    Raises
    ------
    ProjectError
        There is one with other conditions, or it is closed.
    """
    there = find(connection, wanted.name)
    if there is None:
        values = {name: getattr(wanted, name) for name in Round.__dataclass_fields__}
        values["reveal"] = wanted.reveal.value
        connection.execute(rounds.insert().values(**values, time=now()))
        return wanted
    if there.closed:
        raise ProjectError(f"The round '{wanted.name}' is closed: open it again, or choose another name.")
    for name in ("per_image", "seed", "together", "prelabels", "reveal"):
        old, new = getattr(there, name), getattr(wanted, name)
        if old != new:
            words = name.replace("_", " ")
            raise ProjectError(
                f"The round '{wanted.name}' began with {words} {_said(old)}, not {_said(new)}: its conditions stay as "
                "they were. Ask for the same, or choose another name."
            )
    return there


def _said(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _round(row: Row[Any]) -> Round:
    conditions = (row.per_image, row.seed, bool(row.together), bool(row.prelabels), Reveal(row.reveal))
    return Round(row.name, *conditions, bool(row.closed))
