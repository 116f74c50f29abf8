"""imagecodecs as a decoder of pydicom.

pydicom's own plug-ins cannot decode 12-bit JPEG or lossless JPEG without GPL code or GDCM (which aborts the process on
malformed files); imagecodecs can, and it is the fastest for JPEG-LS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydicom.uid import (
    JPEG2000,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import DecodeRunner

NAME = "imagecodecs"
_JPEG = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)
_JPEG_LS = (JPEGLSLossless, JPEGLSNearLossless)
_JPEG_2000 = (JPEG2000, JPEG2000Lossless)
DECODER_DEPENDENCIES = dict.fromkeys((*_JPEG, *_JPEG_LS, *_JPEG_2000), ("numpy", "imagecodecs"))

PREFERRED = {
    "1.2.840.10008.1.2.5": ("pylibjpeg",),
    **{str(uid): (NAME,) for uid in (JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1)},
    **{str(uid): (NAME, "pyjpegls") for uid in _JPEG_LS},
    **{str(uid): (NAME, "pylibjpeg") for uid in _JPEG_2000},
}
"""Transfer syntax -> plug-ins in the order of trying, fastest correct one first."""


def is_available(uid: str) -> bool:
    """Called by pydicom: whether imagecodecs can be imported."""
    import importlib.util

    return uid in DECODER_DEPENDENCIES and importlib.util.find_spec("imagecodecs") is not None


def register() -> None:
    """Make imagecodecs known to pydicom; a second call does nothing."""
    from pydicom.pixels import get_decoder

    for uid in DECODER_DEPENDENCIES:
        decoder = get_decoder(uid)
        if NAME not in (*decoder.available_plugins, *decoder._unavailable):
            decoder.add_plugin(NAME, (__name__, "decode_frame"))


def decode_frame(source: bytes, runner: DecodeRunner) -> bytes:
    """Called by pydicom: one encoded frame -> its pixels in native byte order."""
    import imagecodecs
    import numpy as np

    decode: Any
    if runner.transfer_syntax in _JPEG:
        decode = imagecodecs.jpeg_decode
    elif runner.transfer_syntax in _JPEG_LS:
        decode = imagecodecs.jpegls_decode
    else:
        decode = imagecodecs.jpeg2k_decode
    array = np.asarray(decode(source))
    if array.ndim == 3:
        runner.set_option("planar_configuration", 0)
    runner.set_option("bits_allocated", array.dtype.itemsize * 8)
    return array.tobytes()
