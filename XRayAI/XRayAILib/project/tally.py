"""Tally: how many of the images assigned to a reader are in which state."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select

from XRayAILib.findings.author import Author
from XRayAILib.project.assignments import assignments
from XRayAILib.project.database import Database, current
from XRayAILib.project.reviews import ReadingState, reviews


@dataclass
class Tally:
    """One reader in one round.

    Attributes
    ----------
    states
        State -> number of images; a draft also where nothing is saved yet.
    begun
        Images of which something is saved that is not submitted, or not any more.
    per_day
        Date, by the clock of UTC -> readings last submitted then that still are.
    """

    reader: str
    round: str
    states: dict[ReadingState, int] = field(default_factory=dict)
    begun: int = 0
    per_day: dict[str, int] = field(default_factory=dict)

    @property
    def assigned(self) -> int:
        return sum(self.states.values())


def tallies(database: Database, reader: str) -> dict[str, Tally]:
    """Round -> tally of a reader."""
    track = Author.person(reader).key
    newest = select(func.max(reviews.c.id)).where(reviews.c.track == track).group_by(reviews.c.uid)
    submitted = (reviews.c.track == track, reviews.c.state == ReadingState.SUBMITTED.value)
    found: dict[str, Tally] = {}
    # Put together here: databases join these three, none of which has an index on what it would need, far slower.
    with database.reading() as connection:
        lists = connection.execute(
            select(assignments.c.round, assignments.c.uid).where(assignments.c.reader == reader)
        ).all()
        steps = connection.execute(select(reviews.c.uid, reviews.c.state).where(reviews.c.id.in_(newest))).all()
        saved = set(connection.scalars(select(current.c.uid).where(current.c.track == track)))
        times = connection.execute(
            select(reviews.c.uid, func.max(reviews.c.time)).where(*submitted).group_by(reviews.c.uid)
        ).all()
    states = {uid: ReadingState(state) for uid, state in steps}
    days = {uid: time[:10] for uid, time in times}
    for name, uid in lists:
        tally = found.get(name) or found.setdefault(name, Tally(reader, name))
        state = states.get(uid, ReadingState.DRAFT)
        tally.states[state] = tally.states.get(state, 0) + 1
        if state.is_open:
            tally.begun += uid in saved
        else:
            tally.per_day[days[uid]] = tally.per_day.get(days[uid], 0) + 1
    for tally in found.values():
        tally.per_day = dict(sorted(tally.per_day.items()))
    return found
