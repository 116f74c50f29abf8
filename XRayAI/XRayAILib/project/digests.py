"""What was said, as digests: the same digest, the same findings. So what was computed from them can be kept."""

from __future__ import annotations

import hashlib

from sqlalchemy import select

from XRayAILib.project.database import Database, current


def track_digests(database: Database) -> dict[str, dict[str, str]]:
    """Uid -> key of an author -> SHA-256 of the latest findings, of all images.

    Masks are part of it by the digest of their pixels, which stands in the document.
    """
    query = select(current.c.uid, current.c.track, current.c.document).order_by(current.c.uid, current.c.track)
    found: dict[str, dict[str, str]] = {}
    with database.reading() as connection:
        for uid, track, document in connection.execute(query):
            found.setdefault(uid, {})[track] = hashlib.sha256(document.encode("utf-8")).hexdigest()
    return found
