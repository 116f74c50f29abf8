"""An adjudicator at work: the readers' versions of an image, and what is decided over them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import ADJUDICATED, Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.blinding import visible_tracks

if TYPE_CHECKING:
    from XRayAILib.project.adjudications import Decision
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class Version:
    """What somebody says of an image, for the adjudicator to choose from.

    Attributes
    ----------
    findings
        Without rejected objects.
    ready
        Whether it can be taken: it is submitted, or it is no person's.
    taken
        Ids of its objects that are in the adjudicated findings.
    """

    findings: Findings
    ready: bool
    taken: frozenset[str]

    @property
    def track(self) -> str:
        return self.findings.author.key

    @property
    def name(self) -> str:
        return self.findings.author.name


class Adjudicating:
    """One adjudicator of a project; see :class:`XRayAILib.project.adjudications.Adjudications` for each decision."""

    def __init__(self, project: Project, person: Author) -> None:
        self.project = project
        self.person = person

    def why_not(self, uid: str) -> str:
        """Why this person cannot decide on an image now; empty where that can be done."""
        return self.project.adjudications.why_not(uid, self.person)

    def versions(self, uid: str) -> list[Version]:
        """What people and models say of an image, people first, by name."""
        decided = self.project.adjudications.findings(uid)
        taken = frozenset(item.derived_from for item in decided or () if item.derived_from)
        steps = self.project.reviews.of_image(uid)
        found = []
        for track in visible_tracks(self.project, self.person, uid):
            kind = track.author.kind
            if kind in (AuthorKind.PERSON, AuthorKind.MODEL):
                step = steps.get(track.author.key)
                ready = kind is AuthorKind.MODEL or bool(step and not step.state.is_open)
                kept = track.without(item.id for item in track if item.status is Status.REJECTED)
                found.append(Version(kept, ready, taken & {item.id for item in kept}))
        return sorted(found, key=lambda version: (version.findings.author.kind is AuthorKind.MODEL, version.name))

    def take(self, uid: str, track: str, ids: Collection[str] | None = None) -> Findings:
        """Take objects over from a version; all of it where ``ids`` is ``None``."""
        return self.project.adjudications.take(uid, self.person, track, ids)

    def merge(self, uid: str, label: str = "") -> tuple[Findings, tuple[str, ...]]:
        """Put the consensus of all submitted readings in place of what was decided on a label, or on all labels.

        Returns
        -------
        The adjudicated findings, and what the consensus left open, in words.
        """
        from XRayAILib.findings.consensus import consensus

        if label and label not in self.project.schema:
            known = ", ".join(one.name for one in self.project.schema)
            raise ProjectError(f"The schema has no label '{label}'; it has {known}.")
        readings = [v.findings for v in self.versions(uid) if v.ready and v.findings.author.kind is AuthorKind.PERSON]
        agreed = consensus(readings, self.project.schema)
        objects = [item for item in agreed.findings if label in ("", item.label)]
        names = ", ".join(reading.author.name for reading in readings)
        how = f"by {agreed.findings.author.name} of {names}"
        decided = self.project.adjudications.merge(uid, self.person, objects, agreed.findings.shape, how)
        return decided, tuple(note for note in agreed.notes if label == "" or note.startswith(label))

    def drop(self, uid: str, ids: Collection[str]) -> Findings:
        """Leave adjudicated objects out again."""
        return self.project.adjudications.drop(uid, self.person, ids)

    def undo(self, uid: str) -> Decision:
        """Take the last decision back."""
        return self.project.adjudications.undo(uid, self.person)

    def redo(self, uid: str) -> Decision:
        """Bring back what was undone last."""
        return self.project.adjudications.redo(uid, self.person)

    def finish(self, uid: str) -> None:
        """It is decided; what nobody took is decided not to be there."""
        self.project.adjudications.finish(uid, self.person, self.project.header(uid).shape)

    def reopen(self, uid: str, reason: str = "") -> None:
        """Go on deciding."""
        self.project.adjudications.reopen(uid, self.person, reason)

    def waiting(self) -> list[str]:
        """The images that at least two people have submitted and of which the adjudication is not finished."""
        from XRayAILib.project.reviews import ReadingState

        readers: dict[str, set[str]] = {}
        finished = set()
        for step in self.project.reviews.in_state(ReadingState.SUBMITTED, ReadingState.APPROVED):
            if step.track == ADJUDICATED.key:
                finished.add(step.uid)
            else:
                readers.setdefault(step.uid, set()).add(step.track)
        return [uid for uid, tracks in readers.items() if len(tracks) > 1 and uid not in finished]
