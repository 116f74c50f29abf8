"""PNG, JPEG and TIFF files written anew with nothing but their pixels."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.exclusive import put_new
from XRayAILib.dicom.picture import opened
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.dicom.source import open_source

if TYPE_CHECKING:
    from PIL import Image

PICTURES = "pictures"
_PLAIN_MODES = ("1", "L", "LA", "I;16", "RGB", "RGBA")


def clean_picture(
    path: Path, folder: Path, pseudonyms: Pseudonyms, regions: Sequence[tuple[int, int, int, int]] = ()
) -> tuple[Path, int, bool]:
    """Write the pixels of a picture below ``folder`` as PNG, under a name that is a pseudonym.

    Parameters
    ----------
    regions
        (left, top, right, bottom) of what becomes black.

    Returns
    -------
    (path relative to ``folder``, bytes, whether it was there already)

    Raises
    ------
    UnreadableError
        It is damaged, or has several pages.
    """
    with open_source(path) as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    with opened(path) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            raise UnreadableError(str(path), "it has several pages: save each as a picture of its own")
        try:
            pixels = _bare(picture)
        except (OSError, SyntaxError, ValueError) as error:
            raise UnreadableError(str(path), f"damaged or truncated picture ({error})") from error
    for region in regions:
        pixels.paste(0 if len(pixels.getbands()) == 1 else (0,) * len(pixels.getbands()), region)
    memory = io.BytesIO()
    pixels.save(memory, "PNG", compress_level=4)
    place = Path(PICTURES, f"{pseudonyms.image(f'sha256:{digest}')}.png")
    target = folder / place
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        temporary.write_bytes(memory.getvalue())
        _check(temporary, pixels)
        put_new(temporary, target)
    except FileExistsError:
        return place, target.stat().st_size, True
    finally:
        temporary.unlink(missing_ok=True)
    return place, len(memory.getvalue()), False


def _bare(picture: Image.Image) -> Image.Image:
    """A picture of the same pixels that knows nothing else: no EXIF, no text, no profile, no thumbnail."""
    from PIL import Image

    mode = picture.mode
    if mode in ("I", "I;16B"):
        mode = "I;16"
    elif mode not in _PLAIN_MODES:
        mode = "RGBA" if "transparency" in picture.info else "RGB"
    converted = picture if picture.mode == mode else picture.convert(mode)
    return Image.frombytes(mode, converted.size, converted.tobytes())


def _check(path: Path, pixels: Image.Image) -> None:
    with opened(path) as again:
        if again.convert(pixels.mode).tobytes() != pixels.tobytes() or again.info.keys() - {"transparency"}:
            raise OSError(None, "did not come back as it was written", str(path))
