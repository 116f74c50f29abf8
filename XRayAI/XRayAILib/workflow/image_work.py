"""One reader at work on one image: what is drawn and said, saved as it changes, and the time that it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError
from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.blinding import may_see
from XRayAILib.workflow.own_track import AnnotationError, Choice, Conflict, OwnTrack, SaveState
from XRayAILib.workflow.shown_image import ShownImage
from XRayAILib.workflow.start import Start, pre_label
from XRayAILib.workflow.stopwatch import Stopwatch

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.dicom.radiograph import Decoder, Radiograph
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.schema import Label
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.canvas import Canvas

TIME_KEPT = 5.0
"""Seconds of working time that a crash may cost at most."""


class ImageWork:
    """The work of one reader on whatever image is shown.

    Parameters
    ----------
    project
        Open, and open as long as this.
    reader
        The person at work.
    canvas
        Where the image is shown and drawn on.
    start
        What a new image begins with. Such a pre-label is a copy under the reader's name that remembers where it came
        from, and is saved when the reader changes something or says "save"; passing by says nothing.
    listener
        Called after every change of image or state.
    author
        Whose track is written, where that is not the reader's own: the adjudication.

    Attributes
    ----------
    notice
        What the reader should know of the last step: images that could not be read, for example.
    locked
        Why nothing can be changed in the image shown; empty where it can be.
    """

    def __init__(
        self,
        project: Project,
        reader: Author,
        canvas: Canvas,
        start: Start,
        listener: Callable[[], None],
        author: Author | None = None,
    ) -> None:
        self.project = project
        self.reader = reader
        self.author = author or reader
        self.canvas = canvas
        self.start = start
        self.listener = listener
        self.notice = ""
        self.locked = ""
        self.stopwatch = Stopwatch()
        self._image = ShownImage(project, reader, canvas, self.author)
        self._track = OwnTrack(project, self.author, lambda: self.listener(), reader)
        self._uid = ""
        self._row: Image | None = None
        self._held: Findings | None = None

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the project's schema, in its order."""
        return self.project.schema.labels

    @property
    def uid(self) -> str:
        """Of the image shown; empty where there is none."""
        return self._uid

    @property
    def image(self) -> Image | None:
        """The image shown, as the project had it when it was shown or last saved."""
        if self._uid and self._row is None:
            self._row = self.project.image(self._uid)
        return self._row if self._uid else None

    @property
    def is_open(self) -> bool:
        """Whether an image is shown."""
        return bool(self._uid)

    @property
    def radiograph(self) -> Radiograph:
        """The radiograph shown; :class:`AnnotationError` where there is none."""
        radiograph = self._image.radiograph
        if radiograph is None:
            raise AnnotationError("No image is open: choose one first.")
        return radiograph

    @property
    def findings(self) -> Findings | None:
        """What was last shown or saved; :meth:`save` brings it up to date."""
        return self._track.shown

    @property
    def state(self) -> SaveState:
        """Where the drawing is."""
        return self._track.state

    @property
    def problem(self) -> str:
        """Why it could not be saved."""
        return self._track.problem

    @property
    def conflict(self) -> Conflict | None:
        """Set while two versions of the image wait for a choice, see :meth:`resolve`."""
        return self._track.conflict

    @property
    def is_unsaved(self) -> bool:
        """Whether something is drawn that the project does not have."""
        return self._track.shown is not None and self.state is not SaveState.SAVED

    def visible_times(self) -> dict[str, float]:
        """Name -> seconds of work on the image shown, of all whom the reader may see; the own ones always."""
        found = self.project.times.of_image(self._uid)
        mine = found.pop(self.reader.key, 0.0) + self.stopwatch.counted
        seen = {key: seconds for key, seconds in found.items() if may_see(self.project, self.reader, self._uid, key)}
        return {self.reader.name: mine, **{key.partition(":")[2]: seconds for key, seconds in seen.items()}}

    def title_of(self, label: str) -> str:
        """What a person reads for a label, also where the schema has lost it."""
        return self.project.schema[label].title if label in self.project.schema else label

    # Showing and letting go -------------------------------------------------------------------------------------------

    def show(self, uid: str, decoder: Decoder | None = None) -> None:
        """Show an image as it was left, or as a new one begins. What was drawn on the last one was saved before.

        Raises
        ------
        AnnotationError
            The project does not have it.
        UnreadableError, OSError
            It cannot be read. In all cases the image before stays.
        """
        try:
            radiograph = self.project.radiograph(uid, decoder)
            stored = self._track.read(uid)
            shape = radiograph.shape
            findings = stored.findings or pre_label(self.project, uid, shape, self.author, self.start)
            locked = self.project.reviews.why_locked(uid, self.author.key)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        # Should the canvas fail half-way, what it holds then must never be saved as anybody's findings.
        self._uid = ""
        self._track.let_go()
        self._image.put(radiograph, findings, editable=not locked)
        self._uid, self._row, self.locked = uid, None, locked
        self._track.open(findings, stored)
        self.stopwatch.stop()

    def forget(self) -> None:
        """Let go of the image without saving: the scene was closed, or the reader wants it back as saved."""
        self._keep_time()
        self._uid = self.locked = ""
        self._image.forget()
        self._track.let_go()
        self.stopwatch.stop()
        self.listener()

    def reload(self) -> None:
        """Show the image again as it was last saved; what was drawn since is dropped."""
        uid = self._uid
        if uid:
            self.forget()
            self.show(uid)
            self.listener()

    def hold(self) -> None:
        """The canvas is about to be emptied: save what is drawn, or keep it here where that fails.

        Raises
        ------
        AnnotationError
            It could not be saved; :meth:`unhold` shows it again.
        """
        shown = self._track.shown
        if shown is None:
            return
        try:
            self._store(only_changes=True)
        except AnnotationError:
            self._held = self._image.drawn(shown)
            raise

    def unhold(self) -> None:
        """The canvas is empty: show again what could not be saved; let go of an image that was."""
        held, shown, problem = self._held, self._track.shown, self.problem
        self._held = None
        if held is None or shown is None:
            self.forget()
            return
        self._image.put(self.project.radiograph(held.radiograph_uid), held, editable=True)
        # What is stored is still the old state, so the next try has something to save.
        self._track.failed_again(shown, problem)
        self.listener()

    # Drawing and saving -----------------------------------------------------------------------------------------------

    def sign(self, now: float) -> None:
        """The reader did something other than drawing, such as moving the mouse: it is working time."""
        if self.is_open:
            self.stopwatch.sign(now)

    def changed(self, now: float) -> None:
        """Somebody drew something at ``now``, in seconds of a clock that only runs forward."""
        if self._track.shown is not None:
            self.stopwatch.sign(now)
            self._track.changed(now)

    def tick(self, now: float) -> None:
        """Save if it is time, at most two seconds after a change. To be called every quarter of a second.

        Never raises for a drawing or a project that refuses to be saved: ``state`` and ``problem`` say it, and it is
        tried again after a while.
        """
        if self.stopwatch.counted >= TIME_KEPT:
            self._keep_time()
        if not self._track.autosave.is_due(now):
            return
        try:
            self._store(only_changes=True)
        except AnnotationError:
            if self.state is not SaveState.CONFLICT:
                self._track.autosave.failed(now)

    def save(self) -> Findings:
        """Save what is drawn now, pre-labels as they stand included, and give it.

        Raises
        ------
        AnnotationError
            With the reason and the way out. The drawing stays on the screen.
        """
        return self._store(only_changes=False)

    def resolve(self, choice: Choice) -> None:
        """Go on with one of two versions, or with both made into one; see :attr:`conflict`. What is not chosen is kept.

        Raises
        ------
        AnnotationError
            There is no conflict, or the choice cannot be saved.
        """
        self._image.update(self._track.resolve(choice, self.drawn()))
        self.listener()

    def put_back(self, findings: Findings, note: str) -> None:
        """Make the image what it was before, as one more revision, which can be undone alike.

        Parameters
        ----------
        findings
            Of this reader and image, rejected objects included.
        note
            What the history says of it.

        Raises
        ------
        AnnotationError
            What is drawn, or this, cannot be saved.
        """
        shown = self._track.shown
        if shown is None or (findings.radiograph_uid, findings.author) != (shown.radiograph_uid, self.author):
            raise AnnotationError("These are not your findings of the image that is shown.")
        self._store(only_changes=True)
        self._image.put_back(findings)
        self._store(only_changes=False, note=note)

    def drawn(self) -> Findings:
        """What is drawn and said now, saved or not.

        Raises
        ------
        AnnotationError
            No image is open, or what is drawn cannot be read.
        """
        if self._track.shown is None:
            raise AnnotationError("No image is open, so nothing is drawn.")
        try:
            return self._image.drawn(self._track.shown)
        except FindingError as error:
            raise AnnotationError(str(error)) from error

    def show_drawn(self, findings: Findings, now: float) -> None:
        """Make what is drawn and said these findings of the same image: undone, restored or changed by a program."""
        shown = self._track.shown
        if shown is None or findings.radiograph_uid != shown.radiograph_uid:
            raise AnnotationError("These findings belong to another image than the one that is shown.")
        self._image.update(findings)
        self.changed(now)

    def answers(self, label: str) -> tuple[str, ...]:
        """The values chosen for an image label, in the order in which they were given; empty where none is."""
        return self._image.answers.of(label)

    def set_answers(self, label: str, values: Sequence[str], now: float) -> None:
        """Say something of the whole image, such as ``view = PA``; no value takes it back.

        Raises
        ------
        AnnotationError
            The label has no such value, or only one of them can be true.
        """
        if self._track.shown is None:
            return
        try:
            changed = self._image.answers.set(self.project.schema, label, values)
        except FindingError as error:
            raise AnnotationError(str(error)) from error
        if changed:
            self.changed(now)

    def reset_look(self) -> None:
        """See :meth:`ShownImage.reset_look`."""
        self._image.reset_look()

    # Within -----------------------------------------------------------------------------------------------------------

    def _store(self, only_changes: bool, note: str = "") -> Findings:
        self._row = None  # its status may change
        return self._track.store(self._image.drawn, only_changes, note)

    def _leave(self) -> None:
        """Another image comes: save what is drawn, and keep how it was looked at."""
        self.notice = ""
        if self._track.shown is not None:
            self._store(only_changes=True)
            self._image.remember_look()
            self._keep_time()

    def _keep_time(self) -> None:
        seconds = self.stopwatch.take()
        if not seconds or not self._uid or self.project.read_only:
            return
        try:
            self.project.times.add(self._uid, self.reader.key, seconds)
        except ProjectError as error:
            # The drawing comes first; the time is added with the next try.
            self.stopwatch.give_back(seconds)
            self.notice = f"The working time is not stored yet. {error}"
