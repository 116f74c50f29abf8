"""Side markers: a letter L or R that stands alone, of lead or drawn, which tells the sides of the patient apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from XRayAILib.pixels.strokes import Strokes

LEAST_LIKENESS = {"L": 0.88, "R": 0.78}
"""Correlation of a piece of ink with the letter. An R is written in more ways, and little else looks like one."""

_TURNED_L = 0.96
"""For an L that is not upright: corners of collimators and of rulers look like it."""

_GRID = 20
"""Points across and down at which a piece is compared."""

_LEAST_HEIGHT, _LEAST_CONTRAST, _LEAST_SHARPNESS, _LARGEST_SPREAD = 9, 0.12, 0.3, 0.4
_UPRIGHT_IS_RATHER = 0.04
"""By how much a turned or mirrored letter must be more alike: nearly all markers are upright."""


@dataclass(frozen=True)
class SideMarker:
    """A letter among the pieces of ink.

    Attributes
    ----------
    piece
        Its index.
    letter
        "L" or "R".
    likeness
        0..1.
    turned
        Quarter turns to the left that the letter has made.
    mirrored
        Seen from behind.
    """

    piece: int
    letter: str
    likeness: float
    turned: int
    mirrored: bool


def side_markers(strokes: Strokes, ink: np.ndarray) -> list[SideMarker]:
    """The pieces that look like a marker's letter and have no other letter beside them.

    Parameters
    ----------
    ink
        Bool array (rows, columns) in which the pieces are.
    """
    shorter, longer = np.minimum(strokes.width, strokes.height), np.maximum(strokes.width, strokes.height)
    possible = np.flatnonzero(
        (longer >= _LEAST_HEIGHT)
        & (shorter >= 0.35 * longer)
        & (strokes.contrast >= _LEAST_CONTRAST)
        & (strokes.sharpness >= _LEAST_SHARPNESS)
        & (strokes.evenness <= _LARGEST_SPREAD)
    )
    if not len(possible):
        return []
    shapes = _standard(_sampled(ink, strokes.chosen(possible)))
    templates, aspects, names = _templates()
    likeness = shapes @ templates.T
    aspect = np.log(strokes.width[possible] / strokes.height[possible])
    likeness -= 0.25 * np.maximum(np.abs(aspect[:, None] - aspects) - 0.2, 0)
    likeness += np.array([_UPRIGHT_IS_RATHER * (turned == 0 and not mirrored) for _, turned, mirrored in names])
    best = likeness.argmax(axis=1)
    found = []
    for piece, index, value in zip(possible, best, likeness.max(axis=1), strict=True):
        letter, turned, mirrored = names[index]
        least = _TURNED_L if letter == "L" and turned else LEAST_LIKENESS[letter]
        if value >= least and _alone(strokes, int(piece), bool(turned % 2)):
            found.append(SideMarker(int(piece), letter, float(min(value, 1.0)), turned, mirrored))
    return found


def _alone(strokes: Strokes, piece: int, down: bool) -> bool:
    """Whether no piece of about the same height stands beside it, as in a word; below it, initials are usual."""
    row = strokes.transposed() if down else strokes
    height, middle = row.height, (row.top + row.bottom) / 2
    gap = np.maximum(row.left - row.right[piece], row.left[piece] - row.right)
    like = (height >= 0.6 * height[piece]) & (height <= 1.6 * height[piece])
    beside = like & (np.abs(middle - middle[piece]) <= 0.5 * height[piece]) & (gap <= 0.9 * height[piece])
    return int(beside.sum()) == 1  # itself


def _sampled(ink: np.ndarray, strokes: Strokes) -> np.ndarray:
    """(N, _GRID, _GRID) what of each box is ink, 0 or 1."""
    steps = (np.arange(_GRID) + 0.5) / _GRID
    rows = (strokes.top[:, None] + steps * strokes.height[:, None]).astype(int)
    columns = (strokes.left[:, None] + steps * strokes.width[:, None]).astype(int)
    return ink[rows[:, :, None], columns[:, None, :]].astype(np.float32)


def _standard(shapes: np.ndarray) -> np.ndarray:
    """(N, G * G) slightly blurred, of mean 0 and length 1, so that their product is a correlation."""
    from scipy import ndimage

    flat = ndimage.gaussian_filter(shapes, (0, 0.8, 0.8)).reshape(len(shapes), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6))


@lru_cache(maxsize=1)
def _templates() -> tuple[np.ndarray, np.ndarray, list[tuple[str, int, bool]]]:
    """The letters in several weights and in all turns: shapes, logarithms of width over height, and what they are."""
    shapes, aspects, names = [], [], []
    drawn = [("L", _angle(across, down)) for across in (0.13, 0.2, 0.28, 0.37) for down in (0.08, 0.14, 0.2, 0.27)]
    drawn += [("R", _letter("R", pen)) for pen in (0, 2, 4, 6, 8, 11)]
    for letter, upright in drawn:
        for turned in range(4):
            for mirrored in (False, True):
                shape = np.rot90(upright[:, ::-1] if mirrored else upright, turned)
                rows, columns = ((np.arange(_GRID) + 0.5) / _GRID * length for length in shape.shape)
                shapes.append(shape[rows.astype(int)[:, None], columns.astype(int)].astype(np.float32))
                aspects.append(np.log(shape.shape[1] / shape.shape[0]))
                names.append((letter, turned, mirrored))
    return _standard(np.stack(shapes)), np.array(aspects), names


def _angle(across: float, down: float) -> np.ndarray:
    """An L whose strokes take these parts of its width and height."""
    shape = np.zeros((100, 62), bool)
    shape[:, : round(62 * across)] = shape[round(100 * (1 - down)) :] = True
    return shape


def _letter(letter: str, pen: int) -> np.ndarray:
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(100)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(letter, stroke_width=pen))
    picture = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(picture).text((-left, -top), letter, fill=255, font=font, stroke_width=pen)
    drawn = np.asarray(picture) > 127
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
