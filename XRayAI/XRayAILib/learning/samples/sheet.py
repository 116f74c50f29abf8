"""A sheet of images with what is true and what a network found, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.drawing import FINE, draw_line, draw_objects
from XRayAILib.findings.objects import FindingObject, Landmark

if TYPE_CHECKING:
    from PIL.Image import Image

TRUE, FOUND, OFF = "#19a979", "#e8743b", "#e6e6e6"
"""Reference, prediction, and the line from a point that was found to the true one."""
TILE = 320
ACROSS = 3
GAP, LINE = 8, 18
PAPER, INK = "#101418", "#e6e6e6"
MOST_WORDS = 4


@dataclass(frozen=True)
class Tile:
    """One image of a sheet.

    Attributes
    ----------
    image
        (S, S), 0 black to 1 white.
    true, found
        Objects on its pixels.
    words
        Lines to stand below it.
    """

    image: np.ndarray
    true: Sequence[FindingObject]
    found: Sequence[FindingObject] = ()
    words: Sequence[str] = ()


def sheet(tiles: Sequence[Tile], title: str, with_found: bool = True) -> Image:
    """The tiles in rows below a title that says which colour is what."""
    from PIL import Image, ImageDraw, ImageFont

    across = min(ACROSS, len(tiles))
    below = LINE * min(MOST_WORDS, max(len(tile.words) for tile in tiles))
    high = TILE + below + GAP
    rows = -(-len(tiles) // across)
    size = across * (TILE + GAP) + GAP, LINE + 2 * GAP + rows * high
    page = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    x = float(GAP)
    for text, color in ((title, INK), ("reference", TRUE), *((("prediction", FOUND),) if with_found else ())):
        draw.text((x, GAP), text, fill=color, font=font)
        x += draw.textlength(text, font) + 2 * GAP
    for number, tile in enumerate(tiles):
        left = GAP + (number % across) * (TILE + GAP)
        top = LINE + 2 * GAP + (number // across) * high
        page.paste(_drawn(tile), (left, top))
        for line, text in enumerate(tile.words[:MOST_WORDS]):
            draw.text((left, top + TILE + line * LINE), _cut(text, draw.textlength(text, font)), fill=INK, font=font)
    return page


def save_sheet(page: Image, path: Path) -> None:
    """Write PNG, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    # Its strongest compression takes longer than drawing did, for a tenth of the size.
    page.save(part, "PNG", compress_level=3)
    part.replace(path)


def _drawn(tile: Tile) -> Image:
    from PIL import Image, ImageDraw

    grey = np.rint(np.clip(tile.image, 0, 1) * 255).astype(np.uint8)
    canvas = Image.fromarray(grey).convert("RGB").resize((TILE * FINE, TILE * FINE), Image.Resampling.BILINEAR)
    draw, scale = ImageDraw.Draw(canvas), TILE * FINE / tile.image.shape[-1]
    truth = {item.label: item for item in tile.true if isinstance(item, Landmark) and not item.outside}
    for item in tile.found:
        if isinstance(item, Landmark) and not item.outside and item.label in truth:
            ends = np.array([[item.x, item.y], [truth[item.label].x, truth[item.label].y]])
            draw_line(draw, (ends + 0.5) * scale, OFF, fine=1)
    draw_objects(draw, tile.true, TRUE, scale)
    draw_objects(draw, tile.found, FOUND, scale)
    return canvas.resize((TILE, TILE), Image.Resampling.BOX)


def _cut(text: str, wide: float) -> str:
    return text if wide <= TILE else text[: max(1, int(len(text) * TILE / wide) - 2)] + "…"
