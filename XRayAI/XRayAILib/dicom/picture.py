"""PNG, JPEG, TIFF and BMP files as radiographs."""

from __future__ import annotations

import hashlib
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import MAX_PIXELS
from XRayAILib.dicom.header import PICTURE, Header
from XRayAILib.dicom.source import open_source
from XRayAILib.dicom.spacing import Spacing

if TYPE_CHECKING:
    import numpy as np

    from XRayAILib.dicom.grayscale import Grayscale

_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*", b"BM")


def is_picture(start: bytes) -> bool:
    """Whether a file that begins with ``start`` (its first 132 bytes) is a picture.

    A DICOM file may carry the first bytes of a TIFF in its preamble, so that both kinds of program open it
    (PS3.10 7.1).
    """
    return start.startswith(_MAGIC) and start[128:132] != b"DICM"


def read_picture_header(path: Path) -> Header:
    """The header of a picture; a picture knows no patient and no millimetres."""
    with opened(path) as picture:
        columns, rows = picture.size
        mode = picture.mode
    return _header(path, rows, columns, grey=mode in ("1", "L", "I;16", "I;16B", "I"))


def read_png_header(path: Path, start: bytes) -> Header | None:
    """The header of a PNG file out of its first bytes (PNG specification, 11.2.2), without a library that decodes.

    Nothing else is parsed, so this may be done to any file, in any process; ``None`` for other kinds of pictures.
    """
    if not start.startswith(_MAGIC[0]) or start[12:16] != b"IHDR" or len(start) < 33:
        return None
    columns, rows, _depth, colour, compression, filtering, _interlace = struct.unpack(">LLBBBBB", start[16:29])
    sound = struct.unpack(">L", start[29:33])[0] == zlib.crc32(start[12:29])
    if not sound or compression or filtering or not 0 < rows * columns <= MAX_PIXELS:
        return None
    return _header(path, rows, columns, grey=colour == 0)


def is_two_valued(path: Path) -> bool:
    """Whether a picture has at most two grey values or colours, as a mask has and no radiograph."""
    with opened(path) as picture:
        try:
            return picture.getcolors(2) is not None
        except (OSError, SyntaxError, ValueError):
            return False  # damaged: whoever shows it will say so


def _header(path: Path, rows: int, columns: int, grey: bool) -> Header:
    return Header(
        uid=f"sha256:{_digest(path)}",
        path=str(path),
        rows=rows,
        columns=columns,
        spacing=Spacing.unknown(),
        modality=PICTURE,
        photometric="MONOCHROME2",
        transfer_syntax=path.suffix.lstrip(".").lower(),
        notes=() if grey else ("colour picture turned to grey",),
    )


def read_picture(path: Path) -> tuple[np.ndarray, Grayscale, np.ndarray | None]:
    """What a picture holds.

    Returns
    -------
    stored
        (rows, columns), uint8 or uint16; of a colour picture its brightness.
    grayscale
        The plain transformation that shows them as they are.
    colour
        (rows, columns, 3), uint8, of a colour picture; ``None`` of a grey one.
    """
    import numpy as np

    from XRayAILib.dicom.grayscale import Grayscale, Window

    with opened(path) as picture:
        try:
            grey = picture.mode in ("1", "L", "I;16", "I;16B", "I")
            array = np.asarray(picture if grey and picture.mode != "1" else picture.convert("L"))
            colour = None if grey else np.asarray(picture.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise UnreadableError(str(path), f"damaged or truncated picture ({error})") from error
    if array.dtype == np.int32:
        array = np.clip(array, 0, 65535)
    stored: np.ndarray = array.astype(np.uint8 if array.dtype == np.uint8 else np.uint16)
    top = 255.0 if stored.dtype == np.uint8 else float(max(int(stored.max()) if stored.size else 0, 255))
    return stored, Grayscale((Window(top / 2.0, top, "LINEAR_EXACT"),)), colour


@contextmanager
def opened(path: Path) -> Iterator[Any]:  # PIL is imported late
    from PIL import Image, UnidentifiedImageError

    with open_source(path) as stream:
        try:
            with warnings.catch_warnings():
                # Pillow warns from 89 million pixels on; the limit that counts here is checked below.
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                picture = Image.open(stream)
        except UnidentifiedImageError as error:
            raise UnreadableError(str(path), "not a picture that can be read") from error
        except Image.DecompressionBombError as error:
            raise UnreadableError(str(path), f"far too many pixels for a radiograph ({error})") from error
        except (OSError, ValueError, SyntaxError) as error:
            raise UnreadableError(str(path), f"damaged picture ({error})") from error
        if picture.size[0] * picture.size[1] > MAX_PIXELS:
            raise UnreadableError(str(path), f"it claims {picture.size[0]} x {picture.size[1]} pixels")
        if picture.mode == "F":
            reason = "its grey values are not whole numbers: save it as 8- or 16-bit PNG or TIFF"
            raise UnreadableError(str(path), reason)
        yield picture


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open_source(path) as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
