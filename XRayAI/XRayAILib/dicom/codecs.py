"""imagecodecs and pylibjpeg-rle as decoders of pydicom.

pydicom's own plug-ins cannot decode 12-bit JPEG or lossless JPEG without GPL code or GDCM (which aborts the process on
malformed files); imagecodecs can, and it is the fastest for JPEG-LS and JPEG 2000. For RLE, pylibjpeg-rle is.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, Any

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

if TYPE_CHECKING:
    import numpy as np
    from pydicom.pixels.decoders.base import DecodeRunner

NAME = "xrayai"
_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
_JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
_JPEG_2000 = (JPEG2000, JPEG2000Lossless, HTJ2K, HTJ2KLossless, HTJ2KLosslessRPCL)
DECODER_DEPENDENCIES = {
    **dict.fromkeys((*_JPEG, *_JPEG_LS, *_JPEG_2000), ("numpy", "imagecodecs")),
    RLELossless: ("numpy", "pylibjpeg-rle"),
}

PREFERRED = {
    **{str(uid): (NAME,) for uid in DECODER_DEPENDENCIES},
    **{str(uid): (NAME, "pyjpegls") for uid in _JPEG_LS},
}
"""Transfer syntax -> plug-ins in the order of trying, fastest correct one first; pydicom's own choice comes last."""

MOST_THREADS = 4
"""JPEG 2000 codes blocks that can be decoded side by side; more threads than this wait for one another."""


def is_available(uid: str) -> bool:
    """Called by pydicom: whether the package that decodes a transfer syntax can be imported."""
    import importlib.util

    package = "rle" if uid == RLELossless else "imagecodecs"
    return uid in DECODER_DEPENDENCIES and importlib.util.find_spec(package) is not None


def register() -> None:
    """Make the decoders known to pydicom; a second call does nothing."""
    from pydicom.pixels import get_decoder

    for uid in DECODER_DEPENDENCIES:
        decoder = get_decoder(uid)
        if NAME not in (*decoder.available_plugins, *decoder._unavailable):
            decoder.add_plugin(NAME, (__name__, "decode_frame"))


def decode_frame(source: bytes, runner: DecodeRunner) -> Any:
    """Called by pydicom: one encoded frame -> a buffer with its pixels in native byte order."""
    import numpy as np

    if runner.transfer_syntax == RLELossless:
        from rle.rle import decode_frame as decode

        runner.set_option("planar_configuration", 1)
        return decode(source, runner.rows * runner.columns, runner.bits_allocated, "<")
    _refuse_other_size(source, runner)
    array = np.ascontiguousarray(_decoded(source, runner))
    if array.ndim == 3:
        runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", array.dtype.itemsize * 8)
    # Not bytes: that would copy millions of pixels.
    return array.reshape(-1).view(np.uint8).data


def _decoded(source: bytes, runner: DecodeRunner) -> np.ndarray:
    target = runner.get_option("destination")
    if target is not None:
        try:
            return _decoded_into(target, source, runner)
        except Exception:  # noqa: BLE001 - of another width than announced, or damaged: the next attempt tells
            runner.del_option("destination")
    return _decoded_into(None, source, runner)


def _decoded_into(target: np.ndarray | None, source: bytes, runner: DecodeRunner) -> np.ndarray:
    import imagecodecs

    colour = runner.samples_per_pixel > 1
    array: np.ndarray
    if runner.transfer_syntax in _JPEG_LS:
        array = imagecodecs.jpegls_decode(source, out=target)
    elif runner.transfer_syntax in _JPEG_2000:
        threads = min(os.cpu_count() or 1, MOST_THREADS)
        array = imagecodecs.jpeg2k_decode(source, numthreads=threads, out=target)
        if colour and runner.photometric_interpretation in ("YBR_ICT", "YBR_RCT"):
            # The decoder has undone the transformation (PS3.5 8.2.4).
            runner.set_option("photometric_interpretation", "RGB")
    elif colour and runner.transfer_syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        # An Adobe marker says what the colours are. Without one, the attribute does, and the decoder would only guess.
        told = b"Adobe" in source[:4096]
        colours = None if told else "RGB" if runner.photometric_interpretation == "RGB" else "YCbCr"
        array = imagecodecs.jpeg_decode(source, colorspace=colours, outcolorspace="RGB")
        runner.set_option("photometric_interpretation", "RGB")
    else:
        array = imagecodecs.jpeg_decode(source, out=target)
    if colour and array.ndim == 3 and array.shape[0] == runner.samples_per_pixel and array.shape[2] != array.shape[0]:
        array = array.transpose(1, 2, 0)
    return array


def _refuse_other_size(source: bytes, runner: DecodeRunner) -> None:
    """An encoded image may claim any size; a decoder would ask for memory for all of it before anybody looked."""
    found = _jpeg_2000_size(source) if runner.transfer_syntax in _JPEG_2000 else _jpeg_size(source)
    if found is not None and found != (runner.rows, runner.columns):
        raise ValueError(
            f"the encoded image has {found[1]} x {found[0]} pixels, "
            f"but Columns x Rows say {runner.columns} x {runner.rows}"
        )


def _jpeg_2000_size(source: bytes) -> tuple[int, int] | None:
    start = source.find(b"\xff\x4f\xff\x51")  # SOC, SIZ (ISO 15444-1 A.5.1)
    if start < 0 or len(source) < start + 24:
        return None
    right, bottom, left, top = struct.unpack_from(">4I", source, start + 8)
    return bottom - top, right - left


def _jpeg_size(source: bytes) -> tuple[int, int] | None:
    """(rows, columns) from the frame header of a JPEG or JPEG-LS image (ISO 10918-1 B.2.2)."""
    place = 2
    while place + 9 <= len(source):
        if source[place] != 0xFF:
            return None
        marker = source[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker in (0xC4, 0xC8, 0xCC) or (not 0xC0 <= marker <= 0xCF and marker != 0xF7):
            if marker == 0xDA:
                return None
            place += 2 + int(struct.unpack_from(">H", source, place + 2)[0])
            continue
        rows, columns = struct.unpack_from(">2H", source, place + 5)
        return (rows, columns) if rows else None  # 0: the number of lines comes later
    return None
