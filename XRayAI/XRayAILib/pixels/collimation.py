"""Where the collimator or an electronic shutter ends: the exposed part of a radiograph.

A collimation edge is straight over most of its length, and beyond it nothing was exposed: what lies there is brighter
than the image (little exposure, shown white) or black (a shutter, PS3.3 C.7.6.11, or the padding of a picture). The
edge is sought on a reduced image by a Hough transformation (Duda and Hart, Communications of the ACM 15, 1972) of the
gradient across each of the four sides, and then placed on the full image: at a shutter's edge, or at the inner end of a
collimator's penumbra. A side without such an edge is not cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from XRayAILib.pixels.resample import block_means

EDGE = 320
"""Longest side of the reduced image."""
LARGEST_ANGLE = 12.0
"""Degrees by which an edge may be turned against the image."""
LARGEST_MARGIN = 0.46
"""Of the width or height, that one side may take away."""
SMALLEST_MARGIN = 0.0075
"""Of the width or height: a thinner border is the end of a scan, not of a collimator."""
BRIGHT_STEP, BLACK_STEP = 0.05, 0.02
"""Least difference of display values across an edge, by what lies outside."""


@dataclass(frozen=True)
class _Line:
    """An edge of the side that is worked on as the left one: x = offset + slope * (y - middle row).

    ``sign`` is 1 where the outside is bright, and -1 where it is black.
    """

    offset: float
    slope: float
    sign: float = 1.0

    def at(self, y: np.ndarray | float, middle: float) -> np.ndarray | float:
        return self.offset + self.slope * (y - middle)


@dataclass(frozen=True)
class _Frame:
    """The rows ``first`` to ``last`` (without it) and the columns before ``end`` of a turned image."""

    first: int
    last: int
    end: int


def collimation_border(display: np.ndarray) -> tuple[float, float, float, float] | None:
    """The smallest upright box around what was exposed.

    Parameters
    ----------
    display
        Display values (rows, columns), 0 black to 1 white.

    Returns
    -------
    (left, top, right, bottom) as outer edges in pixels (centres at integers, so the whole image is
    -0.5, -0.5, columns - 0.5, rows - 0.5), or ``None`` where no collimation is seen.
    """
    corners = exposed_corners(display)
    if corners is None:
        return None
    rows, columns = display.shape
    left, top = np.maximum(corners.min(axis=0), -0.5)
    right, bottom = np.minimum(corners.max(axis=0), (columns - 0.5, rows - 0.5))
    return float(left), float(top), float(right), float(bottom)


def exposed_corners(display: np.ndarray) -> np.ndarray | None:
    """The quadrangle of what was exposed, which may be turned against the image.

    Returns
    -------
    Array (4, 2) of x, y in pixels: upper left, upper right, lower right, lower left. They may lie a little outside the
    image. ``None`` where no collimation is seen.
    """
    display = np.asarray(display, np.float32)
    rows, columns = display.shape
    if min(rows, columns) < 32:
        return None
    step = max(1, math.ceil(max(rows, columns) / EDGE))
    small = block_means(display, step)
    lines: dict[str, _Line] = {}
    # The second time an edge is sought only between the edges that end it.
    for sure in (False, True):
        found = {side: _find(_turned(small, side), _frame(side, lines, small.shape), sure) for side in _SIDES}
        lines = {side: line for side, line in found.items() if line is not None}
    if not lines:
        return None
    placed = {
        side: _place(_turned(display, side), line, step, _frame(side, lines, small.shape))
        for side, line in lines.items()
    }
    placed = {
        side: line
        for side, line in placed.items()
        if line.offset + 0.5 >= SMALLEST_MARGIN * _turned(display, side).shape[1]
    }
    if not placed:
        return None
    corners = _corners(placed, display.shape)
    width = min(corners[1, 0], corners[2, 0]) - max(corners[0, 0], corners[3, 0])
    height = min(corners[2, 1], corners[3, 1]) - max(corners[0, 1], corners[1, 1])
    return corners if width > 0.1 * columns and height > 0.1 * rows else None


_SIDES = ("left", "top", "right", "bottom")


def _turned(image: np.ndarray, side: str) -> np.ndarray:
    """The image so that ``side`` is its left one: mirrored or transposed, as a view."""
    if side == "right":
        return image[:, ::-1]
    if side == "top":
        return image.T
    return image.T[:, ::-1] if side == "bottom" else image


def _find(image: np.ndarray, frame: _Frame, sure: bool) -> _Line | None:
    """The edge at the left of ``image``, sought in the rows of the frame."""
    from scipy import ndimage

    if frame.last - frame.first < 16:
        return None
    smooth = ndimage.gaussian_filter(image, (1.0, 0.7))
    best: tuple[float, _Line] | None = None
    for sign, least in ((1.0, BRIGHT_STEP), (-1.0, BLACK_STEP)):
        # Positive where the image gets darker to the right: the outside is bright.
        step = np.zeros_like(smooth)
        step[:, 2:-2] = sign * (smooth[:, :-4] + smooth[:, 1:-3] - smooth[:, 3:-1] - smooth[:, 4:]) / 2
        crest = (step > least) & (step >= ndimage.maximum_filter1d(step, 5, axis=1))
        for line, votes in _straight(crest[frame.first : frame.last], frame.first, image.shape[0], sign):
            score = _score(image, step, line, votes, frame, sure)
            if score is not None and (best is None or score > best[0]):
                best = score, line
    return None if best is None else best[1]


def _straight(crest: np.ndarray, first: int, rows: int, sign: float) -> list[tuple[_Line, int]]:
    """The lines with the most crest pixels on them, and how many rows those are."""
    columns = crest.shape[1]
    y, x = np.nonzero(crest)
    middle = (rows - 1) / 2
    found: list[tuple[int, _Line]] = []
    limit = LARGEST_MARGIN * columns
    for slope in np.tan(np.radians(np.arange(-LARGEST_ANGLE, LARGEST_ANGLE + 0.1, 0.5))):
        bins = np.rint(x - slope * (y + first - middle)).astype(int)
        inside = (bins >= 1) & (bins <= limit)
        votes = np.bincount(bins[inside], minlength=int(limit) + 2)
        # An edge is as wide as its penumbra: neighbours count too.
        near = votes[:-2] + votes[1:-1] + votes[2:] if len(votes) > 2 else votes
        for place in np.argsort(-near)[:3]:
            found.append((int(near[place]), _Line(float(place + 1), float(slope), sign)))
    found.sort(key=lambda pair: -pair[0])
    return [(line, votes) for votes, line in found[:12]]


def _score(image: np.ndarray, step: np.ndarray, line: _Line, votes: int, frame: _Frame, sure: bool) -> float | None:
    """How well a line fits a collimation edge; ``None`` where it is none."""
    rows, columns = image.shape
    least = BRIGHT_STEP if line.sign > 0 else BLACK_STEP
    y = np.arange(frame.first, frame.last)
    x = np.asarray(line.at(y, (rows - 1) / 2))
    if x.mean() + 0.5 < max(2.0, SMALLEST_MARGIN * columns) or votes < 0.3 * len(y):
        return None
    place = np.clip(np.rint(x).astype(int), 0, columns - 1)
    # The step may lie one pixel off; where image and outside are equally grey there is none, which proves nothing.
    across = np.max([step[y, np.clip(place + d, 0, columns - 1)] for d in (-1, 0, 1)], axis=0)
    outer = image[y, np.clip(place - 4, 0, columns - 1)]
    inner = image[y, np.clip(place + 4, 0, columns - 1)]
    differs = np.abs(outer - inner) > least
    length = float(np.mean(across > least))
    share = float(np.mean(across[differs] > least)) if differs.any() else 0.0
    if length < (0.6 if sure else 0.3) or share < 0.75:
        return None
    band, columns_of = image[frame.first : frame.last], np.arange(columns)[None, :]
    outside = band[columns_of < x[:, None] - 2.5]
    inside = band[(columns_of > x[:, None] + 2.5) & (columns_of < frame.end)]
    if not outside.size or not inside.size or not _unexposed(outside, inside, line.sign, sure):
        return None
    return length * share * float(np.mean(np.minimum(across, 0.3)))


def _unexposed(outside: np.ndarray, inside: np.ndarray, sign: float, sure: bool) -> bool:
    low, high = np.percentile(outside[::3], (10, 90))
    if sign > 0:
        # Scatter and markers vary the unexposed border a little; it stays brighter than most of the image. Before the
        # other edges are known, their borders are still among what is taken for the image.
        return bool(low > np.percentile(inside[::3], 65 if sure else 25) and high - low < 0.25)
    # A shutter is black and constant. Air beside the patient is dark, but has noise and scatter.
    return bool(high < 0.12 and high - low < 0.012)


def _frame(side: str, lines: Mapping[str, _Line], shape: tuple[int, int]) -> _Frame:
    """What the edges known so far leave of the image that is turned so that ``side`` is its left one."""
    upright = side in ("left", "right")
    rows, columns = shape if upright else shape[::-1]
    before, after = ("top", "bottom") if upright else ("left", "right")
    opposite = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[side]
    first = math.ceil(lines[before].offset) + 1 if before in lines else 0
    last = rows - 1 - math.ceil(lines[after].offset) if after in lines else rows
    end = columns - 2 - math.ceil(lines[opposite].offset) if opposite in lines else columns
    return _Frame(first, last, end)


def _place(image: np.ndarray, line: _Line, step: int, frame: _Frame) -> _Line:
    """The same line on the full image: fitted to where the image is steepest in each of many rows."""
    from scipy import ndimage

    rows = image.shape[0]
    middle, small_middle = (rows - 1) / 2, (rows // step - 1) / 2
    # A pixel of the reduced image spans `step` pixels: its centre i lies at (i + 0.5) * step - 0.5.
    offset = (line.offset + line.slope * ((middle + 0.5) / step - 0.5 - small_middle) + 0.5) * step - 0.5
    y = np.minimum(np.rint(np.linspace((frame.first + 0.5) * step, (frame.last - 0.5) * step, 400)), rows - 1)
    reach = 3 * step + 2
    first = np.rint(offset + line.slope * (y - middle)).astype(int) - reach
    columns = np.clip(first[:, None] + np.arange(2 * reach + 1), 0, image.shape[1] - 1)
    profile = ndimage.gaussian_filter1d(image[y.astype(int)[:, None], columns], max(0.5, step / 4), axis=1)
    steps = -line.sign * np.diff(profile, axis=1)
    steepest = steps.argmax(axis=1)
    x, good = first + steepest + 0.5, steps.max(axis=1) > 0
    fitted = np.array([line.slope, offset])
    for tolerance in (2.0 * step + 1, step + 1, step / 2 + 1):
        near = good & (np.abs(x - np.polyval(fitted, y - middle)) < tolerance)
        if near.sum() < 20:
            break
        fitted = np.polyfit(y[near] - middle, x[near], 1)
    # The fading end of a scan is no penumbra: a border that is too thin stays so.
    thick = fitted[1] + 0.5 >= SMALLEST_MARGIN * image.shape[1]
    shift = _penumbra(steps[good], steepest[good]) if thick and line.sign > 0 and good.any() else 0.0
    return _Line(float(fitted[1]) + shift, float(fitted[0]), line.sign)


def _penumbra(steps: np.ndarray, steepest: np.ndarray) -> float:
    """From the steepest place inward to where the full exposure begins, in pixels: the median over the rows."""
    low = steps < 0.2 * np.take_along_axis(steps, steepest[:, None], axis=1)
    low &= np.arange(steps.shape[1]) > steepest[:, None]
    return float(np.median(np.where(low.any(axis=1), low.argmax(axis=1) - steepest, 0)))


def _corners(lines: Mapping[str, _Line], shape: tuple[int, int]) -> np.ndarray:
    rows, columns = shape
    across, down = (columns - 1) / 2, (rows - 1) / 2
    # As x = a + b * (y - down) for the sides and y = a + b * (x - across) for top and bottom.
    whole = _Line(-0.5, 0.0)
    left, top = lines.get("left", whole), lines.get("top", whole)
    right, bottom = lines.get("right", whole), lines.get("bottom", whole)
    right = _Line(columns - 1 - right.offset, -right.slope)
    bottom = _Line(rows - 1 - bottom.offset, -bottom.slope)

    def meet(side: _Line, level: _Line) -> tuple[float, float]:
        x = (side.offset + side.slope * (level.offset - level.slope * across - down)) / (1 - side.slope * level.slope)
        return x, level.offset + level.slope * (x - across)

    return np.array([meet(left, top), meet(right, top), meet(right, bottom), meet(left, bottom)])
