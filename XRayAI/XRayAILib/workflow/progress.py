"""Progress: how far each reader is in each round."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author
from XRayAILib.project.reviews import ReadingState

if TYPE_CHECKING:
    from XRayAILib.project.assignments import Assignment
    from XRayAILib.project.project import Project


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
    names = [conditions.name for conditions in project.rounds.all() if round_name in (None, conditions.name)]
    found = []
    for name in names:
        lists: dict[str, list[Assignment]] = {}
        for one in project.assignments.of_round(name):
            if reader in (None, one.reader):
                lists.setdefault(one.reader, []).append(one)
        found += [_progress(project, assigned) for assigned in lists.values()]
    return found


def _progress(project: Project, assigned: list[Assignment]) -> Progress:
    reader, name = assigned[0].reader, assigned[0].round
    track = Author.person(reader).key
    states, begun, times = project.reviews.states(track), project.worked_on(track), project.reviews.submitted(track)
    now = [states.get(one.uid, ReadingState.DRAFT) for one in assigned]
    counts = Counter(now)
    open_ones = sum(one.uid in begun and state.is_open for one, state in zip(assigned, now, strict=True))
    done = [times[one.uid][:10] for one, state in zip(assigned, now, strict=True) if not state.is_open]
    return Progress(
        reader,
        name,
        len(assigned),
        open_ones,
        counts[ReadingState.SUBMITTED],
        counts[ReadingState.APPROVED],
        counts[ReadingState.REJECTED],
        tuple(sorted(Counter(done).items())),
    )
