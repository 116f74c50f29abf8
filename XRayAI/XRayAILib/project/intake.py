"""Taking folders into a project: find the radiographs, add them, list what cannot be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.scan import Scanned, find_files, scan
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project

BATCH_SECONDS = 1.0
"""Commits at most this far apart, so that a crash costs little and a commit per file is not paid for."""

MADE_FOLDERS = frozenset({"cache", "exports", "jobs", "models", "phantom", "scenes"})
"""What a project's folder holds that is no source of radiographs, unless a scan is asked for just that folder."""
REPLACED = "was replaced by another one"


@dataclass(frozen=True)
class Progress:
    """How far a scan is: files done and in all, and radiographs found."""

    done: int
    total: int
    found: int


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
        (path, path of the file that has the same radiograph already).
    """

    added: int = 0
    refreshed: int = 0
    unchanged: int = 0
    passed_over: int = 0
    cancelled: bool = False
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)


def take_in(
    project: Project,
    folders: Iterable[Path],
    describe: Callable[[Header], Header] = lambda header: header,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    leave_out: Iterable[Path] = (),
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
    """
    found = find_files(folders, closed=_made_by_us)
    others = [path.resolve() for path in leave_out]
    if others:
        found.files = [f for f in found.files if not any(f == other or other in f.parents for other in others)]
    known = project.known_files()
    result = Intake(passed_over=found.passed_over, unreadable=[(str(p.path), p.reason) for p in found.problems])
    stamps = {str(path): _stamp(path) for path in found.files}
    changed = [path for path in found.files if known.get(str(path)) != stamps[str(path)]]
    result.unchanged = len(found.files) - len(changed)
    batch = _Batch(project, result, project.images())
    radiographs = 0
    for done, scanned in enumerate(scan(changed), 1):
        headers = tuple(describe(header) for header in scanned.headers)
        batch.put(replace(scanned, headers=headers), stamps[str(scanned.path)])
        radiographs += len(headers)
        progress(Progress(done, len(changed), radiographs))
        if cancelled():
            result.cancelled = True
            break
    batch.commit()
    return result


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


class _Batch:
    def __init__(self, project: Project, result: Intake, images: list[Image]) -> None:
        self._project = project
        self._result = result
        self._places = places = {image.uid: image.header.path for image in images}
        self._replaced = {image.uid for image in images if image.excluded.endswith(REPLACED)}
        self._contents: dict[str, set[str]] = {}
        for uid, path in places.items():
            self._contents.setdefault(path, set()).add(uid)
        self._headers: list[Header] = []
        self._files: dict[str, tuple[int, int, str]] = {}
        self._begun = time.monotonic()

    def put(self, scanned: Scanned, stamp: tuple[int, int]) -> None:
        path, reason = str(scanned.path), scanned.reason
        for header in scanned.headers:
            elsewhere = self._places.get(header.uid)
            if elsewhere and elsewhere != path and Path(elsewhere).exists():
                reason = f"the same radiograph (by SOP Instance UID or content) as {elsewhere}, which was taken"
                self._result.duplicates.append((path, elsewhere))
            else:
                self._places[header.uid] = path
                self._headers.append(header)
                if header.uid in self._replaced:  # and is back
                    self._project.include(header.uid)
        for uid in self._contents.get(path, set()) - {header.uid for header in scanned.headers}:
            self._project.exclude(uid, f"its file {path} {REPLACED}")
        if scanned.reason:
            self._result.unreadable.append((path, scanned.reason))
        self._files[path] = (*stamp, reason)
        if time.monotonic() - self._begun > BATCH_SECONDS:
            self.commit()

    def commit(self) -> None:
        if self._headers or self._files:
            added = self._project.add(self._headers)
            self._result.added += added
            self._result.refreshed += len(self._headers) - added
            # After the images: a crash in between costs a second look, never an image.
            self._project.note_files(self._files)
        self._headers, self._files, self._begun = [], {}, time.monotonic()


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0  # the scan itself will say what is wrong with the file
    return status.st_size, status.st_mtime_ns
