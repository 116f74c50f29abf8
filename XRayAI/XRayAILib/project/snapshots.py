"""The snapshots of a project: making, finding, comparing and verifying them, and giving back what they hold.

::

    snapshot = project.snapshots.create("before the second round")
    for uid, findings in project.snapshots.findings_of(snapshot):
        ...
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.source import stamp
from XRayAILib.findings.author import AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, blobs, current, images
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.history import read_findings
from XRayAILib.project.past import state_at
from XRayAILib.project.snapshot import (
    RECORD,
    SHORT,
    Snapshot,
    SnapshotError,
    SnapshotImage,
    SnapshotTrack,
    content_hash,
    state_digest,
)
from XRayAILib.project.unfinished import ENDING, remove_unfinished

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

FOLDER = "snapshots"
LONGEST_NAME = 100

ProgressCall = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Difference:
    """What is different between two snapshots.

    Attributes
    ----------
    added, removed
        Images that only the second or the first one has.
    tracks
        (uid, track) of what somebody says otherwise, or of an image that both have says only in one.
    splits, references, pixels
        Images with another part, another track that counts as true, other pixels.
    schema, readers
        Whether these are different.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    tracks: tuple[tuple[str, str], ...]
    splits: tuple[str, ...]
    references: tuple[str, ...]
    pixels: tuple[str, ...]
    schema: bool
    readers: bool

    @property
    def none(self) -> bool:
        """Whether both say the same."""
        lists = (self.added, self.removed, self.tracks, self.splits, self.references, self.pixels)
        return not (any(lists) or self.schema or self.readers)


