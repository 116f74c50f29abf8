"""Assignments: who reads which image in which round, and in which order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    UniqueConstraint,
    func,
    select,
)

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import now
from XRayAILib.project import rounds as rounds_table
from XRayAILib.project.collection import parts
from XRayAILib.project.database import Database, audit, images, metadata
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.readers import Role, readers, require
from XRayAILib.project.rounds import Round, begin, rounds
from XRayAILib.project.sharing import Group, share_out

assignments = Table(
    "assignments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("round", String(200), nullable=False),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False),
    Column("reader", String(200), ForeignKey("readers.name"), nullable=False),
    Column("position", Integer, nullable=False),  # in the reader's list of the round, from 1
    # A person has one track per image, so nobody reads an image in two rounds.
    UniqueConstraint("uid", "reader", name="one_reading"),
    Index("assignments_of_reader", "reader", "round", "position"),
)


@dataclass(frozen=True)
class Assignment:
    """One image on the list of one reader.

    Attributes
    ----------
    position
        On the reader's list of the round, from 1: all that a blinded reader is told of the image.
    """

    round: str
    uid: str
    reader: str
    position: int


@dataclass(frozen=True)
class Assigned:
    """What an assignment did.

    Attributes
    ----------
    images
        Reader -> images that were added to the list, controls included.
    total
        Reader -> length of the list in this round now.
    short
        uid -> readers that are missing, where there were not enough who may read an image.
    """

    images: Mapping[str, int]
    total: Mapping[str, int]
    short: Mapping[str, int] = field(default_factory=dict)


class Assignments:
    """The table ``assignments``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def assign(
        self, wanted: Round, names: Sequence[str], uids: Iterable[str], controls: Iterable[str] = (), by: str = ""
    ) -> Assigned:
        """Share images out among readers; what was assigned before stays as it was.

        Called again for the same round, it gives new images to the readers, and images that lack readers to those who
        came later. What a reader who no longer takes part has not submitted is given to somebody else.

        Parameters
        ----------
        wanted
            The round, which is made where there is none of this name.
        names
            Readers who get images.
        uids
            Images to read; those of other rounds are not given to the same reader again.
        controls
            Images that every one of the readers gets, hidden among the others.

        Raises
        ------
        ProjectError
            A name is no active reader, there are fewer readers than each image is to have, or the round has other
            conditions.
        """
        names = list(dict.fromkeys(names))
        hidden = sorted(set(controls))
        with self._database.writing() as connection:
            there = {one.reader for one in _in_round(connection, wanted.name)}
            _require_readers(connection, names, there, wanted.per_image)
            normal = sorted(set(uids) - set(hidden))
            _require_images(connection, [*normal, *hidden])
            conditions = begin(connection, wanted)
            before = _in_round(connection, wanted.name)
            rng = random.Random(f"{conditions.seed}/{wanted.name}/{len(before)}")
            groups = _groups(connection, conditions, normal, before)
            loads = Counter(row.reader for row in before if row.uid not in hidden)
            shared = share_out(groups, names, conditions.per_image, loads, rng)
            lists: dict[str, list[str]] = {name: [] for name in names}
            for group, chosen in shared.items():
                for name in chosen:
                    lists[name] += group.members
            elsewhere = _readers_of(connection, hidden)
            for name in names:
                lists[name] += [uid for uid in hidden if name not in elsewhere.get(uid, set())]
            _store(connection, wanted.name, lists, rng)
            short = {
                uid: missing
                for group, chosen in shared.items()
                if (missing := conditions.per_image - len(group.readers) - len(chosen)) > 0
                for uid in group.members
            }
            total = Counter(row.reader for row in _in_round(connection, wanted.name))
            added = {name: len(found) for name, found in lists.items()}
            said = ", ".join(f"{name} {number}" for name, number in added.items())
            detail = f"{wanted.name}: {said} (seed {conditions.seed}, {conditions.per_image} per image)"
            connection.execute(audit.insert().values(time=now(), who=by, action="assign", detail=detail))
        return Assigned(added, dict(total), short)

    def of_reader(self, name: str, round_name: str | None = None) -> list[Assignment]:
        """What a reader has to read, in order: round by round, or of one round."""
        query = select(assignments).join(rounds, rounds.c.name == assignments.c.round)
        query = query.where(assignments.c.reader == name).order_by(rounds.c.id, assignments.c.position)
        if round_name is not None:
            query = query.where(assignments.c.round == round_name)
        with self._database.reading() as connection:
            return [_assignment(row) for row in connection.execute(query)]

    def of_round(self, round_name: str) -> list[Assignment]:
        """All of a round, by reader and position."""
        with self._database.reading() as connection:
            return _in_round(connection, round_name)

    def of_image(self, uid: str) -> list[Assignment]:
        """Who reads an image."""
        query = select(assignments).where(assignments.c.uid == uid).order_by(assignments.c.reader)
        with self._database.reading() as connection:
            return [_assignment(row) for row in connection.execute(query)]

    def of(self, uid: str, name: str) -> Assignment | None:
        """The assignment of an image to a reader, or ``None``."""
        with self._database.reading() as connection:
            return assigned(connection, uid, name)


def assigned(connection: Connection, uid: str, name: str) -> Assignment | None:
    query = select(assignments).where(assignments.c.uid == uid, assignments.c.reader == name)
    row = connection.execute(query).first()
    return None if row is None else _assignment(row)


