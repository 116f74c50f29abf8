"""Pictures of radiographs with what somebody, or a model, drew on them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.drawing import FINE, draw_objects, lines_of
from XRayAILib.findings.objects import FindingObject

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph

SIZE = 480
"""Pixels of a picture's longer side."""
MARGIN = 0.35
"""Around what was drawn, by its own size."""
LEAST = 0.25
"""Part of the image that a picture shows at least: what lies around tells what it is."""


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
    lines = [] if whole else [line for items, _ in drawn for item in items for line in lines_of(item)]
    left, top, right, bottom = _window(lines, shape)
    crop = radiograph.stored[top:bottom, left:right]
    if radiograph.colour is not None:
        image = Image.fromarray(np.ascontiguousarray(radiograph.colour[top:bottom, left:right])).convert("RGB")
    else:
        grey = np.rint(radiograph.grayscale.display(crop) * 255).astype(np.uint8)
        image = Image.fromarray(grey).convert("RGB")
    scale = SIZE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    canvas = image.resize((size[0] * FINE, size[1] * FINE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    for items, color in drawn:
        draw_objects(draw, items, color, scale * FINE, (left, top))
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
