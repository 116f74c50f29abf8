"""Thumbnails: small pictures of the radiographs of a project, made when they are asked for and kept in its cache.

A thumbnail is named after its radiograph and :data:`VERSION`; inside it stands the state of the file that it was made
of, so a file that changed gets a new one. What cannot be read leaves a note with the reason in its place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.dicom.source import stamp
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

VERSION = 1
"""To be counted up when radiographs are shown in another way, so that all thumbnails are made anew."""
SIZE = 160
"""Pixels of the longer side."""
LIMIT = 500 << 20
"""Bytes that all of a project's thumbnails may take, which is enough for about 100,000."""

_FIRST_SIZE = 3 * SIZE
_QUALITY = 85


@dataclass(frozen=True)
class Thumbnail:
    """A picture, or the reason why there is none.

    Attributes
    ----------
    path
        A grey or colour JPEG; where there is a reason, the file that holds it.
    reason
        Why the radiograph cannot be shown; empty where it can.
    """

    path: Path
    reason: str = ""


class Thumbnails:
    """The thumbnails of a project. The folder may be deleted at any time.

    >>> made = Thumbnails(project)  # doctest: +SKIP
    >>> made.make(uid), made.find(uid)  # doctest: +SKIP
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.folder = project.cache_folder / "thumbnails"

    def find(self, uid: str) -> Thumbnail | None:
        """What there is of an image; its file is not looked at, so it may be asked for every row of a table."""
        picture = self._place(uid, ".jpg")
        if picture.exists():
            return Thumbnail(picture)
        note = self._place(uid, ".txt")
        try:
            return Thumbnail(note, note.read_text("utf-8").partition("\n")[2])
        except FileNotFoundError:
            return None

    def make(self, uid: str) -> bool:
        """Make the thumbnail of an image, unless there is one of the file as it is now; whether anything is new.

        An image that cannot be read gets a note with the reason.

        Raises
        ------
        OSError
            The cache cannot be written.
        """
        picture, note = self._place(uid, ".jpg"), self._place(uid, ".txt")
        state = ""
        try:
            path = Path(self._project.header(uid).path)
            size, modified = stamp(path)
            state = f"{size} {modified}"
            if state in (_state_of_picture(picture), _state_of_note(note)):
                return False
            made = draw(self._project.radiograph(uid))
        except UnreadableError as error:
            if state and state == _state_of_note(note):
                return False
            reason = f"{state}\n{error}"
            _write(note, lambda part: part.write_text(reason, "utf-8"))
            picture.unlink(missing_ok=True)
        else:
            _write(picture, lambda part: made.save(part, "JPEG", quality=_QUALITY, comment=state.encode()))
            note.unlink(missing_ok=True)
        return True

    def prune(self, limit: int = LIMIT) -> int:
        """Delete the oldest until all together take at most ``limit`` bytes; gives how many went."""
        kept = sorted((status.st_mtime_ns, status.st_size, path) for path, status in self._all())
        total = sum(size for _, size, _ in kept)
        gone = 0
        while total > limit and gone < len(kept):
            _, size, path = kept[gone]
            path.unlink(missing_ok=True)
            total, gone = total - size, gone + 1
        return gone

    def clear(self) -> None:
        """Delete them all."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _all(self) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("??/*"):
            try:
                yield path, path.stat()
            except FileNotFoundError:  # another program has just deleted it
                continue

    def _place(self, uid: str, ending: str) -> Path:
        key = hashlib.sha256(f"{VERSION}\n{SIZE}\n{uid}".encode()).hexdigest()[:40]
        return self.folder / key[:2] / (key + ending)


def draw(radiograph: Radiograph) -> Picture:
    """A small picture of a radiograph as it is shown: its own window and polarity, in colour where it has colours."""
    import numpy as np
    from PIL import Image

    # Every so-manieth pixel first: the display chain of 4 million values would take most of the time.
    step = max(1, max(radiograph.shape) // _FIRST_SIZE)
    if radiograph.colour is not None:
        picture = Image.fromarray(np.ascontiguousarray(radiograph.colour[::step, ::step]))
    else:
        grey = radiograph.grayscale.display(radiograph.stored[::step, ::step])
        picture = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
    scale = SIZE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR)


def _state_of_picture(path: Path) -> str:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            return bytes(picture.info.get("comment", b"")).decode("ascii", "replace")
    except (FileNotFoundError, UnidentifiedImageError):  # there is none, or it was damaged: it is made again
        return ""


def _state_of_note(path: Path) -> str:
    try:
        return path.read_text("utf-8").partition("\n")[0] or "unknown"
    except FileNotFoundError:
        return ""


def _write(path: Path, save) -> None:  # type: ignore[no-untyped-def]  # what a save gives back is of no use
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
