"""From the pixel element of a file to arrays."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from XRayAILib.dicom.attributes import integer, text
from XRayAILib.dicom.errors import UnreadableError

if TYPE_CHECKING:
    from pydicom import Dataset

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Of ITU-R BT.601, what pictures use as well."""


def decode(stream: BinaryIO, offset: int, syntax: str, options: dict[str, Any], frame: int) -> np.ndarray:
    """Decode one frame with pydicom, without reading the others.

    Parameters
    ----------
    stream
        The file; its pixel element's value begins at ``offset``.
    syntax
        Transfer Syntax UID.
    options
        See :func:`XRayAILib.dicom.pixel_element.decoder_options`.

    Returns
    -------
    numpy.ndarray
        (rows, columns) with all allocated bits, or RGB (rows, columns, 3).

    Raises
    ------
    ValueError
        With what the decoders said.
    """
    import warnings

    from XRayAILib.dicom import codecs

    codecs.register()
    problems = []
    for plugin in (*codecs.PREFERRED.get(syntax, ()), ""):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                stream.seek(offset)
                return _decoded(stream, syntax, options, frame, plugin)
        except MemoryError as error:
            raise ValueError("it asks for more memory than there is") from error
        except Exception as error:  # noqa: BLE001 - a decoder can raise anything on a damaged stream
            # The first line often only says that there are more: what each decoder had to say.
            problems.append(" ".join(str(error).split())[:300] or type(error).__name__)
    raise ValueError(problems[0])


def _decoded(stream: BinaryIO, syntax: str, options: dict[str, Any], frame: int, plugin: str) -> np.ndarray:
    from pydicom.pixels import get_decoder
    from pydicom.uid import UID

    decoder = get_decoder(UID(syntax))
    if decoder.is_encapsulated:
        _refuse_cut(stream)
    shape = options["rows"], options["columns"]
    if options["samples_per_pixel"] == 1 and options["pixel_representation"] == 0 and decoder.is_encapsulated:
        # The common case without the copies that colour and sign need.
        buffer, found = decoder.as_buffer(stream, index=frame, decoding_plugin=plugin, **options)
        return np.frombuffer(buffer, f"u{int(found['bits_allocated']) // 8}").reshape(shape)
    array, _ = decoder.as_array(stream, index=frame, decoding_plugin=plugin, **options)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _refuse_cut(stream: BinaryIO) -> None:
    """Raise :class:`ValueError` where the file ends within a fragment (PS3.5 A.4): decoders draw what they have got."""
    start = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    place = stream.seek(start)
    while len(head := stream.read(8)) == 8:
        tag, length = head[:4], int.from_bytes(head[4:], "little")
        if tag != b"\xfe\xff\x00\xe0":
            break
        place = stream.seek(place + 8 + length)
        if place > end:
            raise ValueError(f"cut off: {place - end:,} bytes of its pixel data are missing")
    stream.seek(start)


def stored_values(dataset: Dataset, raw: np.ndarray) -> np.ndarray:
    """The stored values in an array with all allocated bits (PS3.5 8.1.1).

    The bits that the image does not use can hold anything. Where its own bits do not begin at the lowest (retired),
    they are moved there.
    """
    if raw.dtype.kind not in "iu":
        return raw
    width = 8 * raw.dtype.itemsize
    bits = min(max(integer(dataset, "BitsStored", width), 1), width)
    shift = integer(dataset, "HighBit", bits - 1) - (bits - 1)
    if 0 < shift <= width - bits:
        raw = raw >> shift
    signed = raw.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if bits == width or (int(raw.max(initial=0)) <= high and (not signed or int(raw.min(initial=0)) >= low)):
        return raw
    if not signed:
        return raw & raw.dtype.type(high)
    return raw << (width - bits) >> (width - bits)


def colours_of(dataset: Dataset, raw: np.ndarray, path: Path) -> np.ndarray | None:
    """RGB (rows, columns, 3), uint8, of a colour or palette image; ``None`` for a grey one."""
    if text(dataset, "PhotometricInterpretation") == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        try:
            raw = apply_color_lut(stored_values(dataset, raw), dataset)
        except Exception as error:  # a damaged table can raise anything
            raise UnreadableError(str(path), f"its palette cannot be applied ({error})") from error
        bits = 8 * raw.dtype.itemsize
    else:
        bits = integer(dataset, "BitsStored", 8 * raw.dtype.itemsize)
    if raw.ndim != 3:
        return None
    shown = raw[..., :3]
    return np.ascontiguousarray(shown if bits <= 8 else shown >> (bits - 8), np.uint8)


def grey_of(colours: np.ndarray) -> np.ndarray:
    """Brightness (rows, columns) of RGB (rows, columns, 3), uint8."""
    return np.rint(colours.astype(np.float32) @ LUMA).astype(np.uint8)
