"""Where the bytes of a radiograph are: a file, or a member of a zip archive.

A member has the path ``<...>/archive.zip/<member>``, as if the archive were a folder.
"""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.zip_archive import ENDING, contents, is_archive, read_member


def open_source(path: Path) -> BinaryIO:
    """A stream with the bytes of a file or of a member; it can be read from any place and has to be closed.

    Raises
    ------
    UnreadableError
        It is not there, not a file, or may not be read.
    """
    inside = archive_of(path)
    if inside is not None:
        return io.BytesIO(read_member(*inside))
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableError(str(path), "is a folder, not a file")
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for its writer for ever, and a device may never end.
            raise UnreadableError(str(path), "is a pipe, a socket or a device, not a file")
        return path.open("rb")
    except OSError as error:
        raise explained(error, path) from error


def read_start(path: Path, count: int) -> tuple[bytes, int]:
    """The first ``count`` bytes of a file or member, and how many it has; errors as of :func:`open_source`."""
    inside = archive_of(path)
    if inside is not None:
        return read_member(*inside, count), stamp(path)[0]
    with open_source(path) as stream:
        try:
            return stream.read(count), os.fstat(stream.fileno()).st_size
        except OSError as error:
            raise explained(error, path) from error


def exists(path: Path) -> bool:
    """Whether there is such a file or member."""
    try:
        inside = archive_of(path)
        return path.is_file() if inside is None else inside[1] in contents(inside[0]).members
    except (OSError, UnreadableError):
        return False


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change in ns, which for a member is the archive's.

    Raises
    ------
    UnreadableError
        It is not there.
    """
    inside = archive_of(path)
    try:
        if inside is None:
            status = path.stat()
            return status.st_size, status.st_mtime_ns
        archive, member = inside
        info = contents(archive).members.get(member)
        if info is None:
            raise UnreadableError(str(path), "the file is gone; was the archive changed since the scan?")
        return info.file_size, archive.stat().st_mtime_ns
    except OSError as error:
        raise explained(error, path) from error


def archive_of(path: Path) -> tuple[Path, str] | None:
    """The archive and the name of the member in it that ``path`` stands for; ``None`` for a path of the disk."""
    if ENDING not in str(path).lower():
        return None
    for parent in path.parents:
        # A folder may have such a name as well, on the disk and in an archive.
        if is_archive(parent.name) and parent.is_file():
            return parent, path.relative_to(parent).as_posix()
    return None


def explained(error: OSError, path: Path) -> UnreadableError:
    """What the system said of a file, for the person at the screen."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        reason = "the file is gone; was it moved since the scan?"
    elif isinstance(error, PermissionError):
        reason = "no permission to read it"
    else:
        reason = f"cannot be read ({error.strerror or error})"
    return UnreadableError(str(path), reason)
