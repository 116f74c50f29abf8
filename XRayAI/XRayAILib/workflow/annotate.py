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
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError, FindingObject, ImageLabel
from XRayAILib.findings.schema import Label, Tool
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import Image
from XRayAILib.workflow.alike import alike
from XRayAILib.workflow.autosave import Autosave

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.project.project import Project


class AnnotationError(RuntimeError):
    """Something that the reader must know before going on: what, where, and what to do."""


class Canvas(Protocol):
    """Where a radiograph is shown and drawn on. The panel and the browser fulfil it with the room ``scene``."""

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        """Show these and nothing else of ours; what is drawn from now on belongs to ``findings.author``."""

    def drawn(self) -> Findings:
        """What is drawn now. Objects keep the ``id`` they were shown with, and new ones get one that stays."""

    def update(self, findings: Findings) -> None:
        """Make what is drawn over the same image these findings; the view and the look of the image stay."""


class Start(str, Enum):
    """What an image begins with that the reader has not worked on yet."""

    NOTHING = "nothing"
    PREDICTION = "prediction"
    REFERENCE = "reference"


class SaveState(str, Enum):
    """Where the drawing is: only on the screen, in the project, or refused by it."""

    SAVED = "saved"
    UNSAVED = "unsaved"
    FAILED = "not saved"


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

    Attributes
    ----------
    state, problem
        Where the drawing is, and why it could not be saved.
    notice
        What the reader should know of the last step: images that could not be read, for example.
    """

    def __init__(
        self,
        project: Project,
        reader: Author,
        canvas: Canvas,
        uids: Iterable[str] | None = None,
        start: Start = Start.NOTHING,
        listener: Callable[[], None] = lambda: None,
    ) -> None:
        self.project = project
        self.reader = reader
        self.start = start
        self.listener = listener
        self.state = SaveState.SAVED
        self.problem = ""
        self.notice = ""
        self._canvas = canvas
        self._uids = list(uids) if uids is not None else [i.uid for i in project.images() if not i.excluded]
        self._index: int | None = None
        self._shown: Findings | None = None
        self._answers: tuple[ImageLabel, ...] = ()
        self._aside: tuple[FindingObject, ...] = ()  # rejected objects: they stay in the track, and are not shown
        self._held: Findings | None = None
        self._autosave = Autosave()

    # Where we are ------------------------------------------------------------------------------------------------

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the project's schema, in its order."""
        return self.project.schema.labels

    @property
    def count(self) -> int:
        return len(self._uids)

    @property
    def index(self) -> int | None:
        """Position of the image shown, from 0; ``None`` before the first."""
        return self._index

    @property
    def image(self) -> Image | None:
        """The image shown, as the project has it now."""
        return None if self._index is None else self.project.image(self._uids[self._index])

    @property
    def findings(self) -> Findings | None:
        """What was last shown or saved; :meth:`save` brings it up to date."""
        return self._shown

    @property
    def is_unsaved(self) -> bool:
        """Whether something is drawn that the project does not have."""
        return self._shown is not None and self.state is not SaveState.SAVED

    def offers(self, uid: str) -> bool:
        """Whether an image is among those of this session."""
        return uid in self._uids

    @property
    def has_next(self) -> bool:
        return self._index is not None and self._index + 1 < self.count

    @property
    def has_previous(self) -> bool:
        return self._index is not None and self._index > 0

    # From image to image -----------------------------------------------------------------------------------------

    def open(self, uid: str | None = None) -> None:
        """Show an image; without ``uid`` the first one that this reader has not worked on.

        Raises
        ------
        AnnotationError
            What is drawn cannot be saved, or the image cannot be read: then the old one stays.
        """
        if not self._uids:
            raise AnnotationError(f"The project {self.project.folder} has no images to annotate: add a folder first.")
        if uid is not None and uid not in self._uids:
            raise AnnotationError(f"The image {uid} is not in this list of {self.count} images.")
        wanted = self._uids.index(uid) if uid is not None else self._first_untouched()
        self._leave()
        self._show_first([wanted] if uid is not None else [*range(wanted, self.count), *range(wanted)])

    def next(self) -> bool:
        """Save, then show the next image that can be read; ``False`` at the end.

        Raises
        ------
        AnnotationError
            See :meth:`open`.
        """
        return self._step(range((-1 if self._index is None else self._index) + 1, self.count))

    def previous(self) -> bool:
        """Save, then show the image before; ``False`` at the beginning. Raises as :meth:`next` does."""
        return self._step(range((self._index or 0) - 1, -1, -1))

    def close(self) -> None:
        """Save what is drawn and let go of the image. Raises as :meth:`next` does, and holds on then."""
        self._leave()
        self.forget()

    def forget(self) -> None:
        """Let go of the image without saving: the scene was closed, or the reader wants it back as saved."""
        self._index, self._shown, self._answers = None, None, ()
        self._autosave.saved()
        self.state, self.problem = SaveState.SAVED, ""
        self.listener()

    def reload(self) -> None:
        """Show the image again as it was last saved; what was drawn since is dropped."""
        if self._index is None:
            return
        index = self._index
        self.forget()
        self._show_first([index])

    def hold(self) -> None:
        """The canvas is about to be emptied: save what is drawn, or keep it here where that fails.

        Raises
        ------
        AnnotationError
            It could not be saved; :meth:`unhold` shows it again.
        """
        shown = self._shown
        if shown is None:
            return
        try:
            self._store(only_changes=True)
        except AnnotationError:
            self._held = self._drawn(shown)
            raise

    def unhold(self) -> None:
        """The canvas is empty: show again what could not be saved; let go of an image that was."""
        held, shown, index = self._held, self._shown, self._index
        self._held = None
        if held is None or shown is None or index is None:
            self.forget()
            return
        problem = self.problem
        self._put_on_canvas(index, self.project.radiograph(held.radiograph_uid), held)
        # What is stored is still the old state, so the next try has something to save.
        self._shown, self.state, self.problem = shown, SaveState.FAILED, problem
        self._autosave.changed(0.0)
        self.listener()

    # Drawing and saving ------------------------------------------------------------------------------------------

    def changed(self, now: float) -> None:
        """Somebody drew something at ``now``, in seconds of a clock that only runs forward."""
        if self._shown is None:
            return
        self._autosave.changed(now)
        if self.state is SaveState.SAVED:
            self.state = SaveState.UNSAVED
            self.listener()

    def tick(self, now: float) -> None:
        """Save if it is time, at most two seconds after a change. To be called every quarter of a second.

        Never raises for a drawing or a project that refuses to be saved: ``state`` and ``problem`` say it, and it is
        tried again after a while.
        """
        if not self._autosave.is_due(now):
            return
        try:
            self._store(only_changes=True)
        except AnnotationError:
            self._autosave.failed(now)

    def save(self) -> Findings:
        """Save what is drawn now, pre-labels as they stand included, and give it.

        Raises
        ------
        AnnotationError
            With the reason and the way out. The drawing stays on the screen.
        """
        return self._store(only_changes=False)

    def drawn(self) -> Findings:
        """What is drawn and said now, saved or not.

        Raises
        ------
        AnnotationError
            No image is open, or what is drawn cannot be read.
        """
        if self._shown is None:
            raise AnnotationError("No image is open, so nothing is drawn.")
        try:
            return self._drawn(self._shown)
        except FindingError as error:
            raise AnnotationError(str(error)) from error

    def show_drawn(self, findings: Findings, now: float) -> None:
        """Make what is drawn and said these findings of the same image: undone, restored or changed by a program."""
        if self._shown is None or findings.radiograph_uid != self._shown.radiograph_uid:
            raise AnnotationError("These findings belong to another image than the one that is shown.")
        aside = {item.id for item in self._aside}
        visible = findings.without(aside)
        self._canvas.update(visible)
        self._answers = tuple(visible.of(ImageLabel))
        self.changed(now)

    def answers(self, label: str) -> tuple[str, ...]:
        """The values chosen for an image label, in the order in which they were given; empty where none is."""
        return tuple(a.value for a in self._answers if a.label == label)

    def set_answers(self, label: str, values: Sequence[str], now: float) -> None:
        """Say something of the whole image, such as ``view = PA``; no value takes it back.

        Raises
        ------
        AnnotationError
            The label has no such value, or only one of them can be true.
        """
        wanted = tuple(dict.fromkeys(values))
        if self._shown is None or wanted == self.answers(label):
            return
        schema = self.project.schema[label]
        unknown = [value for value in wanted if schema.options and value not in schema.options]
        if schema.tool is not Tool.IMAGE or unknown:
            allowed = ", ".join(schema.options) or "none: it is drawn"
            said = ", ".join(unknown or wanted)
            raise AnnotationError(f"'{said}' cannot be said of '{schema.title}' (values: {allowed}).")
        if len(wanted) > 1 and not schema.multiple:
            raise AnnotationError(f"Only one of {', '.join(wanted)} can be said of '{schema.title}'.")
        before = [a for a in self._answers if a.label == label]
        if len(before) == 1 and len(wanted) == 1:
            # Another value is another revision of the same object, so that its history can be read.
            fresh = (before[0].changed(value=wanted[0]),)
        else:
            kept = {a.value: a for a in before}
            fresh = tuple(kept.get(v) or ImageLabel(label=label, author=self.reader, value=v) for v in wanted)
        self._answers = (*(a for a in self._answers if a.label != label), *fresh)
        self.changed(now)

    # Within ------------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        self.notice = ""
        if self._shown is not None:
            self._store(only_changes=True)

    def _step(self, order: range) -> bool:
        if not len(order):
            return False
        self._leave()
        self._show_first(order)
        return True

    def _show_first(self, order: Iterable[int]) -> None:
        """Show the first image of ``order`` that can be read; the others are named in ``notice``."""
        skipped: list[str] = []
        for index in order:
            uid = self._uids[index]
            try:
                radiograph = self.project.radiograph(uid)
                findings = self._begin(radiograph)
            except (UnreadableError, OSError) as error:
                skipped.append(str(error))
                continue
            except ProjectError as error:
                raise AnnotationError(str(error)) from error
            self._put_on_canvas(index, radiograph, findings)
            if skipped:
                self.notice = "Passed over: " + "; ".join(skipped)
            self.listener()
            return
        raise AnnotationError("No image can be shown. " + "; ".join(skipped))

    def _put_on_canvas(self, index: int, radiograph: Radiograph, findings: Findings) -> None:
        # Should the canvas fail half-way, what it holds then must never be saved as anybody's findings.
        self._index, self._shown, self._answers = None, None, ()
        self._autosave.saved()
        rejected = tuple(item for item in findings if item.status is Status.REJECTED)
        visible = findings.without(item.id for item in rejected)
        self._canvas.show(radiograph, visible, editable=True)
        self._index, self._shown = index, findings
        self._answers, self._aside = tuple(visible.of(ImageLabel)), rejected
        self.state, self.problem = SaveState.SAVED, ""

    def _begin(self, radiograph: Radiograph) -> Findings:
        uid = radiograph.uid
        own = self.project.findings(uid, self.reader.key)
        if own is not None:
            return own
        source = None
        if self.start is Start.PREDICTION:
            source = self.project.prediction(uid)
        elif self.start is Start.REFERENCE:
            source = self.project.reference(uid)
        copies = tuple(self._copy(item) for item in source or () if item.status is not Status.REJECTED)
        return Findings(uid, (radiograph.header.rows, radiograph.header.columns), self.reader, copies)

    def _copy(self, item: FindingObject) -> FindingObject:
        return item.derived(self.reader, status=Status.DRAFT, score=None)

    def _store(self, only_changes: bool) -> Findings:
        shown = self._shown
        if shown is None:
            raise AnnotationError("No image is open, so there is nothing to save.")
        try:
            drawn = self._drawn(shown)
            if alike(drawn, shown) and (only_changes or self._is_stored(shown)):
                drawn = shown
            else:
                self.project.save(drawn, by=self.reader)
        except (ProjectError, FindingError, OSError) as error:
            self.state = SaveState.FAILED
            self.problem = f"What is drawn is not saved yet. {error}"
            self.listener()
            raise AnnotationError(self.problem) from error
        self._shown = drawn
        self._autosave.saved()
        self.state, self.problem = SaveState.SAVED, ""
        self.listener()
        return drawn

    def _is_stored(self, shown: Findings) -> bool:
        return self.project.findings(shown.radiograph_uid, self.reader.key) is not None

    def _drawn(self, shown: Findings) -> Findings:
        drawn = self._canvas.drawn()
        if drawn.radiograph_uid != shown.radiograph_uid or drawn.shape != shown.shape:
            raise FindingError(
                f"The image in the view is {drawn.radiograph_uid or 'not one of the project'}, not "
                f"{shown.radiograph_uid}: show the image again before you go on drawing."
            )
        objects = tuple(o for o in drawn if not isinstance(o, ImageLabel)) + self._answers + self._aside
        return replace(drawn, author=self.reader, objects=objects)

    def _first_untouched(self) -> int:
        done = self.project.worked_on(self.reader.key)
        return next((index for index, uid in enumerate(self._uids) if uid not in done), 0)
