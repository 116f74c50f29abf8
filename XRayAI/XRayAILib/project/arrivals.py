"""Arrivals: what a scan read, put into the project batch by batch.

Nothing of a whole collection is held in memory: each batch asks the database for what it has of just these files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header, header_from_json
from XRayAILib.dicom.scan import Scanned
from XRayAILib.dicom.search import FoundFile
from XRayAILib.dicom.source import exists, open_source
from XRayAILib.project.collection import note, parts, store
from XRayAILib.project.database import Database, files, images

REPLACED = "was replaced by another one"
"""How the reason ends for which an image is excluded whose file is another image's now."""
NAMESAKE = "another file of the collection has the same SOP Instance UID with other content"
_COMPARED = {
    "photometric": "PhotometricInterpretation",
    "rows": "Rows",
    "columns": "Columns",
    "transfer_syntax": "TransferSyntaxUID",
    "patient_id": "PatientID",
    "study_date": "StudyDate",
    "view": "ViewPosition",
    "laterality": "Laterality",
    "intent": "PresentationIntentType",
    "manufacturer": "Manufacturer",
}


@dataclass
class Taken:
    """What became of a batch; the lists are (path, reason) and (path, path of the file that was there before)."""

    added: int = 0
    refreshed: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    namesakes: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _There:
    """What the database has of the images of a batch: uid -> (path, header as text), and the uids of a path."""

    images: dict[str, tuple[str, str]] = field(default_factory=dict)
    of_path: dict[str, set[str]] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)

    def include(self, rows: Iterable[Any]) -> None:
        for uid, path, excluded, header in rows:
            self.images[uid] = (path, header)
            self.of_path.setdefault(path, set()).add(uid)
            if excluded.endswith(REPLACED):
                self.replaced.add(uid)


def has_its_file() -> ColumnElement[bool]:
    """The condition on ``images`` that the file at an image's path is still that image's."""
    return images.c.excluded.not_like(f"%{REPLACED}")


