"""Duplicates: radiographs with the same pixels and different UIDs, found in a pass of its own.

A scan reads headers only, because reading all pixels takes a hundred times as long. De-identified twice, exported again
or sent from two archives, an image has another SOP Instance UID each time; in a training and its test it counts twice.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from sqlalchemy import func, select, update

from XRayAILib.dicom.header import header_from_json
from XRayAILib.dicom.header_reader import ask_several
from XRayAILib.project.arrivals import has_its_file
from XRayAILib.project.database import Database, images
from XRayAILib.project.image import Image, ImageStatus

FRAME_SECONDS = 60.0
"""For the pixels of one image."""
UNREADABLE = ""
"""The hash of an image whose pixels cannot be read."""
_PORTION = 5000
_STORED_TOGETHER = 50


@dataclass
class PixelPass:
    """What a pass over the pixels did: images read, and (path, reason) of those whose pixels cannot be."""

    read: int = 0
    cancelled: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)


class Duplicates:
    """The pixel hashes of a project's images (:meth:`Radiograph.pixel_hash`); a check stores them, too."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self) -> int:
        """How many images have not been read yet, or not since their file changed."""
        with self._database.reading() as connection:
            query = select(func.count()).select_from(images).where(images.c.pixel_hash.is_(None), has_its_file())
            return int(connection.scalar(query) or 0)

    def read_pixels(
        self,
        progress: Callable[[int, int, str, float | None], None] = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
        processes: int = 0,
        interpreter: str = sys.executable,
    ) -> PixelPass:
        """Read the images that have no hash yet, in child processes; what is done stays when it is stopped.

        Parameters
        ----------
        progress
            Called with the images done, the images in all, how it goes in words, and the seconds left.
        """
        result = PixelPass()
        total, begun = self.pending(), time.monotonic()
        after = 0
        while portion := self._portion(after):
            after = portion[-1][0]
            asked = [(path, frame) for _, _, path, frame in portion]
            asking = ask_several("pixel hash", asked, processes, 4, FRAME_SECONDS, interpreter)
            hashes: dict[str, str] = {}
            try:
                with closing(asking) as answers:
                    for (_, uid, path, _), answer in zip(portion, answers, strict=True):
                        hashes[uid] = answer.get("hash", UNREADABLE)
                        if "reason" in answer:
                            result.failed.append((path, answer["reason"]))
                        result.read += 1
                        rate = result.read / max(time.monotonic() - begun, 1e-3)
                        progress(result.read, total, f"{rate:.1f} images/s", (total - result.read) / rate)
                        if len(hashes) >= _STORED_TOGETHER:
                            self._store(hashes)
                            hashes = {}
                        if cancelled():
                            result.cancelled = True
                            return result
            finally:
                self._store(hashes)
        return result

    def groups(self) -> list[list[Image]]:
        """Images with the same pixels, in groups of two and more; the first one of each was taken in first."""
        several = (
            select(images.c.pixel_hash)
            .where(images.c.pixel_hash.is_not(None), images.c.pixel_hash != UNREADABLE, has_its_file())
            .group_by(images.c.pixel_hash)
            .having(func.count() > 1)
        )
        query = select(images).where(images.c.pixel_hash.in_(several), has_its_file()).order_by(images.c.id)
        groups: dict[str, list[Image]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                image = Image(header_from_json(row.header), ImageStatus(row.status), row.excluded, row.split)
                groups.setdefault(row.pixel_hash, []).append(image)
        return list(groups.values())

    def _portion(self, after: int) -> list[tuple[int, str, str, int]]:
        query = (
            select(images.c.id, images.c.uid, images.c.path, images.c.header)
            .where(images.c.pixel_hash.is_(None), has_its_file(), images.c.id > after)
            .order_by(images.c.id)
            .limit(_PORTION)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query)
            return [(row.id, row.uid, row.path, header_from_json(row.header).frame) for row in rows]

    def _store(self, hashes: dict[str, str]) -> None:
        with self._database.writing() as connection:
            for uid, value in hashes.items():
                connection.execute(update(images).where(images.c.uid == uid).values(pixel_hash=value))
