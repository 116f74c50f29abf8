"""The text burned into the image of one file, with what is to become of it where nobody says otherwise."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.radiograph import Radiograph, read_header, read_radiograph
from XRayAILib.dicom.source import open_source
from XRayAILib.exchange.text.text_regions import BLANK, KEEP, MARKER, ImageText, Region

if TYPE_CHECKING:
    from XRayAILib.pixels.burned_in import TextRegion


def text_in(path: Path) -> tuple[ImageText, np.ndarray]:
    """The text in all frames of a file, and its first frame as shown (rows, columns), 0..1.

    :class:`~XRayAILib.dicom.errors.UnreadableError` where it is no radiograph.
    """
    headers = read_header(path)
    regions: list[Region] = []
    first: np.ndarray | None = None
    for header in headers:
        radiograph = read_radiograph(path, header.frame)
        display = radiograph.display()
        for view in _views(radiograph, display):
            regions = _joined(regions, view)
        first = display if first is None else first
    assert first is not None  # a file that can be read has a frame
    rows, columns = headers[0].shape
    return ImageText(digest_of(path), str(path), rows, columns, tuple(regions)), first


def digest_of(path: Path) -> str:
    """SHA-256 of a file, also of one in an archive."""
    digest = hashlib.sha256()
    with open_source(path) as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _views(radiograph: Radiograph, display: np.ndarray) -> list[np.ndarray]:
    """The image as shown; and where its window hides something, all its stored values from the least to the most."""
    stored = radiograph.stored
    if not any(_varies(stored[cut]) for cut in (display <= 0, display >= 1)):
        return [display]
    low, high = int(stored.min()), int(stored.max())
    return [display, (stored.astype(np.float32) - low) / max(high - low, 1)]


def _varies(values: np.ndarray) -> bool:
    return bool(values.size) and bool(values.min() != values.max())


def _joined(regions: list[Region], display: np.ndarray) -> list[Region]:
    """The regions with those in another view or frame; two that are mostly the same become one around both."""
    from XRayAILib.pixels.burned_in import find_text

    joined = list(regions)
    for region in map(_region, find_text(display)):
        same = [other for other in joined if other.kind == region.kind and _mostly_same(region, other)]
        joined = [other for other in joined if other not in same] + [_around([*same, region])]
    return joined


def _region(text: TextRegion) -> Region:
    left, top, right, bottom = (round(edge + 0.5) for edge in (text.left, text.top, text.right, text.bottom))
    action = KEEP if text.kind == MARKER else BLANK
    return Region(left, top, right, bottom, text.kind, action, text.text, text.score)


def _mostly_same(one: Region, other: Region) -> bool:
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    areas = [(region.right - region.left) * (region.bottom - region.top) for region in (one, other)]
    return max(width, 0) * max(height, 0) > 0.5 * min(areas)


def _around(regions: list[Region]) -> Region:
    first = max(regions, key=lambda region: (len(region.text), region.score))
    return replace(
        first,
        left=min(region.left for region in regions),
        top=min(region.top for region in regions),
        right=max(region.right for region in regions),
        bottom=max(region.bottom for region in regions),
    )
