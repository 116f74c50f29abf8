"""Reviews: how far each reading is, and the log of every step, to which is only ever added.

A reading is what one author says of one image: a track. It begins as a draft; its reader submits it, and a reviewer
approves it, or rejects it with a reason, after which it is the reader's again. What is submitted or approved cannot be
changed until it is opened again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, Row, String, Table, Text, func, select

from XRayAILib.findings.author import ADJUDICATED, Author, Status
from XRayAILib.findings.objects import now
from XRayAILib.project.assignments import assigned, closed_round, is_in_a_round
from XRayAILib.project.database import Database, audit, current, metadata
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.readers import Role, anybody, person_of, those_who_are

if TYPE_CHECKING:
    # The history asks this file whether a track may be changed.
    from XRayAILib.project.history import History
    from XRayAILib.project.tally import Tally

reviews = Table(
    "reviews",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False),
    Column("track", String(300), nullable=False),
    Column("state", String(16), nullable=False),  # the state after it
    Column("who", String(300), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("time", String(32), nullable=False),
    Column("revision", Integer, nullable=False),  # of the track, when it was taken
    Index("reviews_of_track", "track", "uid"),
    Index("reviews_of_image", "uid"),
)


class ReadingState(str, Enum):
    """How far a reading is."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    REOPENED = "reopened"

    @property
    def is_open(self) -> bool:
        """Whether its reader still works on it."""
        return self not in (ReadingState.SUBMITTED, ReadingState.APPROVED)


STATUS = {ReadingState.SUBMITTED: Status.SUBMITTED, ReadingState.APPROVED: Status.APPROVED}
"""What the objects of a reading are that has come to this state; in every other one they are drafts."""


@dataclass(frozen=True)
class Step:
    """One step of a reading, as it stands in the log.

    Attributes
    ----------
    id
        The later, the higher.
    track
        Whose reading it is.
    state
        What it was from then on.
    who
        Key of the person who took the step.
    revision
        Of the track, as it was then.
    """

    id: int
    uid: str
    track: str
    state: ReadingState
    who: str
    reason: str
    time: str
    revision: int

    @property
    def words(self) -> str:
        """For the history of an image, such as ``rejected: too large``."""
        return in_words(self.state, self.reason)


