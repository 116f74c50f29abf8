"""The child of :mod:`XRayAILib.workflow.deidentification.run`: makes files, an answer a line on standard output.

A request is ``{"task", "items"}``: the task holds the orders, the key among them, which so is on no command line; an
item is the path of a file.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from XRayAILib.dicom.deidentified_file import HeldBackError, Made, deidentify_file
from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header_child import serve
from XRayAILib.dicom.picture import is_picture
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.dicom.source import read_start
from XRayAILib.workflow.deidentification.deidentification import Screen, Screening, Settings

MEMORY_LIMIT = 8 << 30
"""Bytes of address space."""
FATAL = (errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, getattr(errno, "EDQUOT", errno.ENOSPC))
"""What is wrong with the place of the output, and not with one file."""


class Maker:
    """Makes one file after the other by the same orders."""

    def __init__(self, orders: dict[str, Any]) -> None:
        self._settings = Settings.from_document(orders["settings"])
        self._output = Path(orders["output"])
        self._pseudonyms = Pseudonyms(bytes.fromhex(orders["key"]))
        self._deidentifier = Deidentifier(self._pseudonyms, self._settings.options)
        self._screen = self._screened()

    def make(self, path: Path) -> dict[str, Any]:
        """What became of a file, for the parent."""
        if is_picture(read_start(path, 132)[0]):
            return self._picture(path)
        screening = self._screen(path)
        if screening.held:
            return {"held": screening.held, "unconfirmed": True}
        made = deidentify_file(path, self._output, self._deidentifier, screening.regions, screening.checked)
        return {"output": made.path.as_posix(), "size": made.size, "again": made.again, **self._crosswalk(made)}

    def _picture(self, path: Path) -> dict[str, Any]:
        from XRayAILib.dicom.clean_picture import clean_picture

        if not self._settings.pictures:
            wanted = "written without metadata where PNG, JPEG and TIFF are asked for (--pictures)"
            return {"reason": f"a picture, not a DICOM file; {wanted}"}
        screening = self._screen(path)
        if screening.held:
            return {"held": screening.held, "unconfirmed": True}
        made, size, again = clean_picture(path, self._output, self._pseudonyms, screening.regions)
        return {"output": made.as_posix(), "size": size, "again": again}

    def _crosswalk(self, made: Made) -> dict[str, Any]:
        if self._settings.crosswalk is None:
            return {}
        source = made.source
        uids = [uid for pair in source.uids for uid in pair]
        return {"crosswalk": [source.patient, source.name, source.days, *uids]}

    def _screened(self) -> Screen:
        from XRayAILib.workflow.text_screen import text_screen

        if not self._settings.screen:
            return lambda _: Screening()
        ask = text_screen(self._settings.regions_file)

        def screen(path: Path) -> Screening:
            return ask(path) if _has_pixels(path) else Screening()

        return screen


def _has_pixels(path: Path) -> bool:
    """Whether there is anything in which text could be burned; what cannot be read says so when it is made."""
    from XRayAILib.dicom.file_bytes import read_parts
    from XRayAILib.dicom.file_header import reading

    if is_picture(read_start(path, 132)[0]):
        return True
    with reading(path) as stream:
        parts = read_parts(stream)
    return parts.end > parts.begin and 0x00620002 not in parts.dataset  # a segmentation holds masks


def answer(maker: Maker, path: str) -> dict[str, Any]:
    """What became of the file ``path``; what is wrong with one never ends the others, but a full disk does."""
    try:
        return maker.make(Path(path))
    except HeldBackError as error:
        return {"held": error.reason}
    except UnreadableError as error:
        return {"reason": error.reason}
    except MemoryError:
        return {"reason": "it asks for more memory than there is"}
    except OSError as error:
        if error.errno in FATAL:
            return {"fatal": f"{error.filename}: {error.strerror}" if error.filename else f"{error.strerror}"}
        return {"reason": f"cannot be read or written ({error.strerror or error})"}
    except Exception as error:  # noqa: BLE001 - a hostile file can raise anything; it is told, and the next one is made
        return {"reason": f"damaged ({type(error).__name__}: {error})"}


@lru_cache(maxsize=1)
def _worker(task: str) -> Callable[[str], str]:
    maker = Maker(json.loads(task))
    return lambda path: json.dumps(answer(maker, path))


if __name__ == "__main__":
    serve(_worker, MEMORY_LIMIT)