class Snapshots:
    """The folder ``snapshots`` of a project."""

    def __init__(self, project: Project, database: Database) -> None:
        self._project = project
        self._database = database
        self.folder = project.folder / FOLDER

    def create(self, name: str = "", who: str = "", progress: ProgressCall = lambda *_: None) -> Snapshot:
        """Make a snapshot of all labelled images that are not excluded; a state that has one already gives that one.

        Raises
        ------
        SnapshotError
            Nothing is labelled, another snapshot has this name or this state another name, the name is none, or the
            folder cannot be written.
        """
        if not name.isprintable() or len(name) > LONGEST_NAME:
            raise SnapshotError(f"A snapshot's name is one line of at most {LONGEST_NAME} letters.")
        state = self.now(name, who, progress)
        if state.folder.is_dir():
            there = Snapshot.read(state.folder)
            if name not in ("", there.name):
                called = f"called '{there.name}'" if there.name else "without a name"
                raise SnapshotError(
                    f"This state has a snapshot already, {called}: it is not called '{name}' now. Refer to it by its "
                    f"{'name or ' if there.name else ''}hash, {there.short}."
                )
            return there
        if name and name in self._names():
            raise SnapshotError(f"There is a snapshot '{name}' already, of another state: take another name.")
        remove_unfinished(self.folder)
        temporary = self.folder / f".{uuid.uuid4().hex}{ENDING}"
        try:
            temporary.mkdir(parents=True)
            state.write(temporary)
            temporary.replace(state.folder)
        except OSError as error:
            raise SnapshotError(f"No snapshot can be made in {self.folder}: {error.strerror or error}.") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        self._project.audit("snapshot", f"{state.digest} {name}".strip(), who)
        return state

    def now(self, name: str = "", who: str = "", progress: ProgressCall = lambda *_: None) -> Snapshot:
        """The present state as a snapshot that is not written; raises as :meth:`create` does where nothing is there."""
        from XRayAILib.project.project import user

        found = self._images(progress)
        if not found:
            raise SnapshotError("There is nothing to make a snapshot of: no image has labels yet.")
        people = self._project.readers.all()
        readers = tuple({"name": p.name, "roles": p.roles_text, "active": p.active} for p in people)
        schema = self._project.schema
        digest = content_hash(found, schema, readers)
        return Snapshot(self.folder / digest, digest, name, now(), who or user(), schema, readers, found)

    def all(self) -> list[Snapshot]:
        """The snapshots that are whole, the newest first."""
        found = []
        for folder in self._folders():
            try:
                found.append(Snapshot.read(folder))
            except SnapshotError:
                continue  # told by whoever asks for it, and by verify
        return sorted(found, key=lambda snapshot: (snapshot.created, snapshot.digest), reverse=True)

    def damaged(self) -> list[str]:
        """Why the others are not."""
        reasons = []
        for folder in self._folders():
            try:
                Snapshot.read(folder)
            except SnapshotError as error:
                reasons.append(str(error))
        return reasons

    def find(self, text: str) -> Snapshot:
        """The snapshot of this name, or whose hash begins so; :class:`SnapshotError` where that is not exactly one."""
        for folder in self._folders():
            if text == folder.name:
                return Snapshot.read(folder)
        snapshots = self.all()
        named = [snapshot for snapshot in snapshots if snapshot.name == text]
        fitting = named or [s for s in snapshots if len(text) >= 4 and s.digest.startswith(text.lower())]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise SnapshotError(f"{len(fitting)} snapshots begin with '{text}': write more of the hash.")
        beginning = [f for f in self._folders() if len(text) >= 4 and f.name.startswith(text.lower())]
        if beginning:
            return Snapshot.read(beginning[0])
        known = ", ".join(s.name or s.short for s in snapshots) or "none"
        raise SnapshotError(f"There is no snapshot '{text}' in {self._project.folder} (there are: {known}).")

    def findings(self, snapshot: Snapshot, uid: str, track: str = "") -> Findings | None:
        """Exactly what a track said of an image then, whatever was saved since.

        Without a track: what counted as true, without rejected objects; ``None`` where nothing did.

        Raises
        ------
        SnapshotError
            The project does not have these findings any more.
        """
        image = snapshot.image(uid)
        key = track or image.reference
        if not key:
            return None
        if key not in image.tracks:
            raise SnapshotError(f"{key} says nothing of {uid} in the snapshot {snapshot.short}.")
        wanted = image.tracks[key]
        with self._database.reading() as connection:
            state = state_at(connection, uid, key, wanted.revision)
            if state is None or state_digest(state) != wanted.digest:
                raise SnapshotError(
                    f"What {key} said of {uid} in revision {wanted.revision} is not in the project any more as the "
                    f"snapshot {snapshot.short} has it: its database was changed. Restore project.db from a backup."
                )
            try:
                found = read_findings(connection, uid, json.dumps(state), self._project.folder)
            except (zlib.error, ValueError, KeyError) as error:
                raise SnapshotError(f"What {key} said of {uid} is damaged in the project ({error}).") from error
        return found if track else found.without(o.id for o in found if o.status is Status.REJECTED)

    def findings_of(self, snapshot: Snapshot) -> Iterator[tuple[str, Findings]]:
        """Uid and findings of every image that something counted as true of."""
        for image in snapshot.images:
            found = self.findings(snapshot, image.uid)
            if found is not None:
                yield image.uid, found

    def diff(self, first: Snapshot, second: Snapshot) -> Difference:
        """What is different in ``second``."""
        before = {image.uid: image for image in first.images}
        after = {image.uid: image for image in second.images}
        both = [uid for uid in before if uid in after]
        tracks = [
            (uid, key)
            for uid in both
            for key in sorted({*before[uid].tracks, *after[uid].tracks})
            if _digest(before[uid], key) != _digest(after[uid], key)
        ]
        return Difference(
            added=tuple(uid for uid in after if uid not in before),
            removed=tuple(uid for uid in before if uid not in after),
            tracks=tuple(tracks),
            splits=tuple(uid for uid in both if before[uid].split != after[uid].split),
            references=tuple(uid for uid in both if before[uid].reference != after[uid].reference),
            pixels=tuple(uid for uid in both if before[uid].pixels != after[uid].pixels),
            schema=first.schema.document() != second.schema.document(),
            readers=first.readers != second.readers,
        )

    def verify(self, snapshot: Snapshot, progress: ProgressCall = lambda *_: None) -> list[str]:
        """What is not any more as it was: findings, masks or image files. Nothing where all of it can be given back."""
        problems = self.changed_files(snapshot)
        for done, image in enumerate(snapshot.images):
            progress(done, len(snapshot.images), "verifying")
            for key in image.tracks:
                try:
                    self._check_masks(image, key)
                    self.findings(snapshot, image.uid, key)
                except ProjectError as error:
                    problems.append(str(error))
        return problems

    def changed_files(self, snapshot: Snapshot) -> list[str]:
        """Images whose file is gone or has other pixels than the snapshot says."""
        state = self._pixels()
        problems = []
        for image in snapshot.images:
            if image.uid not in state:
                problems.append(f"The radiograph {image.uid} is not in the project any more.")
                continue
            path, pixel_hash = state[image.uid]
            # A hash may have become known since; then the file's stamp still tells.
            if image.pixels not in (pixel_hash, _stamp(path)):
                problems.append(
                    f"{path}: the file is gone or has changed since the snapshot {snapshot.short} was made."
                )
        return problems

    def _check_masks(self, image: SnapshotImage, key: str) -> None:
        """The name of a mask's pixels is their SHA-256."""
        with self._database.reading() as connection:
            state = state_at(connection, image.uid, key, image.tracks[key].revision)
            names = {entry["crop"]["blob"] for entry in (state or {}).get("objects", ()) if "crop" in entry}
            for name in names:
                data = connection.scalar(select(blobs.c.data).where(blobs.c.name == name))
                if data is None or hashlib.sha256(bytes(data)).hexdigest() != name:
                    raise SnapshotError(f"The pixels of a mask of {image.uid} by {key} are damaged ({name[:SHORT]}).")

    def _names(self) -> set[str]:
        """The names that are taken, of damaged ones too, without reading the manifests."""
        names = set()
        for folder in self._folders():
            try:
                names.add(str(json.loads((folder / RECORD).read_text("utf-8"))["name"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # such a snapshot is told as damaged by all that reads it
        return names

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith("."))

    def _images(self, progress: ProgressCall) -> tuple[SnapshotImage, ...]:
        project = self._project
        tracks: dict[str, dict[str, SnapshotTrack]] = {}
        shapes: dict[str, tuple[int, int]] = {}
        query = select(current.c.uid, current.c.track, current.c.revision, current.c.document)
        with self._database.reading() as connection:
            rows = connection.execute(query.where(current.c.kind != AuthorKind.MODEL.value))
            for uid, key, revision, document in rows:
                state = json.loads(document)
                tracks.setdefault(uid, {})[key] = SnapshotTrack(revision, state_digest(state))
                shapes[uid] = (state["shape"][0], state["shape"][1])
        pixels = self._pixels()
        found = []
        wanted = [image for image in project.images() if image.uid in tracks and not image.excluded]
        for done, image in enumerate(wanted):
            progress(done, len(wanted), "making a snapshot")
            reference = project.reference(image.uid)
            path, pixel_hash = pixels[image.uid]
            found.append(
                SnapshotImage(
                    uid=image.uid,
                    pixels=pixel_hash or _stamp(path),
                    shape=shapes[image.uid],
                    split=image.split,
                    reference=reference.author.key if reference else "",
                    tracks=tracks[image.uid],
                )
            )
        return tuple(sorted(found, key=lambda image: image.uid))

    def _pixels(self) -> dict[str, tuple[str, str]]:
        """Uid -> path and hash of the stored pixels, empty where it is not known."""
        query: Any = select(images.c.uid, images.c.path, images.c.pixel_hash)
        with self._database.reading() as connection:
            return {uid: (path, pixel_hash or "") for uid, path, pixel_hash in connection.execute(query)}


def _digest(image: SnapshotImage, key: str) -> str:
    return image.tracks[key].digest if key in image.tracks else ""


def _stamp(path: str) -> str:
    try:
        size, modified = stamp(Path(path))
    except UnreadableError:
        return "gone"
    return f"{size}:{modified}"
