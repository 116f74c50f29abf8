"""The page on which a person looks through burned-in text and says what is to become of it."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.text.text_regions import (
    BLANK,
    FORMAT,
    PAGE,
    PICTURES,
    VERSION,
    ImageText,
    Region,
    TextRegions,
    write_private,
)

LONGEST = 1400
"""Pixels of the longer side of a picture: enough to read what was burned in, and quick to show."""

_COLORS = {"text": (255, 80, 80), "marker": (80, 200, 255)}


def save_picture(display: np.ndarray, image: ImageText, folder: Path) -> None:
    """The image with its regions drawn and numbered, as the page shows it."""
    stream = io.BytesIO()
    _drawn(display, image.regions).save(stream, "PNG")
    write_private(folder / image.picture, stream.getvalue())


def write_page(regions: TextRegions, folder: Path) -> None:
    """Write ``index.html`` beside the regions file; without a network, and with the old page until it is whole."""
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("XRayAILib.exchange.text", "."), autoescape=select_autoescape(), trim_blocks=True
    )
    shown = [image for image in regions.images.values() if image.regions]
    document = {"images": [image.document() for image in regions.images.values()]}
    page = environment.get_template("text_regions.html").render(
        images=shown,
        pictures=PICTURES,
        blank=BLANK,
        format=FORMAT,
        version=VERSION,
        without=len(regions.images) - len(shown),
        # "</script>" in a text would end the element that holds it.
        document=json.dumps(document, ensure_ascii=False).replace("<", "\\u003c"),
    )
    write_private(folder / PAGE, page.encode())


def _drawn(display: np.ndarray, regions: Sequence[Region]) -> Any:
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.fromarray(np.rint(display * 255).astype(np.uint8)).convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    across, down = picture.width / display.shape[1], picture.height / display.shape[0]
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(16)
    for number, region in enumerate(regions, start=1):
        color = _COLORS[region.kind]
        left, top = region.left * across - 2, region.top * down - 2
        right, bottom = region.right * across + 1, region.bottom * down + 1
        draw.rectangle((left, top, right, bottom), outline=color)
        above = top - 19
        draw.text((left, above if above >= 0 else bottom + 1), str(number), fill=color, font=font,
                  stroke_width=2, stroke_fill=(0, 0, 0))  # fmt: skip
    return picture
