"""Finding the radiographs in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import read_header

NEVER_IMAGES = frozenset(
    f".{ending}"
    for endings in (
        "csv txt md json xml yaml yml toml html htm pdf doc docx xls xlsx",
        "py ini log db zip exe dll npz npy svg part",
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
        Folders that could not be entered, with the reason.
    """

    files: list[Path] = field(default_factory=list)
    passed_over: int = 0
    problems: list[Scanned] = field(default_factory=list)


def find_files(folders: Iterable[Path]) -> Found:
    """The files below ``folders``. Links to folders are not followed, so a loop of links ends."""
    found = Found()

    def refused(error: OSError) -> None:
        found.problems.append(Scanned(Path(error.filename or "?"), reason=f"folder cannot be read ({error.strerror})"))

    for folder in folders:
        if folder.is_file():
            found.files.append(folder.resolve())
            continue
        for root, names, leaves in os.walk(folder.resolve(), onerror=refused):
            names[:] = sorted(n for n in names if not n.startswith("."))
            for name in sorted(leaves):
                if _candidate(name):
                    found.files.append(Path(root, name))
                else:
                    found.passed_over += 1
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
