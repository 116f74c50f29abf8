"""Files for the tests of a scan: many small radiographs made from a real one, and such as no device writes."""

import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom

from XRayAILib.project.intake import Intake, left_out
from XRayAILib.project.project import Project

EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def radiographs(folder: Path, real: Path, count: int) -> list[Path]:
    """So many radiographs of 64 x 64 pixels with the header of a real one, four a patient, without endings."""
    dataset = pydicom.dcmread(real)
    dataset.Rows = dataset.Columns = 64
    dataset.PixelData = (dataset.PixelData * 64)[: 64 * 64 * 2]
    dataset.SOPInstanceUID, dataset.PatientID = "1.2.826.0.1.3680043.9.7433." + "8" * 12, "5" * 12
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    buffer = BytesIO()
    dataset.save_as(buffer)
    paths = []
    for number in range(count):
        data = buffer.getvalue().replace(b"8" * 12, str(10**11 + number).encode())
        path = folder / f"P{number // 4:05}" / f"IM{number:06}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.replace(b"5" * 12, str(10**11 + number // 4).encode()))
        paths.append(path)
    return paths


def changed(real: Path, path: Path, change: Callable[[pydicom.Dataset], object]) -> Path:
    """A copy of a real file with a change that pydicom writes without asking."""
    dataset = pydicom.dcmread(real)
    change(dataset)
    dataset.save_as(path)
    return path


def meta(transfer_syntax: str) -> bytes:
    """Preamble and File Meta Information."""
    uid = transfer_syntax.encode() + b"\0" * (len(transfer_syntax) % 2)
    return bytes(128) + b"DICM" + struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid


def nested(path: Path, levels: int, undefined: bool) -> Path:
    """A file of sequences in sequences."""
    inner = b""
    if undefined:
        begin = struct.pack("<HH2sxxLHHL", 0x0040, 0xA730, b"SQ", 2**32 - 1, 0xFFFE, 0xE000, 2**32 - 1)
        end = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
        inner = begin * levels + end * levels
    else:
        for _ in range(levels):
            item = struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner
            inner = struct.pack("<HH2sxxL", 0x0040, 0xA730, b"SQ", len(item)) + item
    path.write_bytes(meta(EXPLICIT) + inner)
    return path


def endless(path: Path, elements: int = 2_500_000) -> Path:
    """A file of so many empty elements that parsing it takes long."""
    element = struct.pack(">HH2sH", 0x0009, 0x1001, b"CS", 0)
    path.write_bytes(meta(BIG_ENDIAN) + element * elements)
    return path


def reasons(project: Project, intake: Intake) -> dict[str, str]:
    """Name of each file that is no radiograph, and why."""
    return {Path(path).name: reason for path, reason in left_out(project, intake)}