class Arrivals:
    """The way of scanned files into the tables ``images`` and ``files``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changed(self, found: Sequence[FoundFile]) -> list[FoundFile]:
        """The files that no scan has seen as they are now."""
        known: dict[str, tuple[int, int]] = {}
        with self._database.reading() as connection:
            for part in parts([file.path for file in found]):
                query = select(files.c.path, files.c.size, files.c.modified).where(files.c.path.in_(part))
                known.update((path, (size, modified)) for path, size, modified in connection.execute(query))
        return [file for file in found if known.get(file.path) != file.stamp]

    def count_in(self, container: str) -> int:
        """How many files of an archive a scan has seen."""
        # What begins with "a.zip/" lies between that and "a.zip0", because 0 follows / (and ] follows \).
        separator = str(Path(container, "x"))[-2]
        query = select(func.count()).where(
            files.c.path > container + separator, files.c.path < container + chr(ord(separator) + 1)
        )
        with self._database.reading() as connection:
            return int(connection.scalar(query) or 0)

    def note(self, found: Iterable[FoundFile]) -> None:
        """Remember files that need not be looked at again as long as they stay the same."""
        with self._database.writing() as connection:
            note(connection, {file.path: (*file.stamp, file.reason) for file in found})

    def take(self, batch: Sequence[Scanned]) -> Taken:
        """Store what was read of some files: all of it, or nothing.

        One SOP Instance UID is one radiograph. A copy of a file is a duplicate; a file that has the UID of another one
        but other content gets a uid of its own, because nothing may be lost to a device that gave a UID twice.
        """
        uids = [header.uid for scanned in batch for header in scanned.headers]
        paths = [scanned.file.path for scanned in batch]
        while True:
            with self._database.reading() as connection:
                there = _there(connection, uids, paths)
            # Files are compared before the transaction, which must be short: others may be waiting to write.
            decided = _Decision(there)
            for scanned in batch:
                decided.put(scanned)
            taken = decided.taken
            with self._database.writing() as connection:
                if _there(connection, uids, paths).images != there.images:
                    continue  # another scan was quicker: decide anew
                taken.added = store(connection, decided.headers)
                taken.refreshed = len(decided.headers) - taken.added
                for part in parts([header.uid for header in decided.headers]):
                    # The pixels of a file that changed have to be read again.
                    stale = update(images).where(images.c.uid.in_(part), images.c.pixel_hash.is_not(None))
                    connection.execute(stale.values(pixel_hash=None))
                for uid, reason in decided.exclusions.items():
                    connection.execute(update(images).where(images.c.uid == uid).values(excluded=reason))
                note(connection, decided.seen)
                return taken


class _Decision:
    """What is to become of the files of a batch, one after the other."""

    def __init__(self, there: _There) -> None:
        self._there = there
        self._places = {uid: path for uid, (path, _) in there.images.items()}
        self._mine: dict[str, Header] = {}
        self.taken = Taken()
        self.headers: list[Header] = []
        self.exclusions: dict[str, str] = {}
        self.seen: dict[str, tuple[int, int, str]] = {}

    def put(self, scanned: Scanned) -> None:
        path, reason = scanned.file.path, scanned.reason
        kept = set()
        for header in scanned.headers:
            other = self._other_place(header.uid, path)
            if other and _same_content(path, other):
                reason = f"the same file as {other}, which was taken"
                self.taken.duplicates.append((path, other))
                break
            if other or self._had_own_uid(header):
                uid = _own_uid(header)
                again = self._other_place(uid, path)
                if again:
                    reason = f"the same file as {again}, which was taken"
                    self.taken.duplicates.append((path, again))
                    break
                if other:
                    differs = f"{other}, {self._difference(header)}"
                    header = replace(header, notes=(*header.notes, f"{NAMESAKE}: {differs}"))
                    if not header.frame:
                        self.taken.namesakes.append((path, differs))
                header = replace(header, uid=uid)
            self._keep(header)
            kept.add(header.uid)
        for uid in self._there.of_path.get(path, set()) - kept:
            self.exclusions[uid] = f"its file {path} {REPLACED}"
        if scanned.reason:
            self.taken.unreadable.append((path, scanned.reason))
        self.seen[path] = (*scanned.file.stamp, reason)

    def _keep(self, header: Header) -> None:
        self._places[header.uid] = header.path
        self._mine[header.uid] = header
        self.headers.append(header)
        if header.uid in self._there.replaced:  # and is back
            self.exclusions[header.uid] = ""

    def _other_place(self, uid: str, path: str) -> str:
        """The path of another file that has this radiograph and is still there; empty where there is none."""
        other = self._places.get(uid, "")
        return other if other and other != path and exists(Path(other)) else ""

    def _had_own_uid(self, header: Header) -> bool:
        """Whether this file has findings under a uid of its own, which stays its uid when the other file is gone."""
        mine = self._there.of_path.get(header.path, set())
        return any(uid.startswith(f"{header.sop_instance_uid}~") for uid in mine) and _own_uid(header) in mine

    def _difference(self, header: Header) -> str:
        stored = self._there.images.get(header.uid)
        there = self._mine.get(header.uid) or (header_from_json(stored[1]) if stored else header)
        names = [
            f"{name} {getattr(header, field_name) or 'empty'} here, {getattr(there, field_name) or 'empty'} there"
            for field_name, name in _COMPARED.items()
            if getattr(header, field_name) != getattr(there, field_name)
        ]
        return "; ".join(names) or "which differs in its pixels or in attributes that are not shown"


def _there(connection: Connection, uids: list[str], paths: list[str]) -> _There:
    found = _There()
    columns = (images.c.uid, images.c.path, images.c.excluded, images.c.header)
    for column, values in ((images.c.uid, uids), (images.c.path, paths)):
        for part in parts(values):
            found.include(connection.execute(select(*columns).where(column.in_(part))))
    here = set(paths)
    for uid in {uid for uid in uids if uid in found.images and found.images[uid][0] not in here}:
        # Files that got a uid of their own because of this one: all of them lie between "uid~" and the next character.
        stem = uid.partition("#")[0] + "~"
        found.include(connection.execute(select(*columns).where(images.c.uid > stem, images.c.uid < stem + "g")))
    return found


def _same_content(first: str, second: str) -> bool:
    """Whether two files are equal in every byte. One that cannot be read any more is not."""
    try:
        with open_source(Path(first)) as here, open_source(Path(second)) as there:
            while True:
                block = here.read(1 << 20)
                if block != there.read(1 << 20):
                    return False
                if not block:
                    return True
    except (OSError, UnreadableError):
        return False


def _own_uid(header: Header) -> str:
    """The uid of a file whose SOP Instance UID another one has: by its content, so every scan gives the same one."""
    frame = header.uid.removeprefix(header.sop_instance_uid)
    return f"{header.sop_instance_uid}~{_digest(header.path)}{frame}"


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open_source(Path(path)) as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()[:8]
