"""A model as a zip archive, as MONAI's bundle specification has it: everything below a folder of the model's name."""

from __future__ import annotations

import os
import shutil
import uuid
import zipfile
from pathlib import Path, PurePosixPath

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.zip_archive import contents
from XRayAILib.learning.errors import ModelError

_FIRST_DATE = (1980, 1, 1, 0, 0, 0)
"""The earliest a zip archive knows; so the same model gives the same archive."""


def pack(folder: Path, archive: Path, name: str) -> None:
    """Write a folder as an archive; whole or not at all.

    Raises
    ------
    ModelError
        The archive is there already, or the disk cannot be written.
    """
    if archive.exists():
        raise ModelError(f"{archive} is there already. Delete it, or give another name.")
    working = archive.with_name(f".{uuid.uuid4().hex}.part")
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with working.open("xb") as stream:
            with zipfile.ZipFile(stream, "w") as made:
                for path in sorted(p for p in folder.rglob("*") if p.is_file()):
                    _add(made, path, f"{name}/{path.relative_to(folder).as_posix()}")
            stream.flush()
            os.fsync(stream.fileno())
        working.rename(archive)
    except OSError as error:
        raise ModelError(f"{archive} cannot be written: {error.strerror or error}. Is the disk full?") from error
    finally:
        working.unlink(missing_ok=True)


def _add(made: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _FIRST_DATE)
    # Weights look like noise and do not get smaller.
    is_text = path.suffix not in (".safetensors", ".onnx", ".png")
    entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, made.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def members(archive: Path) -> list[str]:
    """The files in an archive.

    Raises
    ------
    ModelError
        It cannot be read, is a bomb, or holds a name that leads out of it.
    """
    try:
        found = contents(archive)
    except UnreadableError as error:
        raise ModelError(str(error)) from error
    if found.refused:
        name, reason = found.refused[0]
        raise ModelError(f"{archive} is refused: {name!r} {reason}.")
    return list(found.members)


def unpack(archive: Path, target: Path) -> None:
    """Unpack all files of an archive into a new folder; see :func:`members` for what is refused.

    Raises
    ------
    ModelError
        As :func:`members`; or a member is damaged.
    OSError
        The disk cannot be written.
    """
    names = members(archive)
    infos = contents(archive).members
    root = target.resolve()
    try:
        with zipfile.ZipFile(archive) as opened:
            for name in names:
                path = target.joinpath(*PurePosixPath(name).parts)
                if root not in path.resolve().parents:
                    raise ModelError(f"{archive} is refused: {name!r} leads out of it.")
                path.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(infos[name]) as source, path.open("xb") as stream:
                    _copy(source, stream, infos[name].file_size)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, zipfile.LargeZipFile, RuntimeError) as error:
        raise ModelError(f"{archive} is damaged ({error}). Copy it again.") from error
    except FileExistsError as error:
        raise ModelError(f"{archive} is refused: two names in it are one file here ({error.filename}).") from error


def _copy(source: object, stream: object, size: int) -> None:
    """No more bytes than the archive's directory promised."""
    left = size
    while left > 0 and (block := source.read(min(left, 1 << 20))):  # type: ignore[attr-defined]
        stream.write(block)  # type: ignore[attr-defined]
        left -= len(block)
