"""Masks and label maps as PNG files, written and read as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def write_values(values: np.ndarray, path: Path) -> None:
    """Write whole numbers (rows, columns), uint8 or uint16, as a PNG."""
    from PIL import Image as Picture

    path.parent.mkdir(parents=True, exist_ok=True)
    Picture.fromarray(values).save(path, compress_level=4)


def read_values(path: Path) -> np.ndarray:
    """The numbers in a PNG (rows, columns)."""
    from PIL import Image as Picture

    with Picture.open(path) as picture:
        return np.asarray(picture)
