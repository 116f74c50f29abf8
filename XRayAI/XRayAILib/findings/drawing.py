"""Objects drawn onto a picture: lines with a dark rim, so that they are seen on black and on white."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.measures import outline
from XRayAILib.findings.objects import FindingObject, Landmark, Mask
from XRayAILib.findings.shapes import Polyline
from XRayAILib.pixels.trace import outlines

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

FINE = 2
"""Lines are drawn so many times larger, then made smaller: smooth without a drawing library."""
RIM = "#000000"


def draw_objects(
    draw: ImageDraw,
    objects: Iterable[FindingObject],
    color: str,
    scale: float,
    corner: tuple[float, float] = (0, 0),
    fine: int = FINE,
) -> None:
    """Draw objects in one colour.

    Parameters
    ----------
    scale
        Pixels of the picture per pixel of the image.
    corner
        (x, y) of the image's pixel that is the first of the picture.
    fine
        How much smaller the picture will be made afterwards.
    """
    for item in objects:
        for line in lines_of(item):
            # A pixel's centre is at an integer, its corner half a pixel before it.
            draw_line(draw, (line + 0.5 - corner) * scale, color, isinstance(item, Landmark), fine)


def lines_of(item: FindingObject) -> list[np.ndarray]:
    """What is drawn of an object, as lines through (N, 2) points of the image; closed where the first comes again."""
    if isinstance(item, Mask):
        row, column = item.origin
        rings = outlines(item.crop) if item.crop.size else []
        return [np.vstack([ring, ring[:1]]) + np.array([column, row]) for ring in rings]
    if isinstance(item, Landmark):
        return [] if item.outside else [np.array([[item.x, item.y]])]
    if isinstance(item, Polyline):
        return [np.asarray(item.points, float)]
    if isinstance(item, Measurement):
        return [np.array([item.points[a], item.points[b]], float) for a, b in item.strokes]
    ring = np.asarray(outline(item), float).reshape(-1, 2)
    return [np.vstack([ring, ring[:1]])] if len(ring) else []


def draw_line(draw: ImageDraw, points: np.ndarray, color: str, is_point: bool = False, fine: int = FINE) -> None:
    """A line through points of the picture (N, 2), or a cross at the first of them."""
    width = 3 * fine
    if is_point:
        (x, y), arm = points[0], 7 * fine
        strokes = [[(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)]]
    else:
        strokes = [[(float(x), float(y)) for x, y in points]]
    for shade, wide in ((RIM, width + fine), (color, width)):
        for stroke in strokes:
            draw.line(stroke, fill=shade, width=wide, joint="curve")
