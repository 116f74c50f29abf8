"""A person at work in a study with several readers: what is to be read, submitting, and reviewing what others read.

::

    study = ReaderStudy(project, Author.person("anna"))
    study.submit(uid, confirm=ask)        # refused where the guidelines are broken
    uid = study.next_assigned(uid)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import ADJUDICATED, Author, AuthorKind
from XRayAILib.findings.findings import Findings
from XRayAILib.workflow.blinding import visible_tracks, worklist

if TYPE_CHECKING:
    from XRayAILib.findings.guidelines import Violation
    from XRayAILib.project.project import Project
    from XRayAILib.project.reviews import ReadingState


class SubmitError(RuntimeError):
    """A reading that cannot be submitted.

    Attributes
    ----------
    violations
        What the guidelines refuse.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        listed = "\n".join(f"- {violation.message}" for violation in self.violations)
        super().__init__(f"The reading cannot be submitted yet; the guidelines refuse:\n{listed}")


@dataclass(frozen=True)
class Reading:
    """What one person says of an image, as a reviewer sees it.

    Attributes
    ----------
    reason
        Why it was rejected or reopened; else empty.
    time
        Of the last step; empty where there was none.
    objects
        Number of objects.
    """

    track: str
    name: str
    state: ReadingState
    reason: str
    time: str
    objects: int


class ReaderStudy:
    """One person at work on a project.

    Parameters
    ----------
    project
        Open, and open as long as this.
    person
        Who it is; registered in the project or not.
    """

    def __init__(self, project: Project, person: Author) -> None:
        self.project = project
        self.person = person

    def check(self, uid: str) -> list[Violation]:
        """What the guidelines say against the person's own reading, the worst first."""
        return self._check(self.project.findings(uid, self.person.key) or self._nothing(uid))

    def submit(self, uid: str, confirm: Callable[[Sequence[Violation]], bool] = lambda warnings: False) -> bool:
        """Submit the person's own reading as it is saved; one in which nothing is drawn says that there is nothing.

        Parameters
        ----------
        confirm
            Asked with what the guidelines warn of, where they refuse nothing.

        Returns
        -------
        bool
            False where ``confirm`` said no: then nothing has changed.

        Raises
        ------
        SubmitError
            The guidelines refuse something.
        ProjectError
            This person cannot submit this image now.
        """
        from XRayAILib.findings.rule import Severity
        from XRayAILib.project.errors import ProjectError
        from XRayAILib.project.reviews import ReadingState

        problem = self.project.reviews.why_not(ReadingState.SUBMITTED, uid, self.person.key, self.person)
        if problem:
            raise ProjectError(problem)
        findings, revision = self.project.latest(uid, self.person.key)
        if findings is None:
            findings = self._nothing(uid)
            revision = self.project.save(findings, base=0)
        violations = self._check(findings)
        refused = [violation for violation in violations if violation.severity is Severity.REFUSE]
        if refused:
            raise SubmitError(refused)
        warned = [violation for violation in violations if violation.severity is Severity.WARN]
        if warned and not confirm(warned):
            return False
        self.project.reviews.submit(uid, self.person, revision)
        return True

    def approve(self, uid: str, track: str) -> None:
        """See :meth:`XRayAILib.project.reviews.Reviews.approve`."""
        self.project.reviews.approve(uid, track, self.person)

    def reject(self, uid: str, track: str, reason: str) -> None:
        """See :meth:`XRayAILib.project.reviews.Reviews.reject`."""
        self.project.reviews.reject(uid, track, self.person, reason)

    def reopen(self, uid: str, track: str, reason: str = "") -> None:
        """See :meth:`XRayAILib.project.reviews.Reviews.reopen`."""
        self.project.reviews.reopen(uid, track, self.person, reason)

    def next_assigned(self, uid: str | None = None) -> str | None:
        """The next image on the person's list that is not submitted, after ``uid``, then from the beginning."""
        return self._next(worklist(self.project, self.person) or [], uid)

    def next_to_review(self, uid: str | None = None) -> str | None:
        """The next image with a reading of somebody else that is submitted and waits for a review."""
        from XRayAILib.project.reviews import ReadingState

        waiting = self.project.reviews.in_state(ReadingState.SUBMITTED)
        uids = list(dict.fromkeys(step.uid for step in waiting if step.track != self.person.key))
        place = uids.index(uid) + 1 if uid in uids else 0
        order = [one for one in [*uids[place:], *uids[:place]] if one != uid]
        return order[0] if order else None

    def readings(self, uid: str) -> list[Reading]:
        """What people say of an image, as far as this person may see it; by name, the adjudication last."""
        from XRayAILib.project.reviews import ReadingState

        steps = self.project.reviews.of_image(uid)
        found = []
        for findings in visible_tracks(self.project, self.person, uid):
            author = findings.author
            if author.kind is AuthorKind.PERSON or author == ADJUDICATED:
                step = steps.get(author.key)
                state = step.state if step else ReadingState.DRAFT
                reason, time = (step.reason, step.time) if step else ("", "")
                found.append(Reading(author.key, author.name, state, reason, time, len(findings)))
        return sorted(found, key=lambda reading: (reading.track == ADJUDICATED.key, reading.name))

    def _next(self, uids: list[str], uid: str | None) -> str | None:
        from XRayAILib.project.reviews import ReadingState

        states = self.project.reviews.states(self.person.key)
        place = uids.index(uid) + 1 if uid in uids else 0
        order = [one for one in [*uids[place:], *uids[:place]] if one != uid]
        return next((one for one in order if states.get(one, ReadingState.DRAFT).is_open), None)

    def _nothing(self, uid: str) -> Findings:
        header = self.project.header(uid)
        return Findings(uid, header.shape, self.person)

    def _check(self, findings: Findings) -> list[Violation]:
        from XRayAILib.findings.guidelines import check

        header = self.project.header(findings.radiograph_uid)
        return check(findings, self.project.schema, header.spacing, header.laterality)
