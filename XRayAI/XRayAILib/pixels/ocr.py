"""Reading of text regions with Tesseract, where that is installed.

All crops of an image go to the program in one picture, each in the turns in which it may have been written: to start it
costs more than to read a line.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

TIME_LIMIT = 20.0
"""Seconds for all regions of an image."""

_HEIGHT, _GAP, _WIDEST, _MOST = 40, 30, 1600, 24
"""Height of a crop as it is read and room around it, in pixels; widest crop, and how many crops of an image are read.

Tesseract reads capitals of about 30 pixels best.
"""

_LEAST_CONFIDENCE = 40.0

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Reading:
    """What a crop says.

    Attributes
    ----------
    text
        Its words.
    confidence
        0..1, as Tesseract has it, of the letters and digits on the mean.
    mirrored
        It reads so from behind.
    """

    text: str = ""
    confidence: float = 0.0
    mirrored: bool = False


@lru_cache(maxsize=1)
def missing() -> str:
    """Why nothing can be read here; empty where it can."""
    import importlib.util

    if importlib.util.find_spec("pytesseract") is None:
        return "pytesseract is not installed: text is found, but not read"
    if shutil.which("tesseract") is None:
        return "the program tesseract is not installed: text is found, but not read"
    return ""


def read(display: np.ndarray, boxes: Sequence[Box]) -> list[Reading]:
    """Read regions (left, top, right, bottom; whole pixels) of an image (rows, columns), 0 black to 1 white."""
    readings = [Reading() for _ in boxes]
    if missing() or not boxes:
        return readings
    rows = [
        (index, mirrored, picture)
        for index, box in enumerate(boxes[:_MOST])
        for mirrored, picture in _turns(display, box)
    ]
    page, tops = _page([picture for _, _, picture in rows])
    for (index, mirrored, _), words in zip(rows, _words(page, tops), strict=True):
        reading = _reading(words, mirrored)
        if _weight(reading) > _weight(readings[index]):
            readings[index] = reading
    return readings


def _turns(display: np.ndarray, box: Box) -> list[tuple[bool, np.ndarray]]:
    """A crop as dark letters on white, in every way in which it could be a line that runs across: (mirrored, crop)."""
    left, top, right, bottom = box
    crop = display[top:bottom, left:right]
    quarters = (1, 3) if bottom - top > right - left else (0, 2)
    turned = []
    for quarter in quarters:
        straight = _dark_on_white(np.rot90(crop, quarter))
        turned += [(False, straight), (True, straight[:, ::-1])]
    return turned


def _dark_on_white(crop: np.ndarray) -> np.ndarray:
    from PIL import Image

    low, high = np.percentile(crop, (1, 99))
    values = np.clip((crop - low) / max(float(high - low), 1e-6), 0, 1)
    # There is more paper than ink.
    values = 1 - values if np.median(values) < 0.5 else values
    width = min(max(round(crop.shape[1] * _HEIGHT / crop.shape[0]), 8), _WIDEST)
    picture = Image.fromarray(np.rint(values * 255).astype(np.uint8))
    return np.asarray(picture.resize((width, _HEIGHT), Image.Resampling.BICUBIC))


def _page(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    width = max(picture.shape[1] for picture in pictures) + 2 * _GAP
    page = np.full((len(pictures) * (_HEIGHT + _GAP) + _GAP, width), 255, np.uint8)
    tops = [_GAP + number * (_HEIGHT + _GAP) for number in range(len(pictures))]
    for picture, top in zip(pictures, tops, strict=True):
        page[top : top + _HEIGHT, _GAP : _GAP + picture.shape[1]] = picture
    return page, tops


def _words(page: np.ndarray, tops: Sequence[int]) -> list[list[tuple[str, float]]]:
    """The words in each row of the page, with their confidences 0..100."""
    import pytesseract
    from PIL import Image

    found: list[list[tuple[str, float]]] = [[] for _ in tops]
    try:
        data = pytesseract.image_to_data(
            Image.fromarray(page), config="--psm 6", timeout=TIME_LIMIT, output_type=pytesseract.Output.DICT
        )
    except (RuntimeError, OSError) as error:  # RuntimeError is what a timeout and a failure of the program raise
        logging.getLogger(__name__).warning("Tesseract did not read the text regions of an image: %s", error)
        return found
    for word, confidence, top, height in zip(data["text"], data["conf"], data["top"], data["height"], strict=True):
        row = int((top + height / 2 - _GAP / 2) // (_HEIGHT + _GAP))
        if str(word).strip() and 0 <= row < len(tops):
            found[row].append((str(word).strip(), float(confidence)))
    return found


def _reading(words: Sequence[tuple[str, float]], mirrored: bool) -> Reading:
    sure = [(word, confidence) for word, confidence in words if confidence >= _LEAST_CONFIDENCE]
    letters = [(sum(c.isalnum() for c in word), confidence) for word, confidence in sure]
    count = sum(number for number, _ in letters)
    if not count:
        return Reading()
    mean = sum(number * confidence for number, confidence in letters) / count
    return Reading(" ".join(word for word, _ in sure), mean / 100, mirrored)


def _weight(reading: Reading) -> float:
    """Many letters read surely; from behind only where that is clearly better."""
    letters = sum(c.isalnum() for c in reading.text)
    return letters * reading.confidence**2 * (0.85 if reading.mirrored else 1.0)
