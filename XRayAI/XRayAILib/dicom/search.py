"""Search: the files in folders that could be radiographs, those in archives and named by a DICOMDIR too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from XRayAILib.dicom.dicomdir import is_dicomdir, place_of
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header_reader import HeaderReader
from XRayAILib.dicom.zip_archive import is_archive

NEVER_IMAGES = tuple(
    f".{ending}"
    for endings in (
        "csv txt md json xml yaml yml toml html htm pdf doc docx xls xlsx",
        "py ini log db db-wal db-shm exe dll npz npy svg part",
    )
    for ending in endings.split()
)
"""Endings that are passed over without a word; a scan is about images."""
MISNAMED = "its name or its folder's is not valid UTF-8: rename it, then scan again"


class FoundFile(NamedTuple):
    """A file that could be a radiograph, on disk or in an archive.

    Attributes
    ----------
    size, modified
        Bytes, and time of the last change in ns: by them a second scan sees what changed.
    reason
        Why it is known already that it is none; empty for one to be read.
    """

    path: str
    size: int = 0
    modified: int = 0
    reason: str = ""

    @property
    def stamp(self) -> tuple[int, int]:
        return self.size, self.modified


class Search:
    """Goes through folders; iterating gives a :class:`FoundFile` after the other, and holds none of them.

    Links to folders are not followed, so a loop of links ends.

    Parameters
    ----------
    folders
        Folders and files; a DICOMDIR that is named itself stands for the files that it names.
    closed
        Asked for each folder on the way: the reason why it is not to be entered, or nothing.
    known
        Asked for each archive and each DICOMDIR: whether all that is in it has been seen in its present state.

    Attributes
    ----------
    passed_over
        How many other files there were, by their name.
    problems
        (path, reason) of folders and files that cannot be looked at.
    containers
        The archives and DICOMDIRs that were looked into.
    unchanged
        The ones that were not, because they are known.
    tables
        The CSV files on the way, which may say something of pictures.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        closed: Callable[[Path], str] = lambda _: "",
        known: Callable[[FoundFile], bool] = lambda _: False,
    ) -> None:
        self._folders = list(folders)
        self._closed = closed
        self._known = known
        self._reader = HeaderReader()
        self.passed_over = 0
        self.problems: list[tuple[str, str]] = []
        self.containers: list[FoundFile] = []
        self.unchanged: list[FoundFile] = []
        self.tables: list[FoundFile] = []

    def __iter__(self) -> Iterator[FoundFile]:
        try:
            for folder in self._folders:
                if folder.is_file():
                    yield from self._named(folder.resolve())
                else:
                    yield from self._below(str(folder.resolve()))
        finally:
            self._reader.close()

    def _named(self, path: Path) -> Iterator[FoundFile]:
        found = _stamped(str(path), path.stat)
        if not _storable(found.path):
            self.problems.append((shown(found.path), MISNAMED))
        elif is_dicomdir(path.name):
            yield from self._on_medium(found, everything=True)
        else:
            yield from self._file(found)

    def _below(self, top: str) -> Iterator[FoundFile]:
        # A stack of its own: folders may be nested more deeply than Python's.
        folders = [top]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as entries:
                    there = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.problems.append((shown(folder), f"folder cannot be read ({error.strerror})"))
                continue
            inner = []
            for entry in there:
                try:
                    is_folder = entry.is_dir()
                except OSError:  # a link in a circle: reading it as a file says so
                    is_folder = False
                if not is_folder:
                    yield from self._entry(entry)
                elif not entry.name.startswith(".") and self._enter(entry):
                    inner.append(entry.path)
            folders += reversed(inner)

    def _enter(self, entry: os.DirEntry[str]) -> bool:
        if entry.is_symlink():
            reason = "a link to a folder is not followed: scan the folder that it leads to"
        else:
            reason = self._closed(Path(entry.path))
        if reason:
            self.problems.append((shown(entry.path), reason))
        return not reason

    def _entry(self, entry: os.DirEntry[str]) -> Iterator[FoundFile]:
        if is_dicomdir(entry.name):
            self.passed_over += 1
            yield from self._on_medium(_stamped(entry.path, entry.stat), everything=False)
        elif not _candidate(entry.name):
            self.passed_over += 1
            if entry.name.lower().endswith(".csv") and not entry.name.startswith(".") and _storable(entry.path):
                self.tables.append(_stamped(entry.path, entry.stat))
        elif not _storable(entry.path):
            self.problems.append((shown(entry.path), MISNAMED))
        else:
            yield from self._file(_stamped(entry.path, entry.stat))

    def _file(self, found: FoundFile) -> Iterator[FoundFile]:
        if is_archive(found.path) and found.stamp != (0, 0):
            yield from self._in_archive(found)
        else:
            yield found

    def _in_archive(self, archive: FoundFile) -> Iterator[FoundFile]:
        if self._known(archive):
            self.unchanged.append(archive)
            return
        answer = self._ask("members", archive.path)
        if "reason" in answer:
            yield FoundFile(archive.path, *archive.stamp, answer["reason"])
            return
        for name, reason in answer["refused"]:
            yield FoundFile(os.path.join(archive.path, _plain_name(name)), reason=reason)  # noqa: PTH118 - no real path
        for name, size in answer["members"]:
            parts = name.split("/")
            hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
            if hidden or is_dicomdir(parts[-1]) or not _candidate(parts[-1]):
                self.passed_over += 1
            else:
                yield FoundFile(str(Path(archive.path, *parts)), size, archive.modified)
        self.containers.append(archive)

    def _on_medium(self, table: FoundFile, everything: bool) -> Iterator[FoundFile]:
        """What a DICOMDIR names: all of it, or what going through its folder does not find anyhow."""
        if not everything and self._known(table):
            return
        answer = self._ask("referenced", table.path)
        if "reason" in answer:
            yield FoundFile(table.path, *table.stamp, answer["reason"])
            return
        folder = Path(table.path).parent
        for name in answer["files"]:
            try:
                path = place_of(name, folder)
            except UnreadableError as error:
                yield FoundFile(os.path.join(folder, _plain_name(name)), reason=error.reason)  # noqa: PTH118
            else:
                hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
                if everything or hidden or not _candidate(path.name):
                    yield _stamped(str(path), path.stat)
        self.containers.append(table)

    def _ask(self, task: str, path: str) -> dict[str, Any]:
        (answer,) = self._reader.ask(task, [path])
        return answer


def shown(path: str) -> str:
    """A path that a database, a report and a terminal can hold; Linux takes any bytes for one."""
    return os.fsencode(path).decode("utf-8", "replace")


def _candidate(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(NEVER_IMAGES)


def _storable(path: str) -> bool:
    if path.isascii():
        return True
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _stamped(path: str, stat: Callable[[], os.stat_result]) -> FoundFile:
    try:
        status = stat()
    except OSError:
        return FoundFile(path)  # reading it will say what is wrong with it
    return FoundFile(path, status.st_size, status.st_mtime_ns)


def _plain_name(name: str) -> str:
    """A name that may lead out of its place, as a part of a path that does not."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    return "\N{HORIZONTAL ELLIPSIS}/" + name.lstrip("/\\") if name[:1] in "/\\" or ".." in name else name
