"""Radiograph: the one way from a file to pixels, greys and millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import headers_of, read_dataset, read_header
from XRayAILib.dicom.grayscale import Grayscale, read_grayscale
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.picture import is_picture, read_picture, read_picture_header
from XRayAILib.dicom.source import read_start
from XRayAILib.dicom.spacing import Spacing

__all__ = ["Header", "Radiograph", "UnreadableError", "is_compressed", "read_header", "read_radiograph"]


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One image with all that is needed to show and measure it.

    Attributes
    ----------
    stored
        Stored values (rows, columns), integers, read-only, never inverted.
    grayscale
        The transformation to display values.
    """

    header: Header
    stored: np.ndarray
    grayscale: Grayscale

    @property
    def uid(self) -> str:
        return self.header.uid

    @property
    def spacing(self) -> Spacing:
        return self.header.spacing

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.header.shape

    def display(self) -> np.ndarray:
        """P-values (rows, columns), float32, 0 black to 1 white."""
        return self.grayscale.display(self.stored)


def is_compressed(path: Path | str) -> bool:
    """Whether a decoder is needed for the pixels of a file. :class:`UnreadableError` where its header is unreadable."""
    return any(_compressed(header.transfer_syntax) for header in read_header(path))


def read_radiograph(path: Path | str, frame: int = 0) -> Radiograph:
    """Read one frame of a file.

    Uncompressed pixels are copied out of the file here; compressed ones are decoded in a child process.

    Raises
    ------
    UnreadableError
        With the file, the reason and, where there is one, the way out.
    """
    from XRayAILib.dicom.decoding import shared_decoder
    from XRayAILib.dicom.pixel_data import stored_pixels

    path = Path(path)
    if is_picture(read_start(path, 132)[0]):
        header = read_picture_header(path)
        stored, grayscale = read_picture(path)
    else:
        dataset = read_dataset(path, pixels=True)
        headers = headers_of(dataset, path)
        if frame >= len(headers):
            raise UnreadableError(str(path), f"frame {frame} was asked for; it has {len(headers)}")
        header = headers[frame]
        if _compressed(header.transfer_syntax):
            stored = shared_decoder().decode(path, frame)
        else:
            stored = stored_pixels(dataset, path, frame)
        grayscale = read_grayscale(dataset, stored)
    if stored.shape != header.shape:
        raise UnreadableError(
            str(path),
            f"its pixels are {stored.shape[1]} x {stored.shape[0]}, "
            f"but Columns x Rows say {header.columns} x {header.rows}",
        )
    stored = np.ascontiguousarray(stored)
    stored.setflags(write=False)
    return Radiograph(header, stored, grayscale)


def _compressed(transfer_syntax: str) -> bool:
    from pydicom.uid import UID

    syntax = UID(transfer_syntax)
    return bool(transfer_syntax) and syntax.is_transfer_syntax and syntax.is_compressed
