"""Looks for burned-in text in files and writes the regions file with its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import Radiograph, read_header, read_radiograph
from XRayAILib.exchange.text_regions import (
    BLANK,
    KEEP,
    MARKER,
    PICTURES,
    REGIONS,
    ImageText,
    Region,
    TextRegions,
    private_folder,
)

if TYPE_CHECKING:
    from XRayAILib.pixels.burned_in import TextRegion

ProgressCall = Callable[[int, int, str], None]
_SAVE_SECONDS = 10.0
_THREADS = 4
"""More would mostly wait for each other: half of the work holds Python's lock."""


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


def find_text_in(
    files: Sequence[Path],
    folder: Path,
    *,
    progress: ProgressCall = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TextSearch:
    """Look for text in files and write ``regions.json``, pictures and a page into ``folder``.

    Images that the file there knows already are not looked at again, and what a person said of them stays: a search
    that was stopped goes on where it was.
    """
    from XRayAILib.exchange.text_page import write_page

    path = private_folder(folder) / REGIONS
    known = TextRegions.read(path) if path.exists() else TextRegions()
    pictures = private_folder(folder / PICTURES)
    unreadable: list[tuple[str, str]] = []
    looked_at, saved = 0, time.monotonic()

    def look(file: Path) -> ImageText | UnreadableError | None:
        try:
            return None if cancelled() else _looked_at(file, known, pictures)
        except UnreadableError as error:
            return error

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, (file, image) in enumerate(zip(files, pool.map(look, files), strict=True), start=1):
            if isinstance(image, UnreadableError):
                unreadable.append((str(file), image.reason))
            elif image is not None:
                looked_at += 1
                known.add(image)
            progress(done, len(files), f"{len(known.waiting)} images with text")
            if time.monotonic() - saved > _SAVE_SECONDS:
                known.write(path)
                saved = time.monotonic()
    known.write(path)
    write_page(known, folder)
    with_text = sum(bool(image.regions) for image in known.images.values())
    return TextSearch(path, looked_at, with_text, len(known.waiting), tuple(unreadable))


def text_in(file: Path) -> ImageText:
    """The text in all frames of a file. :class:`UnreadableError` where it is no radiograph."""
    return _text_of(file)[0]


def _looked_at(file: Path, known: TextRegions, pictures: Path) -> ImageText | None:
    """What is new of a file: nothing where it is known."""
    from XRayAILib.exchange.text_page import save_picture

    header = read_header(file)[0]
    uid = _instance(header.uid)
    if uid in known.images and known.images[uid].path == str(file):
        return None
    image, display = _text_of(file)
    if image.regions:
        save_picture(display, image, pictures)
    return image


def _text_of(file: Path) -> tuple[ImageText, np.ndarray]:
    headers = read_header(file)
    regions: list[Region] = []
    first = None
    for header in headers:
        radiograph = read_radiograph(file, header.frame)
        first = radiograph.display() if first is None else first
        regions = _joined(regions, _regions(radiograph))
    assert first is not None
    rows, columns = headers[0].shape
    return ImageText(_instance(headers[0].uid), str(file), rows, columns, tuple(regions)), first


def _regions(radiograph: Radiograph) -> list[Region]:
    """As shown, and where the window hides something, in the whole range of the stored values as well."""
    from XRayAILib.pixels.burned_in import find_text

    display = radiograph.display()
    views = [display]
    stored = radiograph.stored
    if any(_varies(stored[cut]) for cut in (display <= 0, display >= 1)):
        low, high = int(stored.min()), int(stored.max())
        views.append((stored.astype(np.float32) - low) / max(high - low, 1))
    found: list[Region] = []
    for view in views:
        now = [_region(text) for text in find_text(view)]
        found = _joined(found, now)
    return found


def _varies(values: np.ndarray) -> bool:
    return bool(values.size) and bool(values.min() != values.max())


def _region(text: TextRegion) -> Region:
    left, top, right, bottom = (round(edge + 0.5) for edge in (text.left, text.top, text.right, text.bottom))
    action = KEEP if text.kind == MARKER else BLANK
    return Region(left, top, right, bottom, text.kind, action, text.text, text.score)


def _joined(old: list[Region], new: list[Region]) -> list[Region]:
    """Both lists without those of the new one that lie mostly within one of the old."""
    return old + [region for region in new if not any(_within(region, other) for other in old)]


def _within(region: Region, other: Region) -> bool:
    width = min(region.right, other.right) - max(region.left, other.left)
    height = min(region.bottom, other.bottom) - max(region.top, other.top)
    area = (region.right - region.left) * (region.bottom - region.top)
    return max(width, 0) * max(height, 0) > 0.9 * area


def _instance(uid: str) -> str:
    """A frame's uid without the number of the frame."""
    return uid.partition("#")[0]
