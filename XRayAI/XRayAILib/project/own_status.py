"""How far one reader is with each image, and which images are assigned to that reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Subquery, case, func, select

from XRayAILib.findings.author import Status
from XRayAILib.project.assignments import assignments
from XRayAILib.project.collection import parts
from XRayAILib.project.database import current, images
from XRayAILib.project.reviews import ReadingState, reviews

UNLABELLED = "unlabelled"


def own_statuses(connection: Connection, reader: str, uids: Sequence[str]) -> dict[str, str]:
    """uid -> how far a reader (an :attr:`Author.key`) is with it."""
    found = dict.fromkeys(uids, UNLABELLED)
    own = _own(reader)
    for some in parts(uids):
        rows = connection.execute(select(own.c.uid, own.c.status).where(own.c.uid.in_(some)))
        found.update((uid, status) for uid, status in rows)
    return found


def own_counts(
    connection: Connection, reader: str, others: Sequence[ColumnElement[bool]], total: int
) -> list[tuple[str, int]]:
    """(status, number of images) among ``total`` images that fulfil the conditions ``others``, the most frequent first.

    Images on which the reader has said nothing are not looked at: they are what is left.
    """
    own = _own(reader)
    query = select(own.c.status, func.count()).join(images, images.c.uid == own.c.uid).where(*others)
    found = {status: int(number) for status, number in connection.execute(query.group_by(own.c.status))}
    found[UNLABELLED] = total - sum(found.values())
    return sorted(((status, number) for status, number in found.items() if number), key=lambda pair: -pair[1])


def condition(column: str, reader: str, values: Sequence[str]) -> ColumnElement[bool]:
    """What an image must fulfil to have one of these values in the column ``own`` or ``assigned`` of a query."""
    if column == "assigned":
        name = reader.partition(":")[2]
        mine = select(images.c.id).join(assignments, assignments.c.uid == images.c.uid)
        chosen = images.c.id.in_(mine.where(assignments.c.reader == name))
        return images.c.id == images.c.id if len(set(values)) == 2 else chosen if "yes" in values else ~chosen
    own = _own(reader)
    worked = select(images.c.id).join(own, own.c.uid == images.c.uid)
    if UNLABELLED in values:
        return images.c.id.not_in(worked.where(own.c.status.not_in(values)))
    return images.c.id.in_(worked.where(own.c.status.in_(values)))


def _own(reader: str) -> Subquery:
    """(uid, status) of the images on which a reader has said something.

    The last step of the review says it; where there was none, the statuses of the objects do: a label that was imported
    or taken over can be approved without a review.
    """
    newest = select(func.max(reviews.c.id)).where(reviews.c.track == reader).group_by(reviews.c.uid)
    step = select(reviews.c.uid, reviews.c.state).where(reviews.c.id.in_(newest)).subquery()
    kept: Any = current.c.statuses
    draft, submitted, approved, rejected = (status.value for status in Status)
    status = case(
        (step.c.state == ReadingState.REOPENED.value, draft),
        (step.c.state.is_not(None), step.c.state),
        (kept.contains(draft), draft),
        (kept.contains(submitted), submitted),
        (kept.contains(approved), approved),
        (kept.contains(rejected), rejected),
        else_=draft,
    )
    query = select(current.c.uid, status.label("status")).outerjoin(step, step.c.uid == current.c.uid)
    return query.where(current.c.track == reader).subquery()
