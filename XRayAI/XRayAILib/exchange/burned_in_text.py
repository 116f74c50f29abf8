"""The text burned into the image of one file, with what is to become of it where nobody says otherwise."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.radiograph import Radiograph, read_header, read_radiograph
from XRayAILib.dicom.source import open_source
from XRayAILib.exchange.text_regions import BLANK, KEEP, MARKER, ImageText, Region

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
    """The regions with those that are new in another view or frame."""
    from XRayAILib.pixels.burned_in import find_text

    found = [_region(text) for text in find_text(display)]
    return regions + [region for region in found if not any(_within(region, other) for other in regions)]


def _region(text: TextRegion) -> Region:
    left, top, right, bottom = (round(edge + 0.5) for edge in (text.left, text.top, text.right, text.bottom))
    action = KEEP if text.kind == MARKER else BLANK
    return Region(left, top, right, bottom, text.kind, action, text.text, text.score)


def _within(region: Region, other: Region) -> bool:
    """Whether nothing new is in a region; a marker is no text, so neither stands for the other."""
    width = min(region.right, other.right) - max(region.left, other.left)
    height = min(region.bottom, other.bottom) - max(region.top, other.top)
    area = (region.right - region.left) * (region.bottom - region.top)
    return max(width, 0) * max(height, 0) > 0.9 * area and (region.kind == other.kind or region.kind == MARKER)
