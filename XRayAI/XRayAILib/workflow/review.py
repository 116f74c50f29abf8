"""Review: a person accepts or rejects what a model says of an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Polygon

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


NAMED = 4
"""So many accepted objects are named; more are counted."""


class ReviewError(RuntimeError):
    """A review that cannot be done, and why."""


@dataclass(frozen=True)
class Accepted:
    """What an acceptance did.

    Attributes
    ----------
    taken
        Titles of the labels of the objects that were taken over.
    kept
        Titles of the labels of which the person's own drawing was kept instead.
    """

    taken: tuple[str, ...]
    kept: tuple[str, ...]

    def text(self) -> str:
        """In a sentence."""
        count = len(self.taken)
        names = ", ".join(dict.fromkeys(self.taken))
        if not count:
            said = "Nothing to take over."
        elif count > NAMED:
            said = f"Accepted {count} objects."
        else:
            said = f"Accepted: {names}."
        if self.kept:
            said += f" Your own drawing was kept for {', '.join(dict.fromkeys(self.kept))}."
        return said


class Review:
    """Reviews of a project by one person."""

    def __init__(self, project: Project, person: Author) -> None:
        if person.kind is not AuthorKind.PERSON:
            raise ReviewError(f"{person.key} is no person: only people review.")
        self.project = project
        self.person = person

    def accept(self, uid: str) -> Accepted:
        """Take the newest prediction into the person's findings, as approved.

        Each object stays the model's (``author``), remembers the prediction (``derived_from``), and keeps its score.
        Objects of an earlier acceptance make room. What the person drew is never replaced: where both have a label of
        which there can be one only, the person's stays. With the first acceptance, imported objects of other labels
        come along: they are as true as before, and the person's findings are what counts from now on.
        """
        prediction = self._prediction(uid)
        before = self.project.findings(uid, self.person.key) or self._imported(prediction)
        own = before.without(o.id for o in before if _taken_over(o))
        drawn = {o.label for o in own if o.status is not Status.REJECTED}
        earlier = {o.derived_from: o for o in before if _taken_over(o)}
        taken, kept = [], []
        for item in prediction:
            if item.label in drawn and not isinstance(item, (Box, Polygon)):
                kept.append(item.label)
            elif item.id in earlier:
                taken.append(earlier[item.id].changed(status=Status.APPROVED))
            else:
                taken.append(item.derived(item.author, status=Status.APPROVED))
        self._lift_rejection(prediction)
        self.project.save(own.with_objects(taken), by=self.person)
        self.project.audit("accept", f"{prediction.author.key} on {uid}", self.person.key)
        return Accepted(tuple(self._title(o.label) for o in taken), tuple(self._title(label) for label in kept))

    def reject(self, uid: str) -> None:
        """Mark the newest prediction as rejected, and withdraw what was accepted from models before."""
        prediction = self._prediction(uid)
        mine = self.project.findings(uid, self.person.key)
        if mine is not None:
            withdrawn = mine.each(lambda o: o.changed(status=Status.REJECTED) if _taken_over(o) else o)
            if not any(o.author.kind is AuthorKind.PERSON for o in mine):
                # What came along from the import goes back, so that the whole import counts again.
                withdrawn = withdrawn.without(o.id for o in mine if o.author.kind is AuthorKind.IMPORT)
            self.project.save(withdrawn, by=self.person)
        self.project.save(prediction.each(lambda o: o.changed(status=Status.REJECTED)), by=self.person)
        self.project.audit("reject", f"{prediction.author.key} on {uid}", self.person.key)

    def _title(self, label: str) -> str:
        return self.project.schema[label].title if label in self.project.schema else label

    def _prediction(self, uid: str) -> Findings:
        prediction = self.project.prediction(uid)
        if prediction is None:
            raise ReviewError("There is no prediction for this radiograph: predict first.")
        if not prediction.objects:
            raise ReviewError(f"{prediction.author.name} found nothing in this radiograph: there is nothing to review.")
        return prediction

    def _imported(self, prediction: Findings) -> Findings:
        """What was imported of labels that the prediction says nothing of, as a beginning for the person's findings."""
        reference = self.project.reference(prediction.radiograph_uid)
        objects = reference.objects if reference and reference.author.kind is AuthorKind.IMPORT else ()
        others = tuple(o for o in objects if o.label not in prediction.labels())
        return Findings(prediction.radiograph_uid, prediction.shape, self.person, others)

    def _lift_rejection(self, prediction: Findings) -> None:
        lifted = prediction.each(lambda o: o.changed(status=Status.DRAFT) if o.status is Status.REJECTED else o)
        self.project.save(lifted, by=self.person)


def open_prediction(project: Project, uid: str) -> Findings | None:
    """The newest prediction without what was rejected or taken over already: what is left to look at."""
    prediction = project.prediction(uid)
    if prediction is None:
        return None
    people = (track for track in project.tracks(uid) if track.author.kind is AuthorKind.PERSON)
    taken = {o.derived_from for track in people for o in track if o.status is not Status.REJECTED}
    return prediction.without(o.id for o in prediction if o.status is Status.REJECTED or o.id in taken)


def _taken_over(item: FindingObject) -> bool:
    return item.author.kind is AuthorKind.MODEL
