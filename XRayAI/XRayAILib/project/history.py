"""What was said of each image, with every revision.

A track is what one author says of one image. Saving appends a revision that holds only what changed; nothing is ever
overwritten. The latest state of each track is kept beside, so reading it needs no replay.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.document import from_document
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, now
from XRayAILib.project import json_text
from XRayAILib.project.controls import truth_track
from XRayAILib.project.database import Database, blobs, current, images, revisions
from XRayAILib.project.errors import ConflictError, ProjectError
from XRayAILib.project.many import batches, documents_of, steps_of, store_new
from XRayAILib.project.reference import reference_of
from XRayAILib.project.reviews import states_of_image, why_locked
from XRayAILib.project.status import status_of
from XRayAILib.project.written import (
    Cache,
    Entry,
    Written,
    change_document,
    fresh_entries,
    read_entries,
    statuses,
    track_document,
)

_ONE_PIXEL = zlib.compress(b"\x80")


class History:
    """The tables ``revisions``, ``current`` and ``blobs``: saving, and what is said now.

    What was said before is read by :class:`XRayAILib.project.past.Past`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = Cache()

    def save(self, findings: Findings, by: Author | None = None, base: int | None = None, note: str = "") -> int:
        """Append a revision and give its number; findings that equal the latest ones add nothing.

        All of it, masks included, is one transaction.

        Parameters
        ----------
        base
            The revision of the track that the findings were made from, 0 where there was none. Without it they are
            saved whatever was saved meanwhile.
        note
            Why, where it is more than drawing, such as ``restored revision 12``.

        Raises
        ------
        ConflictError
            The track has another revision than ``base``, saved by another program, and says something else.
        ProjectError
            The image is not in the project, it cannot be written, or the track is submitted, approved or of a round
            that is closed, and so must not change.
        """
        entries = self._cache.entries(findings)
        with self._database.writing() as connection:
            stored = self._store(connection, findings, entries, by, base, note)
        self._cache.put(findings.radiograph_uid, findings.author.key, stored)
        return stored.revision

    def save_many(self, many: Iterable[Findings]) -> int:
        """Save findings of many images, each by its own author, in one transaction. Returns of how many that is new.

        They are gone through before the transaction begins: where that raises, nothing is saved. Masks are held
        compressed meanwhile, so ``many`` may be more than fits into memory.
        """
        written = [(replace(each, objects=()), fresh_entries(each)) for each in many]
        changed = 0
        with self._database.writing() as connection:
            last = connection.scalar(select(func.max(revisions.c.id))) or 0
            for batch in batches(written):
                rest = store_new(connection, batch)
                changed += len(batch) - len(rest)
                for each, entries in rest:
                    changed += self._store(connection, each, entries, None, None, "").revision > last
        return changed

    def references(self, uids: Sequence[str], track: str = "", pixels: bool = True) -> Iterator[Findings | None]:
        """:meth:`reference` of many images, one after the other, with few questions to the database.

        Parameters
        ----------
        track
            What this author says, instead of what counts as true.
        pixels
            Whether masks have theirs; without, each that has any has one pixel, which is enough for counting.
        """
        for batch in batches(uids):
            with self._database.reading() as connection:
                documents = documents_of(connection, batch, track)
                steps = {} if track else steps_of(connection, batch)
                for uid in batch:
                    tracks = [read_findings(connection, uid, t, self._database.place, pixels) for t in documents[uid]]
                    yield (tracks[0] if tracks else None) if track else reference_of(tracks, steps[uid])

    def store(self, connection: Connection, findings: Findings, by: Author, note: str) -> int:
        """Save within a transaction that does more: a step of a review, which changes what is locked too."""
        entries = self._cache.entries(findings)
        return self._store(connection, findings, entries, by, None, note, is_review=True).revision

    def set_object_status(
        self, connection: Connection, uid: str, track: str, status: Status, by: Author, note: str
    ) -> None:
        """Give every object of a track that is not rejected this status, and let the image follow."""
        found = self.latest_in(connection, uid, track)
        if found is None:
            raise ProjectError(f"{track} says nothing of {uid}.")
        changed = found.each(lambda item: item if item.status is Status.REJECTED else item.changed(status=status))
        self.store(connection, changed, by, note)
        set_image_status(connection, uid)  # also where nothing is drawn

    def latest_in(self, connection: Connection, uid: str, track: str) -> Findings | None:
        """The latest findings of a track as a transaction sees them, or ``None``."""
        query = select(current.c.document).where(current.c.uid == uid, current.c.track == track)
        document = connection.scalar(query)
        return self._findings(connection, uid, document) if document else None

    def _store(
        self,
        connection: Connection,
        findings: Findings,
        entries: tuple[Entry, ...],
        by: Author | None,
        base: int | None,
        note: str,
        is_review: bool = False,
    ) -> Written:
        uid, track = findings.radiograph_uid, findings.author.key
        self._require_image(connection, uid)
        last = self._written(connection, uid, track)
        if last and [e.text for e in last.entries] == [e.text for e in entries]:
            return last
        locked = "" if is_review else why_locked(connection, uid, track)
        if locked:
            raise ProjectError(locked)
        if base is not None and base != (last.revision if last else 0):
            raise _conflict(connection, uid, track)
        keep_blobs(connection, entries)
        row: dict[str, Any] = {"uid": uid, "track": track, "saved_by": (by or findings.author).key}
        row.update(time=now(), change=change_document(findings, last.entries if last else (), entries), note=note)
        result = connection.execute(revisions.insert().values(**row))
        assert result.inserted_primary_key is not None
        revision = int(result.inserted_primary_key[0])
        _set_current(connection, findings, entries, revision, is_new=last is None)
        set_image_status(connection, uid)
        return Written(revision, findings.shape, entries)

    def tracks(self, uid: str) -> list[Findings]:
        """The latest findings of every author, the most recently saved first."""
        query = select(current).where(current.c.uid == uid).order_by(current.c.revision.desc())
        with self._database.reading() as connection:
            return [self._findings(connection, uid, row.document) for row in connection.execute(query).all()]

    def findings(self, uid: str, author_key: str) -> Findings | None:
        """The latest findings of one author, or ``None``."""
        return self.latest(uid, author_key)[0]

    def latest(self, uid: str, author_key: str) -> tuple[Findings | None, int]:
        """The latest findings of one author, and the number of their revision: ``None`` and 0 where there are none."""
        query = select(current.c.document, current.c.revision).where(current.c.uid == uid)
        with self._database.reading() as connection:
            row = connection.execute(query.where(current.c.track == author_key)).first()
            if row is None:
                return None, 0
            return self._findings(connection, uid, row.document), int(row.revision)

    def last_revision(self) -> int:
        """The number of the newest revision of all; 0 before the first. It changes whenever anything is saved."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.max(revisions.c.id))) or 0)

    def reference(self, uid: str) -> Findings | None:
        """What counts as true of an image; see :func:`XRayAILib.project.reference.reference_of` for the order."""
        tracks = self.tracks(uid)
        with self._database.reading() as connection:
            return reference_of(tracks, states_of_image(connection, uid))

    def prediction(self, uid: str, digest: str | None = None) -> Findings | None:
        """The newest findings of a model, or of the model with this digest."""
        for findings in self.tracks(uid):
            if findings.author.kind is AuthorKind.MODEL and digest in (None, findings.author.digest):
                return findings
        return None

    def labelled(self, kinds: Sequence[AuthorKind] = (AuthorKind.PERSON, AuthorKind.IMPORT)) -> list[str]:
        """The uids of images of which an author of one of these kinds says something."""
        query = (
            select(current.c.uid).where(current.c.kind.in_([k.value for k in kinds])).distinct().order_by(current.c.uid)
        )
        with self._database.reading() as connection:
            return list(connection.scalars(query))

    def author_keys(self) -> list[str]:
        """Who says something of any image, as keys."""
        with self._database.reading() as connection:
            return list(connection.scalars(select(current.c.track).distinct().order_by(current.c.track)))

    def worked_on(self, author_key: str) -> set[str]:
        """The uids of images of which one author has said something, if only that there is nothing."""
        with self._database.reading() as connection:
            return set(connection.scalars(select(current.c.uid).where(current.c.track == author_key)))

    def label_counts(self, *objects: type[FindingObject]) -> dict[str, int]:
        """Label -> number of images, not excluded, on which a person or an import says it.

        Parameters
        ----------
        objects
            Count only objects of these kinds, such as ``Mask``; any where none is named.
        """
        authors = [AuthorKind.PERSON.value, AuthorKind.IMPORT.value]
        names = {kind.kind for kind in objects}
        query = (
            select(current.c.uid, current.c.document)
            .join(images, images.c.uid == current.c.uid)
            .where(current.c.kind.in_(authors), images.c.excluded == "")
        )
        said: dict[str, set[str]] = {}
        with self._database.reading() as connection:
            for uid, document in connection.execute(query):
                for entry in json_text.load(document)["objects"]:
                    if entry["status"] != Status.REJECTED.value and (not names or entry["kind"] in names):
                        said.setdefault(entry["label"], set()).add(uid)
        return {label: len(uids) for label, uids in said.items()}

    def _written(self, connection: Connection, uid: str, track: str) -> Written | None:
        """What the database has of a track; its text is read only where another process saved it last."""
        where = (current.c.uid == uid, current.c.track == track)
        revision = connection.scalar(select(current.c.revision).where(*where))
        if revision is None:
            return None
        known = self._cache.get(uid, track)
        if known is not None and known.revision == revision:
            return known
        shape, entries = read_entries(connection.scalar(select(current.c.document).where(*where)) or "")
        return Written(int(revision), shape, entries)

    def _findings(self, connection: Connection, uid: str, document: str) -> Findings:
        return read_findings(connection, uid, document, self._database.place)

    def _require_image(self, connection: Connection, uid: str) -> None:
        if connection.scalar(select(images.c.id).where(images.c.uid == uid)) is None:
            raise ProjectError(
                f"The radiograph {uid} is not in the project {self._database.place}: scan its folder first."
            )


def read_findings(connection: Connection, uid: str, document: str, place: object, pixels: bool = True) -> Findings:
    """The findings of a document of the table ``current``; ``place`` is what messages call the project."""

    def blob(name: str) -> bytes:
        if not pixels:
            return _ONE_PIXEL
        data = connection.scalar(select(blobs.c.data).where(blobs.c.name == name))
        if data is None:
            raise ProjectError(f"Project {place}: the pixels {name} of a mask of {uid} are missing.")
        return bytes(data)

    state = json_text.load(document)
    author = state["author"]
    for entry in () if pixels else state["objects"]:
        if "crop" in entry:
            crop = entry["crop"]
            entry["crop"] = {**crop, "rows": min(crop["rows"], 1), "columns": min(crop["columns"], 1)}
    return Findings(
        uid,
        (state["shape"][0], state["shape"][1]),
        Author(AuthorKind(author["kind"]), author["name"], author["digest"]),
        tuple(from_document(entry, blob) for entry in state["objects"]),
    )


def set_image_status(connection: Connection, uid: str) -> None:
    """Bring the status of an image up to date with what everybody says of it."""
    status = status_of(connection, uid, truth_track(connection, uid))
    # Most saves change no status, and its indexes are wide.
    changed = update(images).where(images.c.uid == uid, images.c.status != status.value)
    connection.execute(changed.values(status=status.value))


def _conflict(connection: Connection, uid: str, track: str) -> ConflictError:
    query = select(revisions).where(revisions.c.uid == uid, revisions.c.track == track)
    row = connection.execute(query.order_by(revisions.c.id.desc()).limit(1)).one()
    return ConflictError(
        f"Another program saved this image for {row.saved_by.partition(':')[2]} at {clock(row.time)}, after it was "
        "opened here. Nothing is lost: both versions are kept. Choose with which one to go on."
    )


def keep_blobs(connection: Connection, entries: Iterable[Entry]) -> None:
    """Store the pixels that entries name and the database does not have yet."""
    for name, data in {name: data for entry in entries for name, data in entry.blobs.items()}.items():
        if connection.scalar(select(blobs.c.name).where(blobs.c.name == name)) is None:
            connection.execute(blobs.insert().values(name=name, data=data))


def _set_current(
    connection: Connection, findings: Findings, entries: tuple[Entry, ...], revision: int, is_new: bool
) -> None:
    uid, track = findings.radiograph_uid, findings.author.key
    values: dict[str, Any] = {"revision": revision, "document": track_document(findings, entries)}
    values.update(kind=findings.author.kind.value, statuses=statuses(entries))
    if is_new:
        connection.execute(current.insert().values(uid=uid, track=track, **values))
    else:
        connection.execute(update(current).where(current.c.uid == uid, current.c.track == track).values(values))


def clock(time: str) -> str:
    """A stored time (ISO 8601, UTC) by the clock of this machine: ``14:05`` today, else ``2026-03-01 14:05``."""
    there, here = datetime.fromisoformat(time).astimezone(), datetime.now().astimezone()
    return there.strftime("%H:%M" if there.date() == here.date() else "%Y-%m-%d %H:%M")
