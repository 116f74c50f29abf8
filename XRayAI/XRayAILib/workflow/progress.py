"""Progress: how far each reader is in each round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from XRayAILib.project.project import Project
    from XRayAILib.project.tally import Tally


@dataclass(frozen=True)
class Progress:
    """How far one reader is in one round.

    Attributes
    ----------
    assigned
        Images on the reader's list.
    begun
        Of them, those of which something is saved that is not submitted yet; rejected and reopened ones are in it.
    submitted, approved, rejected
        Readings in this state now.
    per_day
        (date, number of readings that were submitted then), by the clock of UTC; one that was submitted again counts
        on the last day.
    """

    reader: str
    round: str
    assigned: int
    begun: int
    submitted: int
    approved: int
    rejected: int
    per_day: tuple[tuple[str, int], ...]

    @property
    def done(self) -> int:
        """Readings with which the reader is through, for now."""
        return self.submitted + self.approved


def progress(project: Project, round_name: str | None = None, reader: str | None = None) -> list[Progress]:
    """How far the readers are, by round and name; of all rounds and readers where none is named."""
    names = [reader] if reader is not None else [person.name for person in project.readers.all()]
    of_reader = [project.reviews.tallies(name) for name in names]
    rounds = [conditions.name for conditions in project.rounds.all() if round_name in (None, conditions.name)]
    return [_progress(tallies[name]) for name in rounds for tallies in of_reader if name in tallies]


def _progress(tally: Tally) -> Progress:
    from XRayAILib.project.reviews import ReadingState

    submitted, approved, rejected = (
        tally.states.get(state, 0) for state in (ReadingState.SUBMITTED, ReadingState.APPROVED, ReadingState.REJECTED)
    )
    days = tuple(tally.per_day.items())
    return Progress(tally.reader, tally.round, tally.assigned, tally.begun, submitted, approved, rejected, days)
