"""Retrieving studies into a folder: what is there already is not fetched again, and each failure has its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from XRayAILib.dicom.archive import MAX_INSTANCES, Archive, Instance, ServerError, valid_uid
from XRayAILib.dicom.file_header import RADIOGRAPH_CLASSES, SECONDARY_CAPTURE
from XRayAILib.dicom.inbox import PART, Inbox, file_of


@dataclass(frozen=True)
class Transfer:
    """How far a retrieval is.

    Attributes
    ----------
    done, total
        Instances, with those that were there.
    size
        Bytes received so far.
    seconds
        Since the first one was asked for.
    fetched
        Instances received or failed since then.
    """

    done: int
    total: int
    size: int
    seconds: float
    fetched: int

    @property
    def seconds_left(self) -> float | None:
        """As far as it can be told."""
        return self.seconds / self.fetched * (self.total - self.done) if self.fetched else None

    @property
    def text(self) -> str:
        """In words, with the rate."""
        rate = f", {self.size / self.seconds / 1e6:.1f} MB/s" if self.size and self.seconds > 0 else ""
        return f"{self.done} of {self.total} images{rate}"


@dataclass
class Retrieved:
    """What came of a retrieval.

    Attributes
    ----------
    received, present
        Instances fetched now, and ones that were there.
    passed_over
        Objects of the study that are no radiographs (structured reports, for example).
    failed
        (SOP Instance UID, reason).
    refused
        What the server or another machine sent without being asked for.
    size, seconds
        Bytes received, and how long it took.
    error
        Why it ended early: the server went away, for example. What came until then stays.
    """

    received: int = 0
    present: int = 0
    passed_over: int = 0
    cancelled: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0
    error: str = ""


def retrieve(
    archive: Archive,
    study_uid: str,
    folder: Path,
    series_uids: Sequence[str] = (),
    progress: Callable[[Transfer], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Retrieved:
    """Fetch the radiographs of a study, or of some of its series, into ``folder/<study UID>``.

    Done again, it goes on where it was stopped.

    Raises
    ------
    ServerError
        The study cannot be listed. An error later on is told by :attr:`Retrieved.error`.
    OSError
        The folder cannot be written, or the disk is full.
    """
    if not valid_uid(study_uid):
        raise ServerError(archive.server, "the study's UID is not valid: it consists of digits and dots")
    result = Retrieved()
    place = folder / study_uid
    place.mkdir(parents=True, exist_ok=True)
    for left in place.glob(f"*{PART}"):
        left.unlink()
    wanted = _wanted(archive, study_uid, series_uids, place, result)
    total = result.present + len(wanted)
    begun = time.monotonic()

    def told() -> None:
        seconds = time.monotonic() - begun
        progress(Transfer(result.present + inbox.done, total, inbox.size, seconds, inbox.done))

    inbox = Inbox(place, wanted, told)
    progress(Transfer(result.present, total, 0, 0.0, 0))
    try:
        if wanted:
            archive.fetch(wanted, inbox, cancelled)
    except ServerError as error:
        result.error = f"{error} (what has come stays: retrieve again to go on)"
    result.cancelled = cancelled() and bool(inbox.missing)
    if not result.error and not result.cancelled:
        for instance in inbox.missing:
            inbox.fail(instance.uid, "the server did not send it")
    result.received, result.size, result.refused = len(inbox.received), inbox.size, inbox.refused
    result.failed += inbox.failed.items()
    result.seconds = time.monotonic() - begun
    return result


def _wanted(
    archive: Archive, study_uid: str, series_uids: Sequence[str], place: Path, result: Retrieved
) -> list[Instance]:
    """The radiographs that are not there yet; the others are counted."""
    wanted: dict[str, Instance] = {}
    for series in series_uids or [one.uid for one in archive.series(study_uid)]:
        for instance in archive.instances(study_uid, series):
            if instance.sop_class and not _is_radiograph(instance.sop_class):
                result.passed_over += 1
            elif not valid_uid(instance.uid):
                result.failed.append((instance.uid, "its SOP Instance UID is not valid: digits and dots"))
            elif file_of(place, instance.uid).exists():
                result.present += 1
            else:
                wanted[instance.uid] = instance
    if not (wanted or result.present or result.passed_over or result.failed):
        raise ServerError(archive.server, f"it has no images of the study {study_uid}: was its UID copied whole?")
    if len(wanted) > MAX_INSTANCES:
        raise ServerError(archive.server, f"it lists {len(wanted)} images in one study: fetch single series of it")
    return list(wanted.values())


def _is_radiograph(sop_class: str) -> bool:
    return sop_class in RADIOGRAPH_CLASSES or sop_class.startswith(SECONDARY_CAPTURE)
