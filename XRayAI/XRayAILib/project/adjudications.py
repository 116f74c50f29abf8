"""Adjudication: the decision over what several readers say of an image, with everything kept that it was made from.

The adjudicated findings of an image are a track of their own, that of ``findings.author.ADJUDICATED``. Each of its
objects keeps its first author and remembers in ``derived_from`` the object that it was taken from; the readers' tracks
are only read. Every decision is an entry of a log to which is only ever added, and so is its undoing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, Row, String, Table, Text, select

from XRayAILib.findings.author import ADJUDICATED, Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, now
from XRayAILib.project.database import Database, audit, current, metadata
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.history import History
from XRayAILib.project.past import Past
from XRayAILib.project.readers import Role, anybody, person_of, those_who_are
from XRayAILib.project.reviews import ReadingState, must_read_first, state_of, take

adjudications = Table(
    "adjudications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String(200), ForeignKey("images.uid"), nullable=False),
    Column("action", String(16), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("about", Integer, nullable=False, default=0),  # the decision that is undone or done again
    Column("before", Integer, nullable=False),  # revision of the adjudicated track; 0 where there was none
    Column("after", Integer, nullable=False),
    Column("who", String(300), nullable=False),
    Column("time", String(32), nullable=False),
    Index("adjudications_of_image", "uid", "id"),
)

UNDO, REDO, EDIT = "undo", "redo", "edit"
SEVERAL = ("box", "rotated box", "ellipse", "polygon", "polyline")
"""Kinds of which two readers may mean different ones; of any other kind one reader's object replaces another's."""


@dataclass(frozen=True)
class Decision:
    """One entry of the log.

    Attributes
    ----------
    action
        ``take``, ``merge``, ``drop``, ``edit``, ``undo``, ``redo``, ``finish`` or ``reopen``.
    detail
        In words.
    about
        ``id`` of the decision that was undone or done again; else 0.
    before, after
        Revisions of the adjudicated track.
    """

    id: int
    uid: str
    action: str
    detail: str
    about: int
    before: int
    after: int
    who: str
    time: str


class Adjudications:
    """The table ``adjudications``, and the adjudicated track of each image."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    def findings(self, uid: str) -> Findings | None:
        """What was decided so far, or ``None``."""
        return self._history.findings(uid, ADJUDICATED.key)

    def log(self, uid: str) -> list[Decision]:
        """Every decision on an image, the oldest first; those that were undone too."""
        with self._database.reading() as connection:
            return _log(connection, uid)

    def images(self) -> dict[str, ReadingState]:
        """uid -> draft, approved (finished) or reopened, of every image on which something was decided."""
        with self._database.reading() as connection:
            uids = connection.scalars(select(adjudications.c.uid).distinct().order_by(adjudications.c.uid)).all()
            return {uid: state_of(connection, uid, ADJUDICATED.key) for uid in uids}

    def why_not(self, uid: str, by: Author) -> str:
        """Why a person cannot adjudicate an image now, with the way out; empty where that can be done."""
        with self._database.reading() as connection:
            return _why_no_adjudicator(connection, uid, by) or _why_finished(connection, uid)

    def why_not_reopen(self, uid: str, by: Author) -> str:
        """Why a person cannot go on with an image that is finished; empty where that can be done."""
        with self._database.reading() as connection:
            return _why_no_adjudicator(connection, uid, by) or _why_unfinished(connection, uid)

    def can_undo(self, uid: str) -> Decision | None:
        """The decision that :meth:`undo` would take back."""
        with self._database.reading() as connection:
            done, _ = _stacks(_log(connection, uid), _revision(connection, uid))
        return done[-1] if done else None

    def can_redo(self, uid: str) -> Decision | None:
        """The decision that :meth:`redo` would bring back."""
        with self._database.reading() as connection:
            _, undone = _stacks(_log(connection, uid), _revision(connection, uid))
        return undone[-1] if undone else None

    def take(self, uid: str, by: Author, track: str, ids: Collection[str] | None = None) -> Findings:
        """Take objects over from a reader's track; all of it where ``ids`` is ``None``, in place of what was taken.

        An object takes the place of others of its kind and label that came from somebody else, where readers can only
        mean the same: a mask, a landmark, an answer. Boxes and outlines are added.

        Raises
        ------
        ProjectError
            The person is no adjudicator, the adjudication is finished, the reading is not submitted, or has no such
            object. The same for the other methods.
        """

        def change(connection: Connection, before: Findings | None) -> tuple[Findings, str]:
            source = _source(connection, self._history, uid, track)
            chosen = [o for o in source if o.status is not Status.REJECTED and (ids is None or o.id in ids)]
            missing = set(ids or ()) - {o.id for o in chosen}
            if missing:
                raise ProjectError(f"{track} has no object {sorted(missing)[0]} on this image (or it was rejected).")
            kept = [] if before is None or ids is None else list(before)
            own = {o.id for o in source}
            taken = {o.derived_from for o in kept}
            fresh = [_adjudicated(o, o.id) for o in chosen if o.id not in taken]
            single = {(o.kind, o.label) for o in fresh if o.kind not in SEVERAL}
            kept = [o for o in kept if (o.kind, o.label) not in single or o.derived_from in own]
            named = ", ".join(dict.fromkeys(o.label for o in chosen)) or "that there is nothing"
            return _track(uid, source.shape, [*kept, *fresh]), f"{named} of {source.author.name}"

        return self._decide("take", uid, by, change)

    def merge(
        self, uid: str, by: Author, objects: Sequence[FindingObject], shape: tuple[int, int], how: str
    ) -> Findings:
        """Put what was computed from several readers' objects in place of all objects of these labels.

        Parameters
        ----------
        objects
            With ``derived_from`` as the computation set it.
        how
            By which rule, from whom: stands in the log.
        """

        def change(_: Connection, before: Findings | None) -> tuple[Findings, str]:
            labels = {o.label for o in objects}
            kept = [o for o in before or () if o.label not in labels]
            fresh = [_adjudicated(o, o.derived_from) for o in objects]
            return _track(uid, shape, [*kept, *fresh]), f"{', '.join(sorted(labels))} {how}"

        if not objects:
            raise ProjectError("The readers agree on nothing that could be merged: take one reader's object instead.")
        return self._decide("merge", uid, by, change)

    def drop(self, uid: str, by: Author, ids: Iterable[str]) -> Findings:
        """Leave adjudicated objects out again."""
        gone = set(ids)

        def change(_: Connection, before: Findings | None) -> tuple[Findings, str]:
            there = [o for o in before or () if o.id in gone]
            if before is None or len(there) < len(gone):
                raise ProjectError("An object that is to be left out is not among the adjudicated ones.")
            return before.without(gone), ", ".join(o.label for o in there)

        return self._decide("drop", uid, by, change)

    def undo(self, uid: str, by: Author) -> Decision:
        """Take the last decision back, as a new entry; gives the decision that was undone."""
        return self._step_back(UNDO, uid, by)

    def redo(self, uid: str, by: Author) -> Decision:
        """Bring back what was undone last, as a new entry; gives that decision."""
        return self._step_back(REDO, uid, by)

    def finish(self, uid: str, by: Author, shape: tuple[int, int]) -> None:
        """It is decided: the adjudicated findings count from now on, also where there are none.

        Parameters
        ----------
        shape
            (rows, columns) of the image.
        """
        with self._database.writing() as connection:
            _require(_why_no_adjudicator(connection, uid, by) or _why_finished(connection, uid))
            self._note_edit(connection, uid, by)
            if _revision(connection, uid) == 0:
                self._history.store(connection, _track(uid, shape, ()), by, "finish")
            take(connection, self._history, ReadingState.APPROVED, uid, ADJUDICATED.key, by)
            revision = _revision(connection, uid)
            _append(connection, uid, by, "finish", "", (revision, revision))

    def reopen(self, uid: str, by: Author, reason: str = "") -> None:
        """Go on deciding: until it is finished again, the adjudication does not count."""
        with self._database.writing() as connection:
            _require(_why_no_adjudicator(connection, uid, by) or _why_unfinished(connection, uid))
            take(connection, self._history, ReadingState.REOPENED, uid, ADJUDICATED.key, by, reason)
            revision = _revision(connection, uid)
            _append(connection, uid, by, "reopen", reason, (revision, revision))

    def _decide(
        self,
        action: str,
        uid: str,
        by: Author,
        change: Callable[[Connection, Findings | None], tuple[Findings, str]],
    ) -> Findings:
        with self._database.writing() as connection:
            _require(_why_no_adjudicator(connection, uid, by) or _why_finished(connection, uid))
            self._note_edit(connection, uid, by)
            before = _revision(connection, uid)
            findings, detail = change(connection, self._history.latest_in(connection, uid, ADJUDICATED.key))
            after = self._history.store(connection, findings, by, f"{action} {detail}")
            if after != before:
                _append(connection, uid, by, action, detail, (before, after))
        return findings

    def _step_back(self, action: str, uid: str, by: Author) -> Decision:
        with self._database.writing() as connection:
            _require(_why_no_adjudicator(connection, uid, by) or _why_finished(connection, uid))
            self._note_edit(connection, uid, by)
            log, before = _log(connection, uid), _revision(connection, uid)
            stack = _stacks(log, before)[0 if action == UNDO else 1]
            if not stack:
                raise ProjectError("There is no decision to undo." if action == UNDO else "Nothing was undone last.")
            decision = stack[-1]
            revision = decision.before if action == UNDO else decision.after
            findings = self._at(connection, uid, revision)
            after = self._history.store(connection, findings, by, f"{action} {decision.action} {decision.detail}")
            _append(connection, uid, by, action, f"{decision.action} {decision.detail}", (before, after), decision.id)
        return decision

    def _at(self, connection: Connection, uid: str, revision: int) -> Findings:
        now_there = self._history.latest_in(connection, uid, ADJUDICATED.key)
        assert now_there is not None  # something was decided
        if revision == 0:
            return replace(now_there, objects=())
        then = Past(self._database).at(uid, ADJUDICATED.key, revision)
        # Finishing and reopening in between changed what the objects are, not what was decided.
        return then.each(lambda item: item.changed(status=Status.DRAFT))

    def _note_edit(self, connection: Connection, uid: str, by: Author) -> None:
        """What was drawn on the adjudicated findings since the last decision is a decision too."""
        log, revision = _log(connection, uid), _revision(connection, uid)
        last = log[-1].after if log else 0
        if revision != last:
            _append(connection, uid, by, EDIT, "", (last, revision))


