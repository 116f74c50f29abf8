"""Looks for burned-in text in files and writes the regions file with its pictures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header_reader import ask_several
from XRayAILib.exchange.text.burned_in_text import digest_of
from XRayAILib.exchange.text.text_page import write_page
from XRayAILib.exchange.text.text_regions import PICTURES, REGIONS, TextRegions, image_of, private_folder

ProgressCall = Callable[[int, int, str], None]
"""Called with the files done, the files in all and what was found."""

CHILD = "XRayAILib.exchange.text.text_search_child"
FILE_SECONDS = 300.0
"""For one file: a large image of many frames, read by Tesseract, takes some minutes."""

_SAVE_SECONDS = 10.0
_BATCH = 4


@dataclass(frozen=True)
class TextSearch:
    """What a search found.

    Attributes
    ----------
    file
        The regions file.
    looked_at, with_text, waiting
        Images looked at now, those with text among all in the file, those that nobody has confirmed yet.
    unreadable
        (file, reason) where there was nothing to look at.
    """

    file: Path
    looked_at: int
    with_text: int
    waiting: int
    unreadable: tuple[tuple[str, str], ...]

    @property
    def summary(self) -> str:
        """In a sentence."""
        return f"{self.looked_at} images looked at; {self.with_text} have text or markers, {self.waiting} to confirm"


def _known(file: Path, regions: TextRegions) -> bool:
    try:
        return digest_of(file) in regions.images
    except (OSError, UnreadableError):
        return False  # looking at it says what is wrong


def find_text_in(
    files: Sequence[Path],
    folder: Path,
    *,
    processes: int = 0,
    progress: ProgressCall = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
    interpreter: str = sys.executable,
) -> TextSearch:
    """Look for text in files and write ``regions.json``, pictures and a page into ``folder``.

    Images that the file there knows already are not looked at again, and what a person said of them stays: a search
    that was stopped goes on where it was.

    Parameters
    ----------
    processes
        How many look; 0 for as many as there are cores.
    """
    path = private_folder(folder) / REGIONS
    regions = TextRegions.read(path) if path.exists() else TextRegions()
    pictures = private_folder(folder / PICTURES)
    places = {image.path for image in regions.images.values()}
    waiting = [str(file) for file in files if str(file) not in places or not _known(file, regions)]
    unreadable: list[tuple[str, str]] = []
    before, looked_at, saved = len(files) - len(waiting), 0, time.monotonic()
    items = [(file, str(pictures)) for file in waiting]
    answers = ask_several("find text", items, processes, _BATCH, FILE_SECONDS, interpreter, CHILD)
    try:
        with closing(answers):
            for done, (file, answer) in enumerate(zip(waiting, answers, strict=False), start=before + 1):
                if "reason" in answer:
                    unreadable.append((file, answer["reason"]))
                else:
                    looked_at += 1
                    image = image_of(answer["image"])
                    # A copy of a file that a person has confirmed, or the same one at another place, stays so.
                    regions.add(regions.images.get(image.digest, image))
                progress(done, len(files), f"{len(regions.waiting)} images with text")
                if time.monotonic() - saved > _SAVE_SECONDS:
                    regions.write(path)
                    saved = time.monotonic()
                if cancelled():
                    break
    finally:
        regions.write(path)
        write_page(regions, folder)
    with_text = sum(bool(image.regions) for image in regions.images.values())
    return TextSearch(path, looked_at, with_text, len(regions.waiting), tuple(unreadable))