class Reviews:
    """The table ``reviews``."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def state(self, uid: str, track: str) -> ReadingState:
        """How far a reading is; a draft where no step was ever taken."""
        with self._database.reading() as connection:
            return state_of(connection, uid, track)

    def states(self, track: str) -> dict[str, ReadingState]:
        """uid -> state of all readings of an author that ever took a step."""
        with self._database.reading() as connection:
            newest = select(func.max(reviews.c.id)).where(reviews.c.track == track).group_by(reviews.c.uid)
            rows = connection.execute(select(reviews.c.uid, reviews.c.state).where(reviews.c.id.in_(newest)))
            return {uid: ReadingState(state) for uid, state in rows}

    def last(self, uid: str, track: str) -> Step | None:
        """The newest step of a reading: who took it, and why."""
        with self._database.reading() as connection:
            return _last(connection, uid, track)

    def of_image(self, uid: str) -> dict[str, Step]:
        """Track -> newest step, of all readings of an image that ever took one."""
        with self._database.reading() as connection:
            return states_of_image(connection, uid)

    def log(self, uid: str | None = None) -> list[Step]:
        """Every step of an image, or of all, the oldest first."""
        query = select(reviews).order_by(reviews.c.id)
        if uid is not None:
            query = query.where(reviews.c.uid == uid)
        with self._database.reading() as connection:
            return [step_of(row) for row in connection.execute(query)]

    def in_state(self, *states: ReadingState) -> list[Step]:
        """The readings that are in one of these states now, with the step that brought them there, the oldest first."""
        newest = select(func.max(reviews.c.id)).group_by(reviews.c.uid, reviews.c.track)
        query = select(reviews).where(reviews.c.id.in_(newest), reviews.c.state.in_([state.value for state in states]))
        with self._database.reading() as connection:
            return [step_of(row) for row in connection.execute(query.order_by(reviews.c.id))]

    def submitted(self, track: str) -> dict[str, str]:
        """uid -> time at which an author last submitted it, ISO 8601, UTC; whatever became of it since."""
        query = select(reviews.c.uid, func.max(reviews.c.time)).group_by(reviews.c.uid)
        chosen = query.where(reviews.c.track == track, reviews.c.state == ReadingState.SUBMITTED.value)
        with self._database.reading() as connection:
            return {uid: str(time) for uid, time in connection.execute(chosen)}

    def tallies(self, reader: str) -> dict[str, Tally]:
        """Round -> how many of the images assigned to a reader are in which state."""
        from XRayAILib.project.tally import tallies  # which counts in this table

        return tallies(self._database, reader)

    def why_locked(self, uid: str, track: str) -> str:
        """Why nothing can be changed in a track; empty where it can be."""
        with self._database.reading() as connection:
            return why_locked(connection, uid, track)

    def why_not(self, to: ReadingState, uid: str, track: str, by: Author) -> str:
        """Why a person cannot bring a reading to a state now, with the way out; empty where that can be done."""
        with self._database.reading() as connection:
            return _why_not(connection, to, uid, track, by)

    def submit(self, uid: str, by: Author, revision: int = 0) -> None:
        """A reader's own reading is done.

        Parameters
        ----------
        revision
            The revision that was checked before; where another one was saved since, it must be checked first.

        Raises
        ------
        ProjectError
            This person cannot do this now; also for the other steps.
        """
        self._take(ReadingState.SUBMITTED, uid, by.key, by, "", revision)

    def approve(self, uid: str, track: str, by: Author) -> None:
        """A reviewer finds a reading good."""
        self._take(ReadingState.APPROVED, uid, track, by, "")

    def reject(self, uid: str, track: str, by: Author, reason: str) -> None:
        """A reviewer gives a reading back, and says why. What is drawn stays, for its reader to correct."""
        if not reason.strip():
            raise ProjectError("Say why the reading is rejected: its reader must know what to correct.")
        self._take(ReadingState.REJECTED, uid, track, by, reason.strip())

    def reopen(self, uid: str, track: str, by: Author, reason: str = "") -> None:
        """A reading is its reader's again: the reader withdraws it before the review, or a reviewer opens it."""
        self._take(ReadingState.REOPENED, uid, track, by, reason.strip())

    def _take(
        self, to: ReadingState, uid: str, track: str, by: Author, reason: str, revision: int | None = None
    ) -> None:
        with self._database.writing() as connection:
            problem = _why_not(connection, to, uid, track, by)
            if problem:
                raise ProjectError(problem)
            if revision and revision != _revision(connection, uid, track):
                raise ProjectError("The reading was changed while it was checked: check it again, then submit it.")
            take(connection, self._history, to, uid, track, by, reason)


def in_words(state: ReadingState, reason: str) -> str:
    """A step for the history of an image, such as ``rejected: too large``."""
    return f"{state.value}: {reason}" if reason else state.value


def take(
    connection: Connection, history: History, to: ReadingState, uid: str, track: str, by: Author, reason: str = ""
) -> None:
    """Write a step into the log, and let the objects and the image follow; whether it may be taken was asked before."""
    revision = _revision(connection, uid, track)
    row = {"uid": uid, "track": track, "state": to.value, "who": by.key, "reason": reason, "time": now()}
    connection.execute(reviews.insert().values(**row, revision=revision))
    history.set_object_status(connection, uid, track, STATUS.get(to, Status.DRAFT), by, in_words(to, reason))
    detail = f"{track} on {uid}" + (f": {reason}" if reason else "")
    connection.execute(audit.insert().values(time=now(), who=by.key, action=f"review: {to.value}", detail=detail))


def state_of(connection: Connection, uid: str, track: str) -> ReadingState:
    """How far a reading is."""
    last = _last(connection, uid, track)
    return last.state if last else ReadingState.DRAFT


def states_of_image(connection: Connection, uid: str) -> dict[str, Step]:
    """Track -> newest step, of all readings of an image that ever took one."""
    newest = select(func.max(reviews.c.id)).where(reviews.c.uid == uid).group_by(reviews.c.track)
    rows = connection.execute(select(reviews).where(reviews.c.id.in_(newest)))
    return {row.track: step_of(row) for row in rows}


