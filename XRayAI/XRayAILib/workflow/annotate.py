"""Annotating a collection, image after image, so that nothing that a reader drew is lost.

::

    session = AnnotationSession(project, Author.person("anna"), canvas)
    session.open()          # the first image that the reader has not worked on
    ...                     # the reader draws; whoever sees it calls session.changed(time.monotonic())
    session.tick(time.monotonic())   # from a timer: saves when it is time
    session.next()          # saves, and only then shows the next image
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.workflow.canvas import Canvas
from XRayAILib.workflow.cases import Cases
from XRayAILib.workflow.image_work import ImageWork
from XRayAILib.workflow.own_track import AnnotationError, Choice, Conflict, SaveState
from XRayAILib.workflow.start import Start

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.dicom.decoding_ahead import DecodingAhead
    from XRayAILib.findings.author import Author
    from XRayAILib.project.project import Project

__all__ = ["AnnotationError", "AnnotationSession", "Canvas", "Choice", "Conflict", "SaveState", "Start"]


class AnnotationSession(ImageWork):
    """One reader at work on the images of a project.

    Parameters
    ----------
    project, reader, canvas, start, listener, author
        See :class:`ImageWork`.
    uids
        The images in the order in which they come; all that are not excluded where ``None``.
    ahead
        Decodes the images that probably come next.

    Attributes
    ----------
    cases
        The list, which can be narrowed.
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
        author: Author | None = None,
    ) -> None:
        super().__init__(project, reader, canvas, start, listener, author)
        self.cases = Cases(project, self.author, uids)
        self._ahead = ahead
        self._trail: list[str] = []

    # Where we are -----------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        return len(self.cases)

    @property
    def index(self) -> int | None:
        """Position of the image shown, from 0; ``None`` before the first, and where the list leaves it out."""
        return self.cases.place(self._uid)

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

    # From image to image ----------------------------------------------------------------------------------------------

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

    # Within -----------------------------------------------------------------------------------------------------------

    def _place(self) -> int:
        """Position of the image shown; before the first one where the list leaves it out."""
        place = self.index
        return -1 if place is None else place

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
        before = self._uid
        self.show(uid, self._ahead)
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
