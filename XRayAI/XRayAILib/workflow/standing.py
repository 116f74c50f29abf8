"""Where a person stands with a project and one of its images: what a panel shows, and what may be done now.

Reasons why something cannot be done are sentences for that person; they are empty where it can be done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import ADJUDICATED, Author
from XRayAILib.workflow.adjudicating import Adjudicating, Version
from XRayAILib.workflow.reader_study import ReaderStudy, Reading

if TYPE_CHECKING:
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.project.project import Project
    from XRayAILib.project.reviews import ReadingState, Step
    from XRayAILib.workflow.progress import Progress


@dataclass(frozen=True)
class Own:
    """The person's own reading of an image.

    Attributes
    ----------
    last
        The newest step, which says who rejected it and why; ``None`` where there was none.
    no_submit, no_take_back
        Why it cannot be submitted, or taken back.
    """

    state: ReadingState
    last: Step | None
    no_submit: str
    no_take_back: str


@dataclass(frozen=True)
class Judged:
    """A reading of somebody else, for a reviewer, with the reasons why it cannot be approved, rejected or reopened."""

    reading: Reading
    no_approve: str
    no_reject: str
    no_reopen: str


@dataclass(frozen=True)
class Deciding:
    """What an adjudicator has before the eyes.

    Attributes
    ----------
    problem
        Why nothing can be decided now.
    state
        ``APPROVED`` where it is finished.
    shape
        (rows, columns) of the image.
    undo, redo
        What would be undone and done again; empty where there is nothing.
    """

    problem: str
    state: ReadingState
    shape: tuple[int, int]
    decided: tuple[FindingObject, ...]
    versions: tuple[Version, ...]
    undo: str
    redo: str
    no_reopen: str


@dataclass(frozen=True)
class Standing:
    """One person before one image.

    Attributes
    ----------
    roles
        Such as ``reader, reviewer``; empty for somebody who is not registered or no longer takes part.
    registered
        The names of all who take part; none in a project of one user.
    rounds
        How far this person is in each round that goes on.
    judged
        For a reviewer; ``None`` for anybody else, and ``deciding`` likewise for an adjudicator.
    """

    name: str
    roles: str
    registered: tuple[str, ...]
    rounds: tuple[Progress, ...]
    own: Own
    judged: tuple[Judged, ...] | None
    deciding: Deciding | None


def standing(project: Project, person: Author, uid: str) -> Standing:
    """Where a person stands with an image now; without one (an empty ``uid``) only with the project."""
    from XRayAILib.project.readers import Role
    from XRayAILib.project.reviews import ReadingState
    from XRayAILib.workflow.progress import progress

    everybody = project.readers.all()
    reader = next((one for one in everybody if one.name == person.name and one.active), None)
    why = project.reviews.why_not
    own = Own(
        project.reviews.state(uid, person.key),
        project.reviews.last(uid, person.key),
        why(ReadingState.SUBMITTED, uid, person.key, person),
        why(ReadingState.REOPENED, uid, person.key, person),
    )
    closed = {conditions.name for conditions in project.rounds.all() if conditions.closed}
    return Standing(
        person.name,
        reader.roles_text if reader else "",
        tuple(one.name for one in everybody if one.active),
        tuple(one for one in progress(project, reader=person.name) if one.round not in closed),
        own,
        _judged(project, person, uid) if uid and reader and reader.is_a(Role.REVIEWER) else None,
        _deciding(project, person, uid) if uid and reader and reader.is_a(Role.ADJUDICATOR) else None,
    )


def _judged(project: Project, person: Author, uid: str) -> tuple[Judged, ...]:
    from XRayAILib.project.reviews import ReadingState

    found = []
    for reading in ReaderStudy(project, person).readings(uid):
        if reading.track != ADJUDICATED.key:
            states = (ReadingState.APPROVED, ReadingState.REJECTED, ReadingState.REOPENED)
            found.append(Judged(reading, *(project.reviews.why_not(to, uid, reading.track, person) for to in states)))
    return tuple(found)


def _deciding(project: Project, person: Author, uid: str) -> Deciding:
    work = Adjudicating(project, person)
    decided = project.adjudications.findings(uid)
    undo, redo = project.adjudications.can_undo(uid), project.adjudications.can_redo(uid)
    return Deciding(
        work.why_not(uid),
        project.reviews.state(uid, ADJUDICATED.key),
        project.header(uid).shape,
        decided.objects if decided else (),
        tuple(work.versions(uid)),
        f"{undo.action} {undo.detail}".strip() if undo else "",
        f"{redo.action} {redo.detail}".strip() if redo else "",
        project.adjudications.why_not_reopen(uid, person),
    )
