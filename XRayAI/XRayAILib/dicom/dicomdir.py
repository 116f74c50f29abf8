"""DICOMDIR: the table of contents of a CD or another medium (PS3.3 Annex F). A hint, never more than that.

What it says of patients and studies is not believed, because it may be old or made up: the files that it names are read
like any others. A file that it names outside its own folder is not touched (CVE-2026-32711 in pydicom's ``FileSet``).
"""

from __future__ import annotations

from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_dataset

NAME = "DICOMDIR"


def is_dicomdir(name: str) -> bool:
    """Whether a file of this name is a table of contents; some writers leave the capitals away."""
    return name.upper() == NAME


def referenced_files(path: Path) -> list[str]:
    """The names of the files in a DICOMDIR, ``/`` between their parts, as they stand there.

    Raises
    ------
    UnreadableError
        It is damaged, or no DICOMDIR.
    """
    dataset = read_dataset(path, pixels=False)
    if "DirectoryRecordSequence" not in dataset:
        raise UnreadableError(str(path), "no DICOMDIR: its DirectoryRecordSequence (0004,1220) is missing")
    names = []
    for record in dataset.DirectoryRecordSequence:
        parts = record.get("ReferencedFileID")
        if parts:
            names.append(str(parts) if isinstance(parts, str) else "/".join(map(str, parts)))
    return names


def place_of(name: str, folder: Path) -> Path:
    """Where in ``folder`` the file is that a DICOMDIR calls ``name``.

    Raises
    ------
    UnreadableError
        It is outside of the folder, or not there.
    """
    parts = name.replace("\\", "/").split("/")
    if not all(parts) or ".." in parts or "." in parts or ":" in name or "\0" in name:
        raise UnreadableError(name, "the DICOMDIR names a file outside of its folder: it is not read")
    # Copies of a CD often have small letters, or the version number that its file system shows.
    for variant in (parts, [part.lower() for part in parts], [*parts[:-1], f"{parts[-1]};1"]):
        path = folder.joinpath(*variant)
        if path.is_file():
            if folder.resolve() not in path.resolve().parents:
                reason = "the DICOMDIR names a link that leads outside of its folder: it is not read"
                raise UnreadableError(name, reason)
            return path
    raise UnreadableError(name, "the DICOMDIR names this file, but it is not there")
