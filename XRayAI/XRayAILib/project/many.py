"""What is said of many images, read and saved a batch at a time: for exports and imports of thousands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, func, select, update

from XRayAILib.findings.author import AuthorKind
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import now
from XRayAILib.project.controls import controls
from XRayAILib.project.database import blobs, current, images, revisions
from XRayAILib.project.reviews import Step, reviews, step_of
from XRayAILib.project.status import image_status
from XRayAILib.project.written import Entry, change_document, statuses, track_document

BATCH = 500
"""Images of one statement; databases limit how many values it can have."""

Track = tuple[Findings, tuple[Entry, ...]]
"""Whose findings of which image (without objects), and the objects as they are stored."""


def batches(items: Sequence[Any], size: int = BATCH) -> Iterator[Sequence[Any]]:
    """Parts of so many."""
    return (items[i : i + size] for i in range(0, len(items), size))


def documents_of(connection: Connection, uids: Sequence[str], track: str = "") -> dict[str, list[str]]:
    """The documents of the table ``current`` of each image, the most recently saved first; of one track, or of all."""
    found: dict[str, list[str]] = {uid: [] for uid in uids}
    query = select(current.c.uid, current.c.document).where(current.c.uid.in_(uids))
    query = query.where(current.c.track == track) if track else query
    for uid, document in connection.execute(query.order_by(current.c.revision.desc())):
        found[uid].append(document)
    return found


def steps_of(connection: Connection, uids: Sequence[str]) -> dict[str, dict[str, Step]]:
    """Track -> newest step of its review, of each image."""
    newest = select(func.max(reviews.c.id)).where(reviews.c.uid.in_(uids)).group_by(reviews.c.uid, reviews.c.track)
    found: dict[str, dict[str, Step]] = {uid: {} for uid in uids}
    for row in connection.execute(select(reviews).where(reviews.c.id.in_(newest))):
        found[row.uid][row.track] = step_of(row)
    return found


def store_new(connection: Connection, tracks: Sequence[Track]) -> list[Track]:
    """Store imported findings of images that have none of this author yet; gives back the others.

    The rest is for :meth:`History.save`, which knows what to do with tracks that are there, are a person's and may be
    locked, or whose image is not in the project.
    """
    uids = [findings.radiograph_uid for findings, _ in tracks]
    known = set(connection.scalars(select(images.c.uid).where(images.c.uid.in_(uids))))
    taken = {(uid, track) for uid, track in connection.execute(_of(current.c.uid, current.c.track, uids=uids))}
    others = {uid for uid, _ in taken} | set(connection.scalars(_of(controls.c.uid, uids=uids)))
    fresh: list[Track] = []
    rest: list[Track] = []
    for findings, entries in tracks:
        key = (findings.radiograph_uid, findings.author.key)
        plain = findings.author.kind is AuthorKind.IMPORT and key[0] in known and key[0] not in others
        # An image comes twice where a file has the annotations of several people.
        others.add(key[0])
        (fresh if plain else rest).append((findings, entries))
    if fresh:
        _keep_blobs(connection, [entry for _, entries in fresh for entry in entries])
        _append(connection, fresh)
    return rest


def _of(*columns: Any, uids: Sequence[str]) -> Any:
    return select(*columns).where(columns[0].in_(uids))


def _append(connection: Connection, tracks: Sequence[Track]) -> None:
    time = now()
    rows = [
        {
            **_key(findings),
            "saved_by": findings.author.key,
            "time": time,
            "change": change_document(findings, (), entries),
        }
        for findings, entries in tracks
    ]
    added = revisions.insert().returning(revisions.c.id, sort_by_parameter_order=True)
    numbers = connection.scalars(added, [{**row, "note": ""} for row in rows]).all()
    states = [
        {
            **_key(findings),
            "kind": findings.author.kind.value,
            "revision": number,
            "document": track_document(findings, entries),
            "statuses": statuses(entries),
        }
        for (findings, entries), number in zip(tracks, numbers, strict=True)
    ]
    connection.execute(current.insert(), states)
    by_status: dict[str, list[str]] = {}
    for findings, entries in tracks:
        status = image_status({entry.status for entry in entries}, [], False)
        by_status.setdefault(status.value, []).append(findings.radiograph_uid)
    for value, uids in by_status.items():
        connection.execute(update(images).where(images.c.uid.in_(uids), images.c.status != value).values(status=value))


def _key(findings: Findings) -> dict[str, str]:
    return {"uid": findings.radiograph_uid, "track": findings.author.key}


def _keep_blobs(connection: Connection, entries: Iterable[Entry]) -> None:
    pixels = {name: data for entry in entries for name, data in entry.blobs.items()}
    for names in batches(list(pixels)):
        there = set(connection.scalars(_of(blobs.c.name, uids=names)))
        fresh = [{"name": name, "data": pixels[name]} for name in names if name not in there]
        if fresh:
            connection.execute(blobs.insert(), fresh)
