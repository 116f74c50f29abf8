"""What people say to each other about the image that is annotated, and about its objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.blinding import may_see
from XRayAILib.workflow.own_track import AnnotationError

if TYPE_CHECKING:
    from XRayAILib.project.comments import Thread
    from XRayAILib.workflow.annotate import AnnotationSession


@dataclass(frozen=True)
class Talk:
    """One thread, as a person reads it.

    Attributes
    ----------
    about
        ``image``, or the name of the object; behind it ``(deleted)`` where it is gone.
    lines
        Who said what when, the first comment first.
    """

    thread: int
    object_id: str
    about: str
    lines: tuple[str, ...]
    last: str
    resolved: bool


class Conversation:
    """The comments on the image that a session shows; a reader who reads it blinded sees the own ones only."""

    def __init__(self, session: AnnotationSession) -> None:
        self._session = session

    def talks(self) -> list[Talk]:
        """All threads that the reader may see: those that are open first, then the newest first."""
        session = self._session
        if not session.uid:
            return []
        threads = self._threads()
        names = self._names() if any(thread.object_id for thread in threads) else {}
        found = [_talk(thread, names) for thread in threads]
        return sorted(found, key=lambda talk: (talk.resolved, -talk.thread))

    def comment(self, text: str, object_id: str = "") -> None:
        """Begin a thread about the image, or one of its objects.

        Raises
        ------
        AnnotationError
            The comment cannot be stored; also for the other methods.
        """
        session = self._session
        if not session.uid:
            raise AnnotationError("No image is open, so there is nothing to comment on.")
        try:
            session.project.comments.add(session.uid, text, session.reader, object_id)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        session.listener()

    def reply(self, thread: int, text: str) -> None:
        """Answer in a thread."""
        try:
            self._session.project.comments.reply(thread, text, self._session.reader)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        self._session.listener()

    def settle(self, thread: int, resolved: bool) -> None:
        """What a thread was about is settled, or is not after all."""
        comments = self._session.project.comments
        try:
            (comments.resolve if resolved else comments.reopen)(thread, self._session.reader)
        except ProjectError as error:
            raise AnnotationError(str(error)) from error
        self._session.listener()

    def _threads(self) -> list[Thread]:
        """The threads of whose people the reader may see what they say of the image."""
        session = self._session
        uid = session.uid
        seen: dict[str, bool] = {}
        found = []
        for thread in session.project.comments.threads(uid):
            people = {entry.who for entry in thread.entries}
            for who in people - set(seen):
                seen[who] = may_see(session.project, session.reader, uid, who)
            if all(seen[who] for who in people):
                found.append(thread)
        return found

    def _names(self) -> dict[str, str]:
        """Object id -> name, of all objects that were ever on the image and may be seen."""
        session = self._session
        now = {item.id for item in session.findings or ()}
        names: dict[str, str] = {}
        for revision in session.project.revisions(session.uid):
            for change in revision.changes:
                names[change.id] = session.title_of(change.label)
        return {i: name if i in now else f"{name} (not in yours)" for i, name in names.items()}


def _talk(thread: Thread, names: Mapping[str, str]) -> Talk:
    from XRayAILib.project.comments import Said
    from XRayAILib.project.history import clock

    words = {Said.RESOLVED: "(resolved)", Said.REOPENED: "(open again)"}
    lines = tuple(f"{e.name}, {clock(e.time)}: {words.get(e.what) or e.text}" for e in thread.entries)
    about = names.get(thread.object_id, "an object that was never saved") if thread.object_id else "image"
    said = next(entry.text for entry in reversed(thread.entries) if entry.what is Said.COMMENT)
    return Talk(thread.id, thread.object_id, about, lines, said, thread.resolved)
