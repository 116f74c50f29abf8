"""What every object has whatever its shape, as plain text: for tags and attributes of Slicer's scene and files."""

from __future__ import annotations

import json
from collections.abc import Mapping

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.objects import FindingError, FindingObject, new_id, now

FIELDS = (
    "id",
    "label",
    "author",
    "authorKind",
    "authorName",
    "authorDigest",
    "created",
    "status",
    "score",
    "derivedFrom",
    "attributes",
)


def author_record(author: Author) -> dict[str, str]:
    """An author as text; ``author`` is for people who look, the other three are read back."""
    return {
        "author": author.key,
        "authorKind": author.kind.value,
        "authorName": author.name,
        "authorDigest": author.digest,
    }


def author_of(record: Mapping[str, str]) -> Author | None:
    """The author in a record, or ``None`` where it has none."""
    if not record.get("authorKind"):
        return None
    try:
        kind = AuthorKind(record["authorKind"])
    except ValueError as error:
        raise FindingError(f"'{record['authorKind']}' is no kind of author.") from error
    return Author(kind, record.get("authorName", ""), record.get("authorDigest", ""))


def record_of(item: FindingObject) -> dict[str, str]:
    """What is the same for every kind of object, as text; :data:`FIELDS`."""
    return {
        "id": item.id,
        "label": item.label,
        **author_record(item.author),
        "created": item.created,
        "status": item.status.value,
        "score": "" if item.score is None else repr(float(item.score)),
        "derivedFrom": item.derived_from or "",
        "attributes": json.dumps(item.attributes) if item.attributes else "",
    }


def identity_of(record: Mapping[str, str], author: Author) -> dict[str, object]:
    """The keyword arguments of an object with this record; ``author`` is who drew what has none.

    Raises
    ------
    FindingError
        A value is damaged.
    """
    try:
        status = Status(record.get("status") or Status.DRAFT.value)
        score = float(record["score"]) if record.get("score") else None
        pairs = json.loads(record["attributes"]) if record.get("attributes") else ()
        attributes = tuple((str(name), str(value)) for name, value in pairs)
    except (TypeError, ValueError) as error:
        raise FindingError(f"The record of the object {record.get('id', '')} is damaged: {error}.") from error
    return {
        "id": record.get("id") or new_id(),
        "label": record.get("label", ""),
        "author": author_of(record) or author,
        "created": record.get("created") or now(),
        "status": status,
        "score": score,
        "derived_from": record.get("derivedFrom") or None,
        "attributes": attributes,
    }
