"""What was said of each image, with every revision.

A track is what one author says of one image. Saving appends a revision that holds only what changed; nothing is ever
overwritten. The latest state of each track is kept beside, so reading it needs no replay.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.document import from_document, to_document
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, now
from XRayAILib.project.database import Database, blobs, current, images, revisions
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import ImageStatus


@dataclass(frozen=True)
class Revision:
    """One saved change: when, whose findings, saved by whom, and how many objects were put and dropped."""

    id: int
    track: str
    saved_by: str
    time: str
    put: int
    dropped: int


class History:
    """The tables ``revisions``, ``current`` and ``blobs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, findings: Findings, by: Author | None = None) -> int:
        """Append a revision and give its number; findings that equal the latest ones add nothing.

        All of it, masks included, is one transaction.
        """
        uid, track = findings.radiograph_uid, findings.author.key
        fresh_blobs: dict[str, bytes] = {}
        documents = [to_document(item, fresh_blobs.__setitem__) for item in findings]
        with self._database.writing() as connection:
            self._require_image(connection, uid)
            query = select(current).where(current.c.uid == uid, current.c.track == track)
            last = connection.execute(query).first()
            # Through JSON, so that tuples and lists compare alike.
            documents = json.loads(json.dumps(documents))
            old = json.loads(last.document)["objects"] if last else []
            if last and old == documents:
                return int(last.revision)
            for name, data in fresh_blobs.items():
                if connection.scalar(select(blobs.c.name).where(blobs.c.name == name)) is None:
                    connection.execute(blobs.insert().values(name=name, data=data))
            revision = self._append(connection, findings, old, documents, by or findings.author)
            state = {"author": _author(findings.author), "shape": list(findings.shape), "objects": documents}
            values = {"revision": revision, "document": json.dumps(state), "kind": findings.author.kind.value}
            if last:
                where = (current.c.uid == uid, current.c.track == track)
                connection.execute(update(current).where(*where).values(values))
            else:
                connection.execute(current.insert().values(uid=uid, track=track, **values))
            self._set_status(connection, uid)
        return revision

    def tracks(self, uid: str) -> list[Findings]:
        """The latest findings of every author, the most recently saved first."""
        query = select(current).where(current.c.uid == uid).order_by(current.c.revision.desc())
        with self._database.reading() as connection:
            return [self._findings(connection, uid, row.document) for row in connection.execute(query).all()]

    def findings(self, uid: str, author_key: str) -> Findings | None:
        """The latest findings of one author, or ``None``."""
        query = select(current.c.document).where(current.c.uid == uid, current.c.track == author_key)
        with self._database.reading() as connection:
            document = connection.scalar(query)
            return self._findings(connection, uid, document) if document else None

    def revisions(self, uid: str) -> list[Revision]:
        """Every saved change of an image, the oldest first."""
        query = select(revisions).where(revisions.c.uid == uid).order_by(revisions.c.id)
        with self._database.reading() as connection:
            found = []
            for row in connection.execute(query):
                change = json.loads(row.change)
                found.append(
                    Revision(row.id, row.track, row.saved_by, row.time, len(change["put"]), len(change["drop"]))
                )
            return found

    def last_revision(self) -> int:
        """The number of the newest revision of all; 0 before the first. It changes whenever anything is saved."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.max(revisions.c.id))) or 0)

    def at(self, uid: str, author_key: str, revision: int) -> Findings:
        """The findings of an author as they stood after ``revision``."""
        query = (
            select(revisions.c.change)
            .where(revisions.c.uid == uid, revisions.c.track == author_key, revisions.c.id <= revision)
            .order_by(revisions.c.id)
        )
        with self._database.reading() as connection:
            changes = [json.loads(change) for change in connection.scalars(query)]
            if not changes:
                raise ProjectError(f"{author_key} had said nothing of {uid} by revision {revision}.")
            objects: dict[str, Any] = {}
            for change in changes:
                for gone in change["drop"]:
                    objects.pop(gone, None)
                objects.update((document["id"], document) for document in change["put"])
            state = {**changes[-1]["head"], "objects": [objects[i] for i in changes[-1]["order"]]}
            return self._findings(connection, uid, json.dumps(state))

    def reference(self, uid: str) -> Findings | None:
        """What counts as true: a person's findings before imported ones, the newest first; without rejected objects."""
        for kind in (AuthorKind.PERSON, AuthorKind.IMPORT):
            for findings in self.tracks(uid):
                kept = findings.without(o.id for o in findings if o.status is Status.REJECTED)
                if findings.author.kind is kind and kept.objects:
                    return kept
        return None

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
                for entry in json.loads(document)["objects"]:
                    if entry["status"] != Status.REJECTED.value and (not names or entry["kind"] in names):
                        said.setdefault(entry["label"], set()).add(uid)
        return {label: len(uids) for label, uids in said.items()}

    def _append(
        self, connection: Connection, findings: Findings, old: list[Any], documents: list[Any], by: Author
    ) -> int:
        before = {document["id"]: document for document in old}
        change = {
            "put": [document for document in documents if before.get(document["id"]) != document],
            "drop": [i for i in before if i not in {document["id"] for document in documents}],
            "order": [document["id"] for document in documents],
            "head": {"author": _author(findings.author), "shape": list(findings.shape)},
        }
        row = {"uid": findings.radiograph_uid, "track": findings.author.key, "saved_by": by.key, "time": now()}
        result = connection.execute(revisions.insert().values(change=json.dumps(change), **row))
        assert result.inserted_primary_key is not None
        return int(result.inserted_primary_key[0])

    def _findings(self, connection: Connection, uid: str, document: str) -> Findings:
        def blob(name: str) -> bytes:
            data = connection.scalar(select(blobs.c.data).where(blobs.c.name == name))
            if data is None:
                raise ProjectError(f"Project {self._database.place}: the pixels {name} of a mask of {uid} are missing.")
            return bytes(data)

        state = json.loads(document)
        author = state["author"]
        return Findings(
            uid,
            (state["shape"][0], state["shape"][1]),
            Author(AuthorKind(author["kind"]), author["name"], author["digest"]),
            tuple(from_document(entry, blob) for entry in state["objects"]),
        )

    def _require_image(self, connection: Connection, uid: str) -> None:
        if connection.scalar(select(images.c.id).where(images.c.uid == uid)) is None:
            raise ProjectError(
                f"The radiograph {uid} is not in the project {self._database.place}: scan its folder first."
            )

    def _set_status(self, connection: Connection, uid: str) -> None:
        rows = connection.execute(select(current.c.kind, current.c.document).where(current.c.uid == uid)).all()
        said: dict[bool, list[str]] = {True: [], False: []}
        for kind, document in rows:
            said[kind == AuthorKind.MODEL.value] += [entry["status"] for entry in json.loads(document)["objects"]]
        status = image_status(people=said[False], models=said[True], models_ran=any(k == "model" for k, _ in rows))
        connection.execute(update(images).where(images.c.uid == uid).values(status=status.value))


def image_status(people: list[str], models: list[str], models_ran: bool) -> ImageStatus:
    """The status of an image from the statuses of its objects: what people and imports said outweighs models."""
    kept = [status for status in people if status != Status.REJECTED.value]
    if kept:
        if all(status == Status.APPROVED.value for status in kept):
            return ImageStatus.APPROVED
        return ImageStatus.SUBMITTED if Status.DRAFT.value not in kept else ImageStatus.DRAFT
    if models and all(status == Status.REJECTED.value for status in models):
        return ImageStatus.REJECTED
    if models_ran:
        return ImageStatus.PREDICTED
    return ImageStatus.REJECTED if people else ImageStatus.UNLABELLED


def _author(author: Author) -> dict[str, str]:
    return {"kind": author.kind.value, "name": author.name, "digest": author.digest}
