"""Inbox: the one door through which instances from a server reach the disk.

It opens only for instances that were asked for, once each, up to a size, while there is room. File names are made of
UIDs that have been checked, never of other text from a peer (pynetdicom#1086); a file counts when it is whole.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.archive import Instance, valid_uid
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_dataset, refuse_incomplete

if TYPE_CHECKING:
    from pydicom import Dataset

MAX_OBJECT_BYTES = 1 << 29
"""512 MB for one instance: a mammogram has 60, a long angiography 400."""
FREE_BYTES = 1 << 28
"""256 MB of the disk stay free, so that the project's database can still be written."""
PART = ".part"


class RefusedError(ValueError):
    """An instance that is not taken, and why."""


class FullError(OSError):
    """There is no room on the disk."""


class Inbox:
    """A folder that takes the instances asked for; its methods may be called from several threads.

    Parameters
    ----------
    folder
        Of one study; it must exist.
    asked
        What may come.
    told
        Called after each instance.

    Attributes
    ----------
    received
        UIDs of what is on the disk, whole.
    failed
        (UID, reason) of what is not.
    refused
        What came without being asked for, in words.
    size
        Bytes received.
    """

    def __init__(
        self,
        folder: Path,
        asked: Iterable[Instance],
        told: Callable[[], None] = lambda: None,
        max_object_bytes: int = MAX_OBJECT_BYTES,
    ) -> None:
        self.folder = folder
        self.max_object_bytes = max_object_bytes
        self.received: list[str] = []
        self.failed: dict[str, str] = {}
        self.refused: list[str] = []
        self.size = 0
        self._asked = {instance.uid: instance for instance in asked}
        self._under_way: set[str] = set()
        self._told = told
        self._lock = threading.Lock()

    @property
    def missing(self) -> list[Instance]:
        """What was asked for and has neither come nor failed."""
        return [one for uid, one in self._asked.items() if uid not in self.failed and uid not in set(self.received)]

    @property
    def done(self) -> int:
        """How many instances have come or failed."""
        return len(self.received) + len(self.failed)

    def take(self, uid: str, chunks: Iterable[bytes]) -> None:
        """Write an instance; it counts when it is whole and the one it claims to be.

        Raises
        ------
        RefusedError
            It was not asked for, is too large, damaged or another one; :attr:`failed` or :attr:`refused` says so too.
        FullError
            The disk is full.
        """
        instance = self._open_for(uid)
        part = file_of(self.folder, uid).with_suffix(PART)
        try:
            size = self._write(part, chunks)
            check_instance(part, instance)
            part.replace(file_of(self.folder, uid))
        except RefusedError as error:
            self.fail(uid, str(error))
            raise
        finally:
            part.unlink(missing_ok=True)
            with self._lock:
                self._under_way.discard(uid)
        with self._lock:
            self.received.append(uid)
            self.failed.pop(uid, None)
            self.size += size
        self._told()

    def fail(self, uid: str, reason: str) -> None:
        """Remember that an instance did not come."""
        with self._lock:
            self.failed[uid] = reason
        self._told()

    def refuse(self, reason: str) -> None:
        """Remember that something came which nobody asked for."""
        with self._lock:
            if len(self.refused) < 20 and reason not in self.refused:
                self.refused.append(reason)

    def _open_for(self, uid: str) -> Instance:
        with self._lock:
            instance = self._asked.get(uid)
            if instance is not None and valid_uid(uid) and uid not in self._under_way and uid not in self.received:
                self._under_way.add(uid)
                return instance
        reason = "an instance came that was not asked for" if instance is None else "an instance came twice"
        self.refuse(reason)
        raise RefusedError(reason)

    def _write(self, part: Path, chunks: Iterable[bytes]) -> int:
        size = 0
        try:
            with part.open("wb") as stream:
                for chunk in chunks:
                    size += len(chunk)
                    if size > self.max_object_bytes:
                        raise RefusedError(too_large(self.max_object_bytes))
                    if shutil.disk_usage(self.folder).free < len(chunk) + FREE_BYTES:
                        raise FullError(28, "the disk is nearly full: free some space, then retrieve again", str(part))
                    stream.write(chunk)
        except FullError:
            raise
        except OSError as error:
            raise FullError(error.errno or 0, error.strerror or str(error), str(part)) from error
        return size


def too_large(max_bytes: int) -> str:
    """The reason why a large instance is not taken."""
    return f"it is larger than {max_bytes >> 20} MB, which no radiograph is"


def file_of(folder: Path, uid: str) -> Path:
    """The file of an instance in the folder of its study.

    Raises
    ------
    RefusedError
        The UID is none, and so no name for a file.
    """
    if not valid_uid(uid):
        raise RefusedError("its SOP Instance UID is not valid")
    return folder / f"{uid}.dcm"


def check_instance(path: Path, instance: Instance) -> None:
    """Raise :class:`RefusedError` where a file is damaged, cut short, or not the instance asked for."""
    try:
        dataset = read_dataset(path, pixels=True)
    except UnreadableError as error:
        raise RefusedError(error.reason) from error
    for keyword, wanted in (("SOPInstanceUID", instance.uid), ("StudyInstanceUID", instance.study_uid)):
        if str(dataset.get(keyword, "")) != wanted:
            raise RefusedError(f"another one was sent than was asked for: its {keyword} differs")
    try:
        _refuse_cut_short(dataset, path)
    except UnreadableError as error:
        raise RefusedError(error.reason) from error


def _refuse_cut_short(dataset: Dataset, path: Path) -> None:
    """Raise where native pixels are missing; encapsulated ones without their end did not even parse."""
    syntax = dataset.file_meta.get("TransferSyntaxUID") if hasattr(dataset, "file_meta") else None
    if syntax is None or not syntax.is_transfer_syntax or syntax.is_compressed or not dataset.get("Rows"):
        return
    size = len(dataset["PixelData"].value or b"") if "PixelData" in dataset else -1
    refuse_incomplete(dataset, path, size, size)