def _why_no_adjudicator(connection: Connection, uid: str, by: Author) -> str:
    if not anybody(connection):
        return "Nobody is registered in this project. Adjudication begins with people who have roles: readers add."
    person = person_of(connection, by)
    if person is None or not person.is_a(Role.ADJUDICATOR):
        return f"'{by.name}' is no active adjudicator of this project{those_who_are(connection, Role.ADJUDICATOR)}."
    if must_read_first(connection, uid, by):
        return "This image is assigned to you as well: submit your own reading first."
    return ""


def _why_finished(connection: Connection, uid: str) -> str:
    if state_of(connection, uid, ADJUDICATED.key).is_open:
        return ""
    return "The adjudication of this image is finished: reopen it first."


def _why_unfinished(connection: Connection, uid: str) -> str:
    if state_of(connection, uid, ADJUDICATED.key).is_open:
        return "The adjudication of this image is not finished, so it need not be reopened."
    return ""


def _require(problem: str) -> None:
    if problem:
        raise ProjectError(problem)


def _source(connection: Connection, history: History, uid: str, track: str) -> Findings:
    source = history.latest_in(connection, uid, track)
    if source is None:
        raise ProjectError(f"{track} says nothing of {uid}.")
    if source.author.kind is AuthorKind.PERSON and state_of(connection, uid, track).is_open:
        raise ProjectError(
            f"{source.author.name} has not submitted this image (any more): nothing can be taken from it."
        )
    return source


