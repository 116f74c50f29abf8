"""Taking folders into a project: find the radiographs, add them, list what cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePath

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.scan import Scanned, scan
from XRayAILib.dicom.search import FoundFile, Search
from XRayAILib.project.arrivals import Taken
from XRayAILib.project.namesakes import LOOKS_LIKE_MASK, Namesakes
from XRayAILib.project.project import Project

BATCH_SECONDS = 1.0
"""Commits at most this far apart, so that a crash costs little and a commit per file is not paid for."""
BATCH_FILES = 500
PROGRESS_SECONDS = 0.1

MADE_FOLDERS = frozenset({"cache", "exports", "jobs", "models", "phantom", "scenes"})
"""What a project's folder holds that is no source of radiographs, unless a scan is asked for just that folder."""


@dataclass(frozen=True)
class Progress:
    """How far a scan is.

    Attributes
    ----------
    done, total
        Files; a total of 0 while they are still being looked for.
    found
        Radiographs.
    rate
        Files a second.
    seconds_left
        ``None`` while that cannot be told.
    message
        What is being done where that is not the reading of files.
    """

    done: int
    total: int
    found: int
    rate: float = 0.0
    seconds_left: float | None = None
    message: str = ""

    @property
    def text(self) -> str:
        """How far it is, in words."""
        if self.message:
            return self.message
        if not self.total:
            return f"looking for files, {self.done:,} so far"
        rate = f", {self.rate:,.0f} files/s" if self.rate else ""
        return f"{self.found:,} radiograph{'' if self.found == 1 else 's'}{rate}"


@dataclass
class Intake:
    """What a scan did.

    Attributes
    ----------
    added, refreshed
        Radiographs new to the project, and ones that it had.
    unchanged
        Files that an earlier scan had seen as they are now.
    passed_over
        Files whose name says that they are no image (``.txt``, ``.csv``, ...).
    unreadable
        (path, reason) of each file that is no radiograph.
    duplicates
        (path, path of the file that has the same content and was taken).
    namesakes
        (path, path of the file with the same SOP Instance UID, and what differs); both were taken.
    tables
        CSV files among them, which may say something of pictures.
    """

    added: int = 0
    refreshed: int = 0
    unchanged: int = 0
    passed_over: int = 0
    cancelled: bool = False
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    namesakes: list[tuple[str, str]] = field(default_factory=list)
    tables: list[FoundFile] = field(default_factory=list)

    @property
    def masks(self) -> list[str]:
        """The paths of pictures that look like masks of others; they stand in ``unreadable`` as well."""
        return [path for path, reason in self.unreadable if reason.startswith(LOOKS_LIKE_MASK)]

    @property
    def refused(self) -> list[tuple[str, str]]:
        """What stands in ``unreadable`` and is no mask."""
        return [(path, reason) for path, reason in self.unreadable if not reason.startswith(LOOKS_LIKE_MASK)]

    def include(self, taken: Taken) -> None:
        """Count a batch."""
        self.added += taken.added
        self.refreshed += taken.refreshed
        self.unreadable += taken.unreadable
        self.duplicates += taken.duplicates
        self.namesakes += taken.namesakes


def take_in(
    project: Project,
    folders: Iterable[Path],
    describe: Callable[[Header], Header] = lambda header: header,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    leave_out: Iterable[Path] = (),
    processes: int = 0,
) -> Intake:
    """Add every radiograph below ``folders`` to the project; a second run looks only at what changed.

    A project that lies below them, this one too, is not searched.

    Parameters
    ----------
    describe
        Completes a header: the patient of a picture from a table beside it, for example.
    cancelled
        Asked between files; what was read so far stays, and the next run goes on from there.
    leave_out
        Folders and files below ``folders`` that are something else: masks, for example.
    processes
        How many processes read; 0 for as many as there are cores.
    """
    result = Intake()
    changed: list[FoundFile] = []
    namesakes = Namesakes()

    def known(container: FoundFile) -> bool:
        return not project.arrivals.changed([container])

    search = Search(folders, _made_by_us, known)
    others = [path.resolve() for path in leave_out]
    seen = 0
    for found in _batches(_but(search, others) if others else iter(search)):
        if seen and cancelled():
            result.cancelled = True
            return result
        seen += len(found)
        fresh = project.arrivals.changed(found)
        result.unchanged += len(found) - len(fresh)
        for file in found:
            namesakes.note(file.path)
        changed += fresh
        progress(Progress(seen, 0, 0))
    result.unchanged += sum(project.arrivals.count_in(archive.path) for archive in search.unchanged)
    result.passed_over, result.tables = search.passed_over, search.tables
    result.unreadable += search.problems
    _read(project, changed, namesakes, result, describe, progress, cancelled, processes)
    if not result.cancelled:
        project.arrivals.note(search.containers)  # now all that is in them is stored
    return result


def _read(
    project: Project,
    files: list[FoundFile],
    namesakes: Namesakes,
    result: Intake,
    describe: Callable[[Header], Header],
    progress: Callable[[Progress], None],
    cancelled: Callable[[], bool],
    processes: int,
) -> None:
    """Read the files that changed, and store what they are batch by batch."""
    begun = stored = time.monotonic()
    told = 0.0
    radiographs = 0
    batch = [Scanned(file, reason=file.reason) for file in files if file.reason]
    files = [file for file in files if not file.reason]
    reading = scan(files, [namesakes.has(file.path) for file in files], processes)
    try:
        for done, scanned in enumerate(reading, 1):
            if scanned.mask:
                scanned = replace(scanned, mask=False, reason=namesakes.reason(scanned.file.path))
            headers = tuple(describe(header) for header in scanned.headers)
            batch.append(replace(scanned, headers=headers))
            radiographs += len(headers)
            now = time.monotonic()
            if len(batch) >= BATCH_FILES or now - stored > BATCH_SECONDS:
                result.include(project.arrivals.take(batch))
                batch, stored = [], time.monotonic()
            if now - told > PROGRESS_SECONDS or done == len(files):
                told = now
                rate = done / max(now - begun, 1e-3)
                progress(Progress(done, len(files), radiographs, rate, (len(files) - done) / rate))
            if cancelled():
                result.cancelled = True
                break
    finally:
        reading.close()
    result.include(project.arrivals.take(batch))


def _batches(files: Iterator[FoundFile]) -> Iterator[list[FoundFile]]:
    while batch := list(islice(files, BATCH_FILES)):
        yield batch


def _but(files: Iterable[FoundFile], others: list[Path]) -> Iterator[FoundFile]:
    """All but those that are one of the others, or below one."""
    for file in files:
        if not {PurePath(file.path), *PurePath(file.path).parents}.intersection(others):
            yield file


def left_out(project: Project, intake: Intake) -> list[tuple[str, str]]:
    """(path, reason) of all that is no radiograph: files that any scan of the project saw, and this scan's folders.

    A folder that could not be entered is asked for again by every scan, so the project does not remember it.
    """
    return sorted({**dict(intake.unreadable), **dict(project.unreadable())}.items())


def _made_by_us(folder: Path) -> str:
    """Why a folder is not searched: pictures and exports of a project would come back as radiographs."""
    if _is_project(folder) or (folder.name in MADE_FOLDERS and _is_project(folder.parent)):
        return "a project of X-Ray AI and what it made are not searched for radiographs"
    return ""


def _is_project(folder: Path) -> bool:
    try:
        return all((folder / name).is_file() for name in ("project.toml", "schema.yaml"))
    except OSError:  # not to be looked into: the search tries to enter it and says so
        return False
