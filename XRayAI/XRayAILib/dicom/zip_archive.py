"""A zip archive read as if it were a folder. Nothing is ever extracted to disk.

A zip file from outside may be made to harm: names that lead out of it (zip-slip), members that unpack to far more than
the disk holds (a bomb), or millions of entries. Every limit below is checked before a byte is unpacked, and no more
bytes are unpacked than the archive's directory promised.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from XRayAILib.dicom.errors import UnreadableError

ENDING = ".zip"
MEMBER_BYTES = 2 << 30
"""Unpacked size of the largest member: more than the largest radiograph that is read has in its frames."""
MEMBERS = 250_000
DIRECTORY_BYTES = 64 << 20
"""Size of the archive's own table of contents, which has to be held in memory."""
RATIO = 200
"""Unpacked to packed size from which on a large member or archive is a bomb; deflate reaches 1032 on zeros."""
RATIO_FROM = 64 << 20
"""Unpacked bytes below which the ratio does not count: an empty image packs well and harms nobody."""

_END_OF_DIRECTORY = b"PK\x05\x06"  # APPNOTE.TXT 4.3.16
_LOCAL_HEADER = b"PK\x03\x04"  # APPNOTE.TXT 4.3.7
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Contents:
    """What an archive holds.

    Attributes
    ----------
    members
        Path within the archive -> its entry, for what can be read.
    refused
        (name, reason) of the rest.
    """

    members: Mapping[str, zipfile.ZipInfo]
    refused: tuple[tuple[str, str], ...] = ()


def is_archive(name: str) -> bool:
    """Whether a file of this name is looked into."""
    return name.lower().endswith(ENDING)


def contents(archive: Path) -> Contents:
    """The files in an archive; :class:`UnreadableError` where it cannot be read or is one that does harm."""
    try:
        status = archive.stat()
    except OSError as error:
        raise UnreadableError(str(archive), f"cannot be read ({error.strerror or error})") from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError(str(archive), "is a pipe, a socket or a device, not a file")
    return _contents(str(archive), status.st_size, status.st_mtime_ns)


def read_member(archive: Path, member: str, count: int = -1) -> bytes:
    """The first ``count`` bytes of a member, or all of it; :class:`UnreadableError` says why there are none."""
    path = f"{archive}{os.sep}{member}"
    found = contents(archive)
    info = found.members.get(member)
    if info is None:
        reason = dict(found.refused).get(member, "the file is gone; was the archive changed since the scan?")
        raise UnreadableError(path, reason)
    try:
        with archive.open("rb") as stream:
            stream.seek(info.header_offset)
            local = stream.read(30)
            if len(local) < 30 or not local.startswith(_LOCAL_HEADER):
                raise UnreadableError(path, "the archive is damaged: the entry does not begin where it should")
            stream.seek(sum(struct.unpack("<26xHH", local)), os.SEEK_CUR)
            # Python's ZipFile would parse the whole directory again for each member.
            with zipfile.ZipExtFile(cast("BinaryIO", stream), "r", info) as unpacked:
                return unpacked.read(count)
    except UnreadableError:
        raise
    except NotImplementedError as error:
        raise UnreadableError(path, f"packed by a method that is not read ({error}): unpack it first") from error
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ValueError) as error:
        raise UnreadableError(path, f"the archive is damaged here ({error})") from error


@lru_cache(maxsize=4)
def _contents(archive: str, size: int, modified: int) -> Contents:
    try:
        with Path(archive).open("rb") as stream:
            _refuse_giant_directory(archive, stream, size)
            with zipfile.ZipFile(stream) as opened:
                infos = opened.infolist()
    except UnreadableError:
        raise
    except PermissionError as error:
        raise UnreadableError(archive, "no permission to read it") from error
    except MemoryError as error:
        raise UnreadableError(archive, "it asks for more memory than there is") from error
    except Exception as error:  # a hostile archive can raise anything from deep inside the parser
        raise UnreadableError(archive, f"not an archive that can be read ({error})") from error
    if len(infos) > MEMBERS:
        raise UnreadableError(archive, f"has {len(infos):,} members; {MEMBERS:,} are the limit: unpack it, then scan")
    total = sum(info.file_size for info in infos)
    if total > max(RATIO_FROM, size * RATIO):
        raise UnreadableError(archive, f"claims to unpack from {_size(size)} to {_size(total)}: that is a bomb")
    members: dict[str, zipfile.ZipInfo] = {}
    refused = []
    for info in infos:
        name = str(PurePosixPath(info.filename))
        if info.is_dir():
            continue
        reason = _refusal(info, name)
        if not reason and name in members:
            reason = "stands twice in the archive: only the first one is read"
        if reason:
            refused.append((info.filename, reason))
        else:
            members[name] = info
    return Contents(members, tuple(refused))


def _refusal(info: zipfile.ZipInfo, name: str) -> str:
    """Why a member is not read; empty for one that is."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":":
        return "its name leads out of the archive: it is not read"
    if "\\" in name:
        return "its name has a backslash, which systems read differently: unpack the archive, then scan again"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted: unpack the archive with its password, then scan the folder"
    if is_archive(name):
        return "an archive within an archive is not opened: unpack it, then scan again"
    if info.file_size > MEMBER_BYTES:
        return f"claims to unpack to {_size(info.file_size)}; {_size(MEMBER_BYTES)} are the limit"
    if info.file_size > max(RATIO_FROM, info.compress_size * RATIO):
        return f"claims to unpack from {_size(info.compress_size)} to {_size(info.file_size)}: that is a bomb"
    return ""


def _refuse_giant_directory(archive: str, stream: BinaryIO, size: int) -> None:
    """Look at the end record: Python reads a directory of any size into memory."""
    stream.seek(max(0, size - 22 - 0xFFFF))
    tail = stream.read()
    at = tail.rfind(_END_OF_DIRECTORY)
    if at < 0 or len(tail) - at < 22:
        raise UnreadableError(archive, "not a zip archive, or cut off: its table of contents is missing")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if directory == 0xFFFFFFFF and at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # zip64: 4.3.14, 4.3.15
        (place,) = struct.unpack_from("<Q", tail, at - 12)
        stream.seek(min(place, size))
        record = stream.read(56)
        directory = struct.unpack_from("<Q", record, 40)[0] if len(record) == 56 else 0
    if directory > DIRECTORY_BYTES:
        raise UnreadableError(archive, f"its table of contents alone has {_size(directory)}: unpack it, then scan")
    stream.seek(0)


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.0f} TB"
