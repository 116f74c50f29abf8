"""The reader's own track of one image: what is stored of it, what is not yet, and what is in its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.merge import merge
from XRayAILib.findings.objects import FindingError
from XRayAILib.project.errors import ConflictError, ProjectError
from XRayAILib.workflow.alike import alike
from XRayAILib.workflow.autosave import Autosave

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.findings.author import Author
    from XRayAILib.project.project import Project


class AnnotationError(RuntimeError):
    """Something that the reader must know before going on: what, where, and what to do."""


class SaveState(str, Enum):
    """Where the drawing is: only on the screen, in the project, refused by it, or set aside there until one chooses."""

    SAVED = "saved"
    UNSAVED = "unsaved"
    FAILED = "not saved"
    CONFLICT = "two versions"


class Choice(str, Enum):
    """What to go on with where another program saved the same track meanwhile."""

    MINE = "mine"
    THEIRS = "theirs"
    MERGE = "merge"


@dataclass(frozen=True)
class Conflict:
    """Another program saved the same reader's track of the image.

    Attributes
    ----------
    base
        The revision that what is drawn here was made from.
    reason
        Who saved when, and what to do.
    """

    base: int
    reason: str


@dataclass(frozen=True)
class Stored:
    """What the project has of a track: its findings, ``None`` for nothing, and the revision they come from."""

    findings: Findings | None
    base: int
    is_aside: bool = False


class OwnTrack:
    """What one reader says of one image, from opening it until another one is shown.

    Parameters
    ----------
    author
        Whose track it is.
    listener
        Called after every change of the state.
    by
        Who saves.

    Attributes
    ----------
    shown
        What was last shown or saved; ``None`` where no image is open.
    state, problem
        Where the drawing is, and why it could not be saved.
    conflict
        Set while two versions wait for a choice.
    """

    def __init__(self, project: Project, author: Author, listener: Callable[[], None], by: Author) -> None:
        self._project, self._author, self._listener, self._by = project, author, listener, by
        self.autosave = Autosave()
        self.shown: Findings | None = None
        self.state, self.problem = SaveState.SAVED, ""
        self.conflict: Conflict | None = None
        self._base = 0

    def read(self, uid: str) -> Stored:
        """What is stored, to be shown; of two versions that wait for a choice the one that was drawn here."""
        aside = self._project.set_aside.waiting(uid, self._author.key)
        if aside is not None:
            return Stored(aside.findings, aside.base, is_aside=True)
        return Stored(*self._project.latest(uid, self._author.key))

    def open(self, shown: Findings, stored: Stored) -> None:
        """These are shown now, as they were read or as an image begins."""
        self.let_go()
        self.shown, self._base = shown, stored.base
        if stored.is_aside:
            self._in_conflict("Two versions of your work on this image wait since another program saved it as well.")

    def let_go(self) -> None:
        """No image is open."""
        self.shown, self.conflict, self._base = None, None, 0
        self.state, self.problem = SaveState.SAVED, ""
        self.autosave.saved()

    def changed(self, now: float) -> None:
        """Something was drawn or said at ``now``."""
        self.autosave.changed(now)
        if self.state is SaveState.SAVED:
            self.state = SaveState.UNSAVED
            self._listener()

    def store(self, drawn: Callable[[Findings], Findings], only_changes: bool, note: str = "") -> Findings:
        """Save what ``drawn`` reads from the canvas, and give it.

        Raises
        ------
        AnnotationError
            With the reason and the way out. What is drawn stays where it is.
        """
        if self.shown is None:
            raise AnnotationError("No image is open, so there is nothing to save.")
        try:
            found = drawn(self.shown)
            if self.conflict is not None:
                self._project.set_aside.keep(found, self.conflict.base)
                self.autosave.saved()
                raise AnnotationError(self.problem)
            if alike(found, self.shown) and (only_changes or self._base):
                found = self.shown
            else:
                self._base = self._project.save(found, by=self._by, base=self._base, note=note)
        except ConflictError as error:
            # First of all both are kept, then the reader is asked.
            self._keep_aside(found)
            self._in_conflict(str(error))
            self._listener()
            raise AnnotationError(self.problem) from error
        except (ProjectError, FindingError, OSError) as error:
            self.state, self.problem = SaveState.FAILED, f"What is drawn is not saved yet. {error}"
            self._listener()
            raise AnnotationError(self.problem) from error
        self.shown = found
        self.autosave.saved()
        self.state, self.problem = SaveState.SAVED, ""
        self._listener()
        return found

    def resolve(self, choice: Choice, mine: Findings) -> Findings:
        """Settle a conflict; gives what is to be shown from now on, which is saved already.

        ``mine`` is what is drawn here. What is not chosen stays in the project: the other version as a revision, the
        one drawn here among what was set aside.

        Raises
        ------
        AnnotationError
            There is no conflict, or it cannot be saved.
        """
        if self.conflict is None or self.shown is None:
            raise AnnotationError("There is only one version of this image, so there is nothing to choose.")
        uid, key = mine.radiograph_uid, self._author.key
        try:
            self._project.set_aside.keep(mine, self.conflict.base)
            theirs, revision = self._project.latest(uid, key)
            if choice is Choice.MINE or theirs is None:
                chosen = mine
            elif choice is Choice.THEIRS:
                chosen = theirs
            else:
                chosen = merge(self._base_findings(mine), mine, theirs)
            note = "" if choice is Choice.THEIRS else f"{choice.value}, after two programs saved it at once"
            revision = self._project.save(chosen, by=self._by, base=revision, note=note)
            self._project.set_aside.settle(uid, key, choice.value)
        except (ProjectError, FindingError, OSError) as error:
            raise AnnotationError(f"The two versions are still both kept. {error}") from error
        self.let_go()
        self.shown, self._base = chosen, revision
        return chosen

    def failed_again(self, shown: Findings, problem: str) -> None:
        """The canvas was emptied and filled again with what could not be saved before: the next try has to save it."""
        self.shown, self.state, self.problem = shown, SaveState.FAILED, problem
        self.autosave.changed(0.0)

    def _base_findings(self, mine: Findings) -> Findings:
        """What both versions were made from."""
        assert self.conflict is not None
        if not self.conflict.base:
            return Findings(mine.radiograph_uid, mine.shape, mine.author)
        return self._project.findings_at(mine.radiograph_uid, self._author.key, self.conflict.base)

    def _keep_aside(self, found: Findings) -> None:
        try:
            self._project.set_aside.keep(found, self._base)
        except (ProjectError, OSError) as error:
            self.state, self.problem = SaveState.FAILED, f"What is drawn is not saved yet. {error}"
            raise AnnotationError(self.problem) from error

    def _in_conflict(self, reason: str) -> None:
        self.conflict = Conflict(self._base, reason)
        self.state, self.problem = SaveState.CONFLICT, reason
        self.autosave.saved()