def is_in_a_round(connection: Connection, uid: str) -> bool:
    """Whether anybody was given this image to read."""
    return connection.scalar(select(assignments.c.id).where(assignments.c.uid == uid).limit(1)) is not None


def closed_round(connection: Connection, uid: str, track: str) -> str:
    """The closed round in which an image was assigned to the person of this track; empty where there is none."""
    kind, _, name = track.partition(":")
    there = assigned(connection, uid, name) if kind == Author.person(name).kind.value else None
    found = rounds_table.find(connection, there.round) if there else None
    return found.name if found and found.closed else ""


def _require_readers(connection: Connection, names: Sequence[str], there: set[str], per_image: int) -> None:
    for name in names:
        if not require(connection, name).is_a(Role.READER):
            raise ProjectError(f"'{name}' has not the role reader, or no longer takes part: readers role, readers add.")
    if not names:
        raise ProjectError(
            "Nobody is registered as a reader of this project. Register those who read first: the panel's section "
            "Readers, or xrayai readers add NAME ..."
        )
    everybody = sorted(there | set(names))
    if len(everybody) < per_image:
        raise ProjectError(
            f"{per_image} readers per image need as many readers; there {'is' if len(everybody) == 1 else 'are'} only "
            f"{len(everybody)}: {', '.join(everybody)}. Register more: xrayai readers add NAME ..."
        )


def _require_images(connection: Connection, uids: Sequence[str]) -> None:
    known = _patients(connection, uids)
    unknown = [uid for uid in uids if uid not in known]
    if unknown:
        raise ProjectError(f"{unknown[0]} is no image of this project; in all {len(unknown)} are not. Scan them first.")


def _groups(
    connection: Connection, conditions: Round, uids: Sequence[str], before: Sequence[Assignment]
) -> list[Group]:
    gone = _given_up(connection, before)
    here: dict[str, set[str]] = {}
    for row in before:
        if (row.uid, row.reader) not in gone:
            here.setdefault(row.uid, set()).add(row.reader)
    everywhere = _readers_of(connection, uids)

    def group(*members: str, preferred: frozenset[str] = frozenset()) -> Group:
        present = frozenset().union(*(here.get(uid, ()) for uid in members))
        return Group(members, present, frozenset().union(*(everywhere.get(uid, ()) for uid in members)), preferred)

    if not conditions.together:
        return [group(uid) for uid in uids]
    patients: dict[str, list[str]] = {}
    for uid, patient in _patients(connection, uids).items():
        patients.setdefault(patient or uid, []).append(uid)
    groups = []
    for members in patients.values():
        # An image that came later goes to the readers of the patient's others, and only then to somebody else.
        known = frozenset().union(*(here.get(uid, ()) for uid in _of_patient(connection, members[0])))
        groups += [group(uid, preferred=known) for uid in members if here.get(uid)]
        fresh = [uid for uid in members if not here.get(uid)]
        if fresh:
            groups.append(group(*fresh, preferred=known))
    return groups


def _of_patient(connection: Connection, uid: str) -> list[str]:
    patient = connection.scalar(select(images.c.patient_id).where(images.c.uid == uid))
    if not patient:
        return [uid]
    return list(connection.scalars(select(images.c.uid).where(images.c.patient_id == patient)))


def _patients(connection: Connection, uids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts(uids):
        rows = connection.execute(select(images.c.uid, images.c.patient_id).where(images.c.uid.in_(part)))
        found.update((uid, patient or "") for uid, patient in rows)
    return found


def _readers_of(connection: Connection, uids: Sequence[str]) -> dict[str, set[str]]:
    """uid -> everybody it was ever assigned to, in any round."""
    found: dict[str, set[str]] = {}
    for part in parts(uids):
        query = select(assignments.c.uid, assignments.c.reader).where(assignments.c.uid.in_(part))
        for uid, name in connection.execute(query):
            found.setdefault(uid, set()).add(name)
    return found


def _given_up(connection: Connection, before: Sequence[Assignment]) -> set[tuple[str, str]]:
    """(uid, reader) of what somebody who no longer takes part has left undone."""
    from XRayAILib.project.reviews import state_of  # which asks this file who reads an image

    inactive = set(connection.scalars(select(readers.c.name).where(readers.c.active.is_(False))))
    return {
        (row.uid, row.reader)
        for row in before
        if row.reader in inactive and state_of(connection, row.uid, Author.person(row.reader).key).is_open
    }


def _in_round(connection: Connection, name: str) -> list[Assignment]:
    query = select(assignments).where(assignments.c.round == name)
    rows = connection.execute(query.order_by(assignments.c.reader, assignments.c.position))
    return [_assignment(row) for row in rows]


def _store(connection: Connection, name: str, lists: Mapping[str, list[str]], rng: random.Random) -> None:
    rows = []
    for reader in sorted(lists):
        uids = sorted(lists[reader])
        rng.shuffle(uids)
        where = (assignments.c.round == name, assignments.c.reader == reader)
        last = connection.scalar(select(func.max(assignments.c.position)).where(*where)) or 0
        rows += [{"round": name, "uid": uid, "reader": reader, "position": last + n} for n, uid in enumerate(uids, 1)]
    if rows:
        connection.execute(assignments.insert(), rows)


def _assignment(row: Row[Any]) -> Assignment:
    return Assignment(row.round, row.uid, row.reader, row.position)
