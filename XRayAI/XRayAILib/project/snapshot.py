"""Snapshot: the labelled data set as it stood at one moment, by the hash of what it holds.

A folder that is written once and never changed:

::

    manifest.jsonl   a line for each image: identity, state of its pixels, part, and each track with its digest
    schema.yaml      the labels
    readers.json     who took part, in which roles
    snapshot.json    hash, name, time, who made it

The findings themselves stay in the project's revisions, to which nothing is ever done but adding.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from XRayAILib.findings.objects import FindingError
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.errors import ProjectError

FORMAT = 1
MANIFEST, SCHEMA, READERS, RECORD = "manifest.jsonl", "schema.yaml", "readers.json", "snapshot.json"
SHORT = 12
"""Characters of a hash that people are shown."""


class SnapshotError(ProjectError):
    """A snapshot that is not there, or is not what it was."""


@dataclass(frozen=True)
class SnapshotTrack:
    """What one author says of an image.

    Attributes
    ----------
    revision
        In this project; it is no part of the snapshot's hash.
    digest
        SHA-256 of the findings, masks included by the digest of their pixels.
    """

    revision: int
    digest: str


@dataclass(frozen=True)
class SnapshotImage:
    """A labelled image.

    Attributes
    ----------
    pixels
        SHA-256 of its stored pixels where the project knows it, else size and time of change of its file.
    split
        ``train``, ``validation``, ``test``, or empty.
    reference
        The track that counts as true, or empty.
    tracks
        What people, imports, adjudication and consensus say; models are not part of a labelled data set.
    """

    uid: str
    pixels: str
    shape: tuple[int, int]
    split: str
    reference: str
    tracks: Mapping[str, SnapshotTrack]

    def document(self, with_revisions: bool = True) -> dict[str, Any]:
        """As a line of the manifest; without revisions, as the hash has it."""
        tracks = {
            key: {"sha256": track.digest, **({"revision": track.revision} if with_revisions else {})}
            for key, track in sorted(self.tracks.items())
        }
        return {
            "uid": self.uid,
            "pixels": self.pixels,
            "shape": list(self.shape),
            "split": self.split,
            "reference": self.reference,
            "tracks": tracks,
        }


@dataclass(frozen=True)
class Snapshot:
    """A snapshot as read from its folder.

    Attributes
    ----------
    digest
        SHA-256 of all it holds; two equal states of two projects have the same one.
    name
        What a person called it, or empty.
    """

    folder: Path
    digest: str
    name: str
    created: str
    made_by: str
    schema: LabelSchema
    readers: tuple[Mapping[str, Any], ...]
    images: tuple[SnapshotImage, ...]

    @property
    def short(self) -> str:
        return self.digest[:SHORT]

    def image(self, uid: str) -> SnapshotImage:
        """The image with this uid; :class:`SnapshotError` where it is not part of the snapshot."""
        if uid not in self._by_uid:
            raise SnapshotError(f"The radiograph {uid} is not in the snapshot {self.short}.")
        return self._by_uid[uid]

    @cached_property
    def _by_uid(self) -> dict[str, SnapshotImage]:
        return {image.uid: image for image in self.images}

    @classmethod
    def read(cls, folder: Path) -> Snapshot:
        """Read a snapshot, and make sure that it is what its hash says.

        Raises
        ------
        SnapshotError
            A file is missing, damaged, or was changed.
        """
        try:
            record = json.loads((folder / RECORD).read_text("utf-8"))
            if int(record["format"]) > FORMAT:
                raise SnapshotError(f"{folder} was made by a newer version of X-Ray AI: update X-Ray AI.")
            lines = (folder / MANIFEST).read_text("utf-8").splitlines()
            images = tuple(_image(json.loads(line)) for line in lines)
            schema = LabelSchema.read(folder / SCHEMA)
            readers = tuple(json.loads((folder / READERS).read_text("utf-8")))
            digest = str(record["sha256"])
            found = cls(folder, digest, record["name"], record["created"], record["by"], schema, readers, images)
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError, AttributeError, FindingError) as error:
            raise SnapshotError(f"{folder}: this snapshot is damaged ({error}). Restore it from a backup.") from error
        if content_hash(images, schema, readers) != digest:
            raise SnapshotError(
                f"{folder}: this snapshot was changed after it was made: what it holds does not have its hash "
                f"{digest[:SHORT]}. Restore it from a backup."
            )
        return found

    def write(self, folder: Path) -> None:
        """Write the files into a folder that is there already."""
        with (folder / MANIFEST).open("w", encoding="utf-8", newline="\n") as stream:
            for image in self.images:
                stream.write(json.dumps(image.document(), ensure_ascii=False) + "\n")
        self.schema.write(folder / SCHEMA)
        (folder / READERS).write_text(json.dumps(self.readers, indent=1, ensure_ascii=False), "utf-8")
        record = {
            "format": FORMAT,
            "sha256": self.digest,
            "name": self.name,
            "created": self.created,
            "by": self.made_by,
            "images": len(self.images),
        }
        (folder / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False), "utf-8")


def content_hash(images: tuple[SnapshotImage, ...], schema: LabelSchema, readers: tuple[Mapping[str, Any], ...]) -> str:
    """SHA-256 of what a snapshot holds, whatever the order of images and the numbers of revisions."""
    digest = hashlib.sha256()
    for document in (
        *(image.document(with_revisions=False) for image in sorted(images, key=lambda image: image.uid)),
        schema.document(),
        list(readers),
    ):
        digest.update(canonical(document) + b"\n")
    return digest.hexdigest()


def canonical(document: object) -> bytes:
    """JSON with one way to write the same."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def state_digest(state: Mapping[str, Any]) -> str:
    """SHA-256 of a track: its author, shape and objects, as the database has them."""
    return hashlib.sha256(canonical({key: state[key] for key in ("author", "shape", "objects")})).hexdigest()


def _image(entry: dict[str, Any]) -> SnapshotImage:
    tracks = {
        str(key): SnapshotTrack(int(track["revision"]), str(track["sha256"])) for key, track in entry["tracks"].items()
    }
    rows, columns = entry["shape"]
    return SnapshotImage(
        str(entry["uid"]), str(entry["pixels"]), (rows, columns), str(entry["split"]), str(entry["reference"]), tracks
    )
