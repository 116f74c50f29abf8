"""A de-identified file made from another: written aside, read again and verified, and only then in its place."""

from __future__ import annotations

import errno
import filecmp
import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from XRayAILib.dicom.attributes import integer
from XRayAILib.dicom.clean_pixels import blank, bytes_needed, holds_more, keep_image_only, say_derived
from XRayAILib.dicom.deidentify import Deidentified, Deidentifier, text_of
from XRayAILib.dicom.encapsulation import EncapsulationError
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.exclusive import put_new
from XRayAILib.dicom.file_bytes import Parts, read_parts
from XRayAILib.dicom.file_header import parsed, reading
from XRayAILib.dicom.markers import file_start
from XRayAILib.dicom.overlays import embedded_planes
from XRayAILib.dicom.pixel_element import transfer_syntax
from XRayAILib.dicom.plain_dataset import write_elements
from XRayAILib.dicom.verification import leaks

if TYPE_CHECKING:
    pass

DIRECTORY_RECORDS = 0x00041220
"""Of a DICOMDIR, which lists patients by name."""

BLOCK = 1 << 20
_CANNOT_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM)

Region = tuple[int, int, int, int]


class HeldBackError(UnreadableError):
    """A file that must not go out, and why."""


@dataclass(frozen=True)
class Made:
    """A file that was made and verified.

    Attributes
    ----------
    path
        Relative to the folder of the output.
    size
        In bytes.
    again
        Whether it was there already, the same to the byte: its source is a copy of another file.
    source
        What is known of its source.
    """

    path: Path
    size: int
    again: bool
    source: Deidentified


def deidentify_file(
    path: Path, folder: Path, deidentifier: Deidentifier, regions: Sequence[Region] = (), pixels_clean: bool = False
) -> Made:
    """Make the de-identified counterpart of the DICOM file ``path`` below ``folder``.

    Parameters
    ----------
    regions
        (left, top, right, bottom) of what is to be blanked in the pixels.
    pixels_clean
        Somebody made sure that after this nothing identifying is visible in the pixels.

    Raises
    ------
    UnreadableError
        The file is not DICOM, or damaged.
    HeldBackError
        Something of the identity would be left, or another file has its place.
    OSError
        The output cannot be written.
    """
    failed: OSError | None = None
    with reading(path) as stream:
        source, begin, end = _made(stream, path, deidentifier, regions, pixels_clean)
        head = _encoded(source)
        place = _place(source, deidentifier)
        target = folder / place
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            _write(temporary, head, stream, begin, end)
        except OSError as error:  # not of the file that is read, as it would be told of from here
            failed = error
    size = len(head) + end - begin
    try:
        if failed is not None:
            raise failed
        _verify(temporary, path, source, deidentifier, size)
        return Made(place, size, _put(temporary, target, path), source)
    finally:
        temporary.unlink(missing_ok=True)


def _made(
    stream: BinaryIO, path: Path, deidentifier: Deidentifier, regions: Sequence[Region], pixels_clean: bool
) -> tuple[Deidentified, int, int]:
    """The de-identified data set, and where in ``stream`` the pixel element is that goes with it."""
    try:
        parts = read_parts(stream)
    except EncapsulationError as error:
        raise UnreadableError(str(path), str(error)) from error
    dataset, begin, end = parts.dataset, parts.begin, parts.end
    _refuse(parts, path, pixels_clean)
    more = bool(parts.length) and holds_more(dataset, parts.length)
    needed = bytes_needed(dataset) or 0
    if more and parts.length - needed >= needed // max(integer(dataset, "NumberOfFrames", 1), 1):
        raise HeldBackError(
            str(path),
            f"its PixelData has {parts.length:,} bytes where Rows x Columns x NumberOfFrames need {needed:,}: whether "
            "the others are images nobody can tell",
        )
    if regions or more:
        stream.seek(0)
        dataset, begin, end = parsed(stream, pixels=True), 0, 0
    if more:
        keep_image_only(dataset)
    if regions:
        blank(dataset, regions, path)
        say_derived(dataset)
    return deidentifier.deidentify(dataset, pixels_clean), begin, end


def _write(path: Path, head: bytes, source: BinaryIO, begin: int, end: int) -> None:
    """``head`` and a part of ``source``, which the system copies by itself where it can."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb", buffering=0) as stream:
        written = stream.write(head)
        if written != len(head):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        if hasattr(os, "copy_file_range") and isinstance(source, io.BufferedReader):
            begin += _copied_by_system(source.fileno(), stream.fileno(), begin, end)
        source.seek(begin)
        while begin < end:
            block = source.read(min(BLOCK, end - begin))
            if not block:
                return  # the source has become shorter; the size tells it
            stream.write(block)
            begin += len(block)


def _copied_by_system(source: int, target: int, begin: int, end: int) -> int:
    copied = 0
    while begin + copied < end:
        try:
            count = os.copy_file_range(source, target, end - begin - copied, begin + copied)
        except OSError as error:
            if error.errno in _CANNOT_COPY:
                return copied
            raise
        if count == 0:
            return copied
        copied += count
    return copied


def _put(temporary: Path, target: Path, origin: Path) -> bool:
    """Give the file its place; whether the same one was there already."""
    try:
        put_new(temporary, target)
    except FileExistsError as error:
        if not filecmp.cmp(temporary, target, shallow=False):
            raise HeldBackError(
                str(origin),
                "another file has the same SOP Instance UID but not the same content; only the first one was taken",
            ) from error
        return True
    return False


def _refuse(parts: Parts, path: Path, pixels_clean: bool) -> None:
    dataset = parts.dataset
    if DIRECTORY_RECORDS in dataset:
        raise UnreadableError(str(path), "a DICOMDIR, which is never copied: a new one is written when asked for")
    if not text_of(dataset, 0x00080018):
        raise UnreadableError(str(path), "SOPInstanceUID (0008,0018) is missing, so it cannot be told from others")
    if parts.fragments and embedded_planes(dataset):
        raise HeldBackError(
            str(path), "an overlay stands in the bits that its compressed pixels leave, and would go out with them"
        )
    if text_of(dataset, 0x00280301) == "YES" and not pixels_clean:
        raise HeldBackError(
            str(path), "it says of itself that identifying text is burned into its pixels (BurnedInAnnotation YES)"
        )


def _encoded(source: Deidentified) -> bytes:
    """Preamble, File Meta and data set; what was not changed is written byte by byte as it was read."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    dataset = source.dataset
    implicit, little = dataset.original_encoding
    start = _start(source)
    if little:
        return start + write_elements(dataset.values(), bool(implicit), source.encodings)
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = bool(implicit), bool(little)
    write_dataset(stream, dataset)
    return start + stream.getvalue()


def _start(source: Deidentified) -> bytes:
    return file_start(source.sop_class, source.uids[2][1], transfer_syntax(source.dataset))


def _place(source: Deidentified, deidentifier: Deidentifier) -> Path:
    study, _, instance = (old for old, _ in source.uids)
    pseudonyms = deidentifier.pseudonyms
    return Path(source.name, f"study-{pseudonyms.name('study', study)}", f"{pseudonyms.image(instance)}.dcm")


def _verify(path: Path, origin: Path, source: Deidentified, deidentifier: Deidentifier, size: int) -> None:
    if path.stat().st_size != size:
        raise OSError(None, "was not written whole", str(path))
    actions = deidentifier.actions(source.sop_class)
    found = leaks(path, _start(source), source.identity, source.made, actions, deidentifier.actions(None))
    if found:
        raise HeldBackError(str(origin), "; ".join(map(str, found[:5])) + (" and more" if len(found) > 5 else ""))
