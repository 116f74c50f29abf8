"""Finding the radiographs in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import read_header

NEVER_IMAGES = frozenset(
    (".csv", ".txt", ".md", ".json", ".xml", ".yaml", ".yml", ".toml", ".html", ".htm", ".pdf", ".doc", ".docx")
    + (".xls", ".xlsx", ".py", ".ini", ".log", ".db", ".zip", ".exe", ".dll", ".npz", ".npy", ".svg", ".part")
)
"""Endings that are passed over without a word; a scan is about images."""


@dataclass(frozen=True)
class Scanned:
    """What a scan found in one file: headers, or the reason why there are none."""

    path: Path
    headers: tuple[Header, ...] = ()
    reason: str = ""


def find_files(folders: Iterable[Path]) -> tuple[list[Path], list[Scanned]]:
    """All files below ``folders`` that could be images, sorted, and the folders that could not be entered.

    Links to folders are not followed, so a loop of links ends. Hidden files and folders are passed over.
    """
    files: list[Path] = []
    problems: list[Scanned] = []

    def refused(error: OSError) -> None:
        problems.append(Scanned(Path(error.filename or "?"), reason=f"folder cannot be read ({error.strerror})"))

    for folder in folders:
        if folder.is_file():
            files.append(folder)
            continue
        for root, names, leaves in os.walk(folder, onerror=refused):
            names[:] = sorted(n for n in names if not n.startswith("."))
            files += [Path(root, n) for n in sorted(leaves) if _candidate(n)]
    return files, problems


def scan(files: Iterable[Path]) -> Iterator[Scanned]:
    """Read the header of each file; a file that is no radiograph gives the reason, and the scan goes on."""
    for path in files:
        try:
            yield Scanned(path, tuple(read_header(path)))
        except UnreadableError as error:
            yield Scanned(path, reason=error.reason)


def _candidate(name: str) -> bool:
    return not name.startswith(".") and name != "DICOMDIR" and Path(name).suffix.lower() not in NEVER_IMAGES
