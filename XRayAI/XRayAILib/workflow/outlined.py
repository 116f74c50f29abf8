"""Pictures of radiographs with what somebody, or a model, drew on them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.measures import outline
from XRayAILib.findings.objects import FindingObject, Landmark, Mask
from XRayAILib.findings.shapes import Polyline
from XRayAILib.pixels.trace import outlines

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from XRayAILib.dicom.radiograph import Radiograph

SIZE = 480
"""Pixels of a picture's longer side."""
MARGIN = 0.35
"""Around what was drawn, by its own size."""
LEAST = 0.25
"""Part of the image that a picture shows at least: what lies around tells what it is."""
_FINE = 2
"""Lines are drawn so many times larger, then made smaller: smooth without a drawing library."""


def outlined_picture(
    radiograph: Radiograph, drawn: Sequence[tuple[Sequence[FindingObject], str]], whole: bool = False
) -> bytes:
    """A JPEG of a radiograph with objects on it, each group in its colour.

    Parameters
    ----------
    drawn
        (objects, ``#rrggbb``), the later ones on top.
    whole
        Show all of the radiograph; else the part where something is drawn, and what lies around it.
    """
    from PIL import Image, ImageDraw

    shape = radiograph.shape
    lines = [] if whole else [line for items, _ in drawn for item in items for line in _lines(item)]
    left, top, right, bottom = _window(lines, shape)
    crop = radiograph.stored[top:bottom, left:right]
    if radiograph.colour is not None:
        image = Image.fromarray(np.ascontiguousarray(radiograph.colour[top:bottom, left:right])).convert("RGB")
    else:
        grey = np.rint(radiograph.grayscale.display(crop) * 255).astype(np.uint8)
        image = Image.fromarray(grey).convert("RGB")
    scale = SIZE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    canvas = image.resize((size[0] * _FINE, size[1] * _FINE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    for items, color in drawn:
        for item in items:
            for line in _lines(item):
                # A pixel's centre is at an integer, its corner half a pixel before it.
                _line(draw, (line + 0.5 - [left, top]) * scale * _FINE, color, isinstance(item, Landmark))
    stream = io.BytesIO()
    canvas.resize(size, Image.Resampling.BOX).save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _window(lines: Sequence[np.ndarray], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part to show: what was drawn, and around it."""
    if not lines:
        return 0, 0, shape[1], shape[0]
    points = np.concatenate(lines)
    middle, size = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0)
    half = max(float(size.max()) * (1 + 2 * MARGIN), LEAST * max(shape)) / 2
    low = np.clip(np.floor(middle - half), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    high = np.clip(np.ceil(middle + half), low + 1, [shape[1], shape[0]]).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _lines(item: FindingObject) -> list[np.ndarray]:
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


def _line(draw: ImageDraw, points: np.ndarray, color: str, is_point: bool) -> None:
    width = 3 * _FINE
    if is_point:
        (x, y), arm = points[0], 7 * _FINE
        strokes = [[(x - arm, y), (x + arm, y)], [(x, y - arm), (x, y + arm)]]
    else:
        strokes = [[(float(x), float(y)) for x, y in points]]
    for shade, wide in (("#000000", width + _FINE), (color, width)):
        for stroke in strokes:
            draw.line(stroke, fill=shade, width=wide, joint="curve")