def why_locked(connection: Connection, uid: str, track: str) -> str:
    """Why nothing can be changed in a track; empty where it can be."""
    last = _last(connection, uid, track)
    if last and not last.state.is_open:
        whose = "The adjudication" if track == ADJUDICATED.key else "The reading"
        return f"{whose} was {last.state.value} by {_name(last.who)} on {last.time[:10]}: it must be reopened first."
    name = closed_round(connection, uid, track)
    return f"The round '{name}' is closed, so its readings stay as they are." if name else ""


def _why_not(connection: Connection, to: ReadingState, uid: str, track: str, by: Author) -> str:
    state, own, alone = state_of(connection, uid, track), by.key == track, not anybody(connection)
    if to is ReadingState.SUBMITTED:
        if not own:
            return f"Only {_name(track)} submits what {_name(track)} has drawn."
        if not state.is_open:
            return f"It is {state.value} already."
        return "" if alone else _why_no_reader(connection, uid, by)
    if track == ADJUDICATED.key:
        return "An adjudication is finished and reopened by an adjudicator, not by a review."
    if to is ReadingState.REOPENED and state.is_open:
        return "It is open already: only what is submitted or approved can be reopened."
    if to is ReadingState.REOPENED and own and state is ReadingState.SUBMITTED:
        return "" if alone else _why_no_reader(connection, uid, by)
    if alone and to is ReadingState.REOPENED and own:
        return ""
    problem = _why_no_reviewer(connection, uid, by)
    if not problem and own:
        problem = "Nobody reviews own work: another reviewer has to."
    if not problem and to is ReadingState.APPROVED and state is not ReadingState.SUBMITTED:
        problem = f"It is {_word(state)}: only what was submitted can be approved."
    if not problem and to is ReadingState.REJECTED and state.is_open:
        problem = f"It is {_word(state)}: only what was submitted or approved can be rejected."
    closed = closed_round(connection, uid, track) if not problem and to is not ReadingState.APPROVED else ""
    return f"The round '{closed}' is closed: open it again before a reading is given back." if closed else problem


def _why_no_reader(connection: Connection, uid: str, by: Author) -> str:
    person = person_of(connection, by)
    if person is None or not person.is_a(Role.READER):
        there = those_who_are(connection, Role.READER)
        return f"'{by.name}' is no active reader of this project{there}. Choose your name, or be registered first."
    closed = closed_round(connection, uid, by.key)
    if closed:
        return f"The round '{closed}' is closed: nothing is submitted any more."
    if not assigned(connection, uid, by.name) and is_in_a_round(connection, uid):
        return "This image is not assigned to you; it is read by others."
    return ""


def _why_no_reviewer(connection: Connection, uid: str, by: Author) -> str:
    if not anybody(connection):
        return "Nobody is registered in this project. Reviews begin with people who have roles: readers add."
    person = person_of(connection, by)
    if person is None or not person.is_a(Role.REVIEWER):
        there = those_who_are(connection, Role.REVIEWER)
        return f"'{by.name}' is no active reviewer of this project{there}: reviewers approve, reject and reopen."
    if must_read_first(connection, uid, by):
        return "This image is assigned to you as well: submit your own reading first."
    return ""


def must_read_first(connection: Connection, uid: str, by: Author) -> bool:
    """Whether a person still reads an image in a round that goes on, and so must not know what others say of it."""
    if not assigned(connection, uid, by.name) or closed_round(connection, uid, by.key):
        return False
    return state_of(connection, uid, by.key).is_open


def _word(state: ReadingState) -> str:
    return "a draft" if state is ReadingState.DRAFT else state.value


def _name(key: str) -> str:
    return key.partition(":")[2]


def _revision(connection: Connection, uid: str, track: str) -> int:
    query = select(current.c.revision).where(current.c.uid == uid, current.c.track == track)
    found = connection.scalar(query)
    if found is None:
        raise ProjectError(f"{_name(track)} has not saved anything of {uid} yet, so there is nothing to submit.")
    return int(found)


def _last(connection: Connection, uid: str, track: str) -> Step | None:
    query = select(reviews).where(reviews.c.uid == uid, reviews.c.track == track).order_by(reviews.c.id.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else step_of(row)


def step_of(row: Row[Any]) -> Step:
    return Step(row.id, row.uid, row.track, ReadingState(row.state), row.who, row.reason, row.time, row.revision)