def _adjudicated(item: FindingObject, source: str | None) -> FindingObject:
    return item.derived(item.author, status=Status.DRAFT, derived_from=source)


def _track(uid: str, shape: tuple[int, int], objects: Iterable[FindingObject]) -> Findings:
    return Findings(uid, shape, ADJUDICATED, tuple(objects))


def _revision(connection: Connection, uid: str) -> int:
    query = select(current.c.revision).where(current.c.uid == uid, current.c.track == ADJUDICATED.key)
    return int(connection.scalar(query) or 0)


def _log(connection: Connection, uid: str) -> list[Decision]:
    query = select(adjudications).where(adjudications.c.uid == uid).order_by(adjudications.c.id)
    return [_decision(row) for row in connection.execute(query)]


def _stacks(log: Sequence[Decision], revision: int) -> tuple[list[Decision], list[Decision]]:
    """What can be undone, and what can be done again; the last of each comes first."""
    by_id = {decision.id: decision for decision in log}
    done: list[Decision] = []
    undone: list[Decision] = []
    for decision in log:
        if decision.action == UNDO:
            undone.append(done.pop())
        elif decision.action == REDO:
            done.append(by_id[undone.pop().id])
        elif decision.before != decision.after:
            done.append(decision)
            undone.clear()
    last = log[-1].after if log else 0
    if revision != last:
        # Somebody has drawn since; it becomes an entry with the next decision.
        done.append(Decision(0, "", EDIT, "", 0, last, revision, "", ""))
        undone.clear()
    return done, undone


def _append(
    connection: Connection, uid: str, by: Author, action: str, detail: str, revisions: tuple[int, int], about: int = 0
) -> None:
    time = now()
    row: dict[str, Any] = {"uid": uid, "action": action, "detail": detail, "about": about, "who": by.key, "time": time}
    connection.execute(adjudications.insert().values(**row, before=revisions[0], after=revisions[1]))
    said = f"{action} {detail}".strip()
    connection.execute(audit.insert().values(time=time, who=by.key, action="adjudicate", detail=f"{said} on {uid}"))


def _decision(row: Row[Any]) -> Decision:
    return Decision(row.id, row.uid, row.action, row.detail, row.about, row.before, row.after, row.who, row.time)
