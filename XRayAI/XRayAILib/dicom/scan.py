"""Finding the radiographs in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import read_header

NEVER_IMAGES = frozenset(
    f".{ending}"
    for endings in (
        "csv txt md json xml yaml yml toml html htm pdf doc docx xls xlsx",
        "py ini log db db-wal db-shm zip exe dll npz npy svg part",
    )
    for ending in endings.split()
)
"""Endings that are passed over without a word; a scan is about images."""


@dataclass(frozen=True)
class Scanned:
    """What a scan found in one file: headers, or the reason why there are none."""

    path: Path
    headers: tuple[Header, ...] = ()
    reason: str = ""


@dataclass
class Found:
    """Files below some folders.

    Attributes
    ----------
    files
        Those that could be images, sorted.
    passed_over
        How many others there were, by their name.
    problems
        Folders and files that cannot be looked at, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: int = 0
    problems: list[Scanned] = field(default_factory=list)


def find_files(folders: Iterable[Path], closed: Callable[[Path], str] = lambda _: "") -> Found:
    """The files below ``folders``. Links to folders are not followed, so a loop of links ends.

    Parameters
    ----------
    closed
        Asked for each folder on the way: the reason why it is not to be entered, or nothing.
    """
    found = Found()

    def refused(error: OSError) -> None:
        path = _shown(Path(error.filename or "?"))
        found.problems.append(Scanned(path, reason=f"folder cannot be read ({error.strerror})"))

    def enter(folder: Path) -> bool:
        reason = "a link to a folder is not followed: scan the folder that it leads to" if folder.is_symlink() else ""
        reason = reason or closed(folder)
        if reason:
            found.problems.append(Scanned(_shown(folder), reason=reason))
        return not reason

    for folder in folders:
        if folder.is_file():
            found.files.append(folder.resolve())
            continue
        for root, names, leaves in os.walk(folder.resolve(), onerror=refused):
            names[:] = sorted(n for n in names if not n.startswith(".") and enter(Path(root, n)))
            for name in sorted(leaves):
                if _candidate(name):
                    found.files.append(Path(root, name))
                else:
                    found.passed_over += 1
    found.problems += [_misnamed(path) for path in found.files if not _storable(path)]
    found.files = [path for path in found.files if _storable(path)]
    return found


def scan(files: Iterable[Path]) -> Iterator[Scanned]:
    """Read the header of each file; a file that is no radiograph gives the reason, and the scan goes on."""
    for path in files:
        try:
            yield Scanned(path, tuple(read_header(path)))
        except UnreadableError as error:
            yield Scanned(path, reason=error.reason)


def _candidate(name: str) -> bool:
    return not name.startswith(".") and name != "DICOMDIR" and Path(name).suffix.lower() not in NEVER_IMAGES


def _storable(path: Path) -> bool:
    """Whether a database, a report and a terminal can hold the name; Linux takes any bytes for one."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _misnamed(path: Path) -> Scanned:
    return Scanned(_shown(path), reason="its name or its folder's is not valid UTF-8: rename it, then scan again")


def _shown(path: Path) -> Path:
    return Path(os.fsencode(path).decode("utf-8", "replace"))
