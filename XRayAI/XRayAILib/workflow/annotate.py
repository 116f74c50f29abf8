"""Annotating a collection, image after image, so that nothing that a reader drew is lost.

::

    session = AnnotationSession(project, Author.person("anna"), canvas)
    session.open()          # the first image that the reader has not worked on
    ...                     # the reader draws; whoever sees it calls session.changed(time.monotonic())
    session.tick(time.monotonic())   # from a timer: saves when it is time
    session.next()          # saves, and only then shows the next image
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError
from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.canvas import Canvas
from XRayAILib.workflow.cases import Cases
from XRayAILib.workflow.own_track import AnnotationError, Choice, Conflict, OwnTrack, SaveState
from XRayAILib.workflow.shown_image import ShownImage
from XRayAILib.workflow.start import Start, pre_label
from XRayAILib.workflow.stopwatch import Stopwatch

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.dicom.decoding_ahead import DecodingAhead
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.schema import Label
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project

__all__ = ["AnnotationError", "AnnotationSession", "Canvas", "Choice", "Conflict", "SaveState", "Start"]

TIME_KEPT = 5.0
"""Seconds of working time that a crash may cost at most."""


class AnnotationSession:
    """One reader at work on the images of a project.

    Parameters
    ----------
    project
        Open, and open as long as the session.
    reader
        Whose track is written.
    canvas
        Where the image is shown and drawn on.
    uids
        The images in the order in which they come; all that are not excluded where ``None``.
    start
        What a new image begins with. Such a pre-label is a copy under the reader's name that remembers where it came
        from, and is saved when the reader changes something or says "save"; passing by says nothing.
    listener
        Called after every change of image or state.
    ahead
        Decodes the images that probably come next.

    Attributes
    ----------
    cases
        The list, which can be narrowed.
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
        uids: Iterable[str] | None = None,
        start: Start = Start.NOTHING,
        listener: Callable[[], None] = lambda: None,
        ahead: DecodingAhead | None = None,
    ) -> None:
        self.project = project
        self.reader = reader
        self.start = start
        self.listener = listener
        self.notice = ""
        self.locked = ""
        self.cases = Cases(project, reader, uids)
        self.stopwatch = Stopwatch()
        self._ahead = ahead
        self._canvas = canvas
        self._image = ShownImage(project, reader, canvas)
        self._track = OwnTrack(project, reader, lambda: self.listener())
        self._uid = ""
        self._trail: list[str] = []
        self._held: Findings | None = None

    # Where we are ------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the project's schema, in its order."""
        return self.project.schema.labels

    @property
    def count(self) -> int:
        return len(self.cases)

    @property
    def index(self) -> int | None:
        """Position of the image shown, from 0; ``None`` before the first, and where the list leaves it out."""
        return self.cases.place(self._uid)

    @property
    def image(self) -> Image | None:
        """The image shown, as the project has it now."""
        return self.project.image(self._uid) if self._uid else None

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

    def offers(self, uid: str) -> bool:
        """Whether an image is among those of this session."""
        return uid in self.cases

    @property
    def has_next(self) -> bool:
        return self.is_open and self._place() + 1 < self.count

    @property
    def has_previous(self) -> bool:
        return self.is_open and self._place() > 0

    @property
    def has_back(self) -> bool:
        """Whether another image was looked at before."""
        return bool(self._trail)

    # From image to image -----------------------------------------------------------------------------------------

    def open(self, uid: str | None = None) -> None:
        """Show an image; without ``uid`` the first one that this reader has not worked on.

        Raises
        ------
        AnnotationError
            What is drawn cannot be saved, or the image cannot be read: then the old one stays.
        """
        if not self.count:
            raise AnnotationError(f"The project {self.project.folder} has no images to annotate: add a folder first.")
        if uid is not None and uid not in self.cases:
            raise AnnotationError(f"The image {uid} is not in this list of {self.count} images.")
        place = self.cases.place(uid) if uid is not None else self.cases.next_untouched(-1)
        wanted = place or 0
        self._leave()
        self._show_first([wanted] if uid is not None else [*range(wanted, self.count), *range(wanted)])

    def next(self) -> bool:
        """Save, then show the next image that can be read; ``False`` at the end.

        Raises
        ------
        AnnotationError
            See :meth:`open`.
        """
        return self._step(range(self._place() + 1, self.count))

    def previous(self) -> bool:
        """Save, then show the image before in the list; ``False`` at its beginning. Raises as :meth:`next` does."""
        return self._step(range(self._place() - 1, -1, -1))

    def back(self) -> bool:
        """Save, then show the image that was looked at before this one, wherever it is in the list or even without it.

        Raises as :meth:`next` does. Gives ``False`` where there was none.
        """
        if not self._trail:
            return False
        self._leave()
        trail, uid = self._trail[:-1], self._trail[-1]
        self._show(uid)
        self._trail = trail
        self.listener()
        return True

    def next_unlabelled(self) -> bool:
        """Save, then show the next image on which this reader has said nothing, from here on and round once.

        Raises as :meth:`next` does. Gives ``False``, with a notice, where there is none.
        """
        self._leave()
        place = self.cases.next_untouched(self._place())
        if place is None or self.cases[place] == self._uid:
            self.notice = "You have worked on every image of this list."
            self.listener()
            return False
        self._show_first([*range(place, self.count), *range(place)])
        return True

    def save_and_next(self) -> bool:
        """Save what is shown, pre-labels as they stand included, then show the next image. Raises as :meth:`next`."""
        self.save()
        moved = self.next()
        if not moved:
            self.notice = "Saved. This was the last image of the list."
            self.listener()
        return moved

    def close(self) -> None:
        """Save what is drawn and let go of the image. Raises as :meth:`next` does, and holds on then."""
        try:
            self._leave()
        except AnnotationError:
            if self.state is not SaveState.CONFLICT:
                raise
            # It is set aside in the project, and whoever opens the image again is asked again.
        self.forget()

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
            self._show(uid)
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

    # Drawing and saving ------------------------------------------------------------------------------------------

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

    def restore(self, revision: int) -> None:
        """Make the image what it was after a revision of this reader. It is one more revision, and can be undone alike.

        Raises
        ------
        AnnotationError
            What is drawn cannot be saved, or there is no such revision.
        """
        self._store(only_changes=True)
        try:
            before = self.project.findings_at(self._uid, self.reader.key, revision)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        self._image.put_back(before)
        self._store(only_changes=False, note=f"restored revision {revision}")

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

    # Within ------------------------------------------------------------------------------------------------------

    def _place(self) -> int:
        """Position of the image shown; before the first one where the list leaves it out."""
        place = self.index
        return -1 if place is None else place

    def _leave(self) -> None:
        self.notice = ""
        if self._track.shown is not None:
            self._store(only_changes=True)
            self._image.remember_look()
            self._keep_time()

    def _step(self, order: range) -> bool:
        if not len(order):
            return False
        self._leave()
        self._show_first(order)
        return True

    def _show_first(self, order: Iterable[int]) -> None:
        """Show the first image of ``order`` that can be read; the others are named in ``notice``."""
        skipped: list[str] = []
        for place in order:
            try:
                self._show(self.cases[place])
            except (UnreadableError, OSError) as error:
                skipped.append(str(error))
                continue
            if skipped:
                self.notice = "Passed over: " + "; ".join(skipped)
            self.listener()
            return
        raise AnnotationError("No image can be shown. " + "; ".join(skipped))

    def _show(self, uid: str) -> None:
        try:
            radiograph = self.project.radiograph(uid, self._ahead)
            findings = self._track.read(uid) or pre_label(self.project, uid, radiograph.shape, self.reader, self.start)
            locked = self.project.reviews.why_locked(uid, self.reader.key)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        before, self._uid = self._uid, ""
        # Should the canvas fail half-way, what it holds then must never be saved as anybody's findings.
        self._track.let_go()
        self._image.put(radiograph, findings, editable=not locked)
        self._uid, self.locked = uid, locked
        self._track.open(findings)
        self.stopwatch.stop()
        if before and before != uid:
            self._trail.append(before)
        self._look_ahead()

    def _look_ahead(self) -> None:
        """Have the neighbours decoded while the reader works on this one; the next one first."""
        if self._ahead is None:
            return
        from XRayAILib.dicom.radiograph import needs_decoder

        place = self._place()
        uids = [self.cases[p] for p in (place + 1, place + 2, place - 1) if 0 <= p < self.count]
        headers = [self.project.header(uid) for uid in dict.fromkeys((*uids[:1], *self._trail[-1:], *uids[1:]))]
        self._ahead.want([(h.path, h.frame) for h in headers if needs_decoder(h.transfer_syntax)])

    def _store(self, only_changes: bool, note: str = "") -> Findings:
        return self._track.store(self._image.drawn, only_changes, note)

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
