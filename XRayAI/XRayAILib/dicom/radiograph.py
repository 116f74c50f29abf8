"""Radiograph: the one way from a file to pixels, greys and millimetres."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import headers_of, parsed, read_header, reading, refuse_incomplete
from XRayAILib.dicom.grayscale import Grayscale, read_grayscale
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.overlays import Overlay
from XRayAILib.dicom.picture import is_picture, read_picture, read_picture_header
from XRayAILib.dicom.pixel_element import decoder_options, find_pixels, transfer_syntax
from XRayAILib.dicom.presentation_state import Presentation, PresentationState
from XRayAILib.dicom.shutter import Shutter, read_shutter
from XRayAILib.dicom.source import read_start
from XRayAILib.dicom.spacing import Spacing

if TYPE_CHECKING:
    from pydicom import Dataset

    from XRayAILib.dicom.pixel_element import PixelElement

__all__ = ["Header", "Radiograph", "UnreadableError", "is_compressed", "read_header", "read_radiograph"]


class Decoder(Protocol):
    """Decodes frames, as :class:`XRayAILib.dicom.decoding.ChildDecoder` does."""

    def decode(self, path: Path, offset: int, syntax: str, options: dict[str, Any], frame: int = 0) -> np.ndarray:
        """See :meth:`ChildDecoder.decode`."""


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One image with all that is needed to show and measure it.

    Attributes
    ----------
    stored
        Stored values (rows, columns), integers, read-only, never inverted; of a colour image its brightness.
    grayscale
        The transformation to display values.
    colour
        A colour or palette image as RGB (rows, columns, 3), uint8, to look at; ``None`` for a grey one.
    overlays
        What the file has drawn over it.
    presentation
        What a presentation state adds; ``None`` where none is applied.
    own_shutter
        What the file itself hides from a reader (PS3.3 C.7.6.11).
    """

    header: Header
    stored: np.ndarray
    grayscale: Grayscale
    colour: np.ndarray | None = None
    overlays: tuple[Overlay, ...] = ()
    presentation: Presentation | None = None
    own_shutter: Shutter | None = None

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

    @property
    def shutter(self) -> Shutter | None:
        """What is hidden from a reader: by a presentation state where one is applied, else by the file itself."""
        return self.presentation.shutter if self.presentation is not None else self.own_shutter

    def display(self) -> np.ndarray:
        """P-values (rows, columns), float32, 0 black to 1 white.

        The file's own shutter hides nothing here, only in the viewer: models, and the search for burned-in text, see
        all that the pixels hold.
        """
        shown = self.grayscale.display(self.stored)
        if self.presentation is not None and self.presentation.shutter is not None:
            shown[self.presentation.shutter.hidden] = self.presentation.shutter.value
        return shown

    def pixel_hash(self) -> str:
        """SHA-256 of size, type and stored values, whatever the file's format."""
        import hashlib

        digest = hashlib.sha256(f"{self.stored.shape} {self.stored.dtype.str}".encode())
        digest.update(self.stored.data)
        return digest.hexdigest()

    def choose(self, choice: int) -> Radiograph:
        """The same, shown by another of the VOI steps that it offers (:attr:`Grayscale.voi`)."""
        return replace(self, grayscale=self.grayscale.choose(choice))

    def with_presentation(self, state: PresentationState) -> Radiograph:
        """The same, as a presentation state wants it to be seen; :class:`ValueError` where it is about other images."""
        import warnings

        if not state.refers_to(self.header):
            raise ValueError(f"{state.path}: this presentation state is not about {self.uid}.")
        with warnings.catch_warnings():
            # pydicom warns of values that break a rule; they count as missing.
            warnings.simplefilter("ignore")
            return replace(
                self,
                grayscale=state.grayscale(self.header, self.grayscale),
                overlays=state.overlays(self.header, self.overlays),
                presentation=state.presentation(self.header),
            )


def is_compressed(path: Path | str) -> bool:
    """Whether a decoder is needed for the pixels of a file. :class:`UnreadableError` where its header is unreadable."""
    return any(needs_decoder(header.transfer_syntax) for header in read_header(path))


def read_radiograph(path: Path | str, frame: int = 0, decoder: Decoder | None = None) -> Radiograph:
    """Read one frame of a file; the others are not looked at.

    Uncompressed pixels are copied out of the file here; compressed ones are decoded in a child process.

    Parameters
    ----------
    decoder
        Decodes compressed pixels; the one that all share where ``None``.

    Raises
    ------
    UnreadableError
        With the file, the reason and, where there is one, the way out.
    """
    path = Path(path)
    if is_picture(read_start(path, 132)[0]):
        stored, grayscale, colour = read_picture(path)
        radiograph = Radiograph(read_picture_header(path), stored, grayscale, colour)
    else:
        radiograph = _read_dicom(path, frame, decoder)
    if radiograph.stored.shape != radiograph.shape:
        rows, columns = radiograph.shape
        raise UnreadableError(
            str(path),
            f"its pixels are {radiograph.stored.shape[1]} x {radiograph.stored.shape[0]}, "
            f"but Columns x Rows say {columns} x {rows}",
        )
    radiograph.stored.setflags(write=False)
    return radiograph


def _read_dicom(path: Path, frame: int, decoder: Decoder | None) -> Radiograph:
    from XRayAILib.dicom.functional_groups import of_frame
    from XRayAILib.dicom.overlays import embedded_planes, read_overlays
    from XRayAILib.dicom.pixel_data import colours_of, grey_of, stored_values

    with reading(path) as stream:
        dataset = parsed(stream, pixels=False)
        headers = headers_of(dataset, path)
        if not 0 <= frame < len(headers):
            raise UnreadableError(str(path), f"frame {frame} was asked for; it has {len(headers)}")
        header = headers[frame]
        element = find_pixels(stream, dataset)
        refuse_incomplete(dataset, path, element.length, element.room, element.least)
        raw = _decoded(stream, dataset, element, path, frame, decoder)
        own = of_frame(dataset, frame)
        colour = colours_of(own, raw, path)
        stored = grey_of(colour) if colour is not None else stored_values(own, raw)
        overlays = read_overlays(dataset, header.shape, frame, raw if embedded_planes(dataset) else None)
        grayscale = read_grayscale(own, stored)
        shutter = read_shutter(own, header.shape)
    return Radiograph(header, np.ascontiguousarray(stored), grayscale, colour, overlays, own_shutter=shutter)


def _decoded(
    stream: BinaryIO, dataset: Dataset, element: PixelElement, path: Path, frame: int, decoder: Decoder | None
) -> np.ndarray:
    from XRayAILib.dicom.decoding import shared_decoder
    from XRayAILib.dicom.pixel_data import decode

    options = decoder_options(dataset, element)
    syntax = transfer_syntax(dataset)
    if needs_decoder(syntax):
        return (decoder or shared_decoder()).decode(path, element.offset, syntax, options, frame)
    try:
        return decode(stream, element.offset, syntax, options, frame)
    except ValueError as error:
        raise UnreadableError(str(path), f"its pixels cannot be read ({error})") from error


def needs_decoder(name: str) -> bool:
    """Whether pixels of this Transfer Syntax UID are compressed; pictures have a word in its place."""
    from pydicom.uid import UID

    if not name[:1].isdigit():
        return False
    syntax = UID(name)
    return bool(syntax.is_transfer_syntax and syntax.is_compressed)
