"""Where a radiograph lies in space as NRRD has it: as :mod:`XRayAILib.scene.volume` shows it in Slicer.

Pixel (0, 0) is at the origin, x goes to the patient's left and y to the back, in millimetres; in pixels where the
spacing is unknown. So a segmentation and the radiograph that X-Ray AI opens lie upon each other.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing


def place_of_slice(spacing: Spacing) -> dict[str, Any]:
    """Header fields of a volume of one slice, axes (column, row, slice)."""
    return {
        "space": "left-posterior-superior",
        "space directions": np.diag((spacing.column, spacing.row, 1.0)),
        "space origin": np.zeros(3),
        "kinds": ["domain"] * 3,
    }


def write_nrrd(path: Path, values: np.ndarray, header: dict[str, Any]) -> None:
    """Write an array; the same array gives the same file, for pynrrd's comment with the time is left out."""
    import nrrd

    written = io.BytesIO()
    nrrd.write(written, values, header, compression_level=4)
    head, gap, pixels = written.getvalue().partition(b"\n\n")  # an empty line ends the header
    lines = [line for line in head.split(b"\n") if not line.startswith(b"#")]
    path.write_bytes(b"\n".join(lines) + gap + pixels)


def to_lps(points: np.ndarray, spacing: Spacing) -> np.ndarray:
    """Points (N, 2) as x, y in pixels -> (N, 3) in LPS."""
    points = np.asarray(points, float).reshape(-1, 2)
    return np.column_stack([points * (spacing.column, spacing.row), np.zeros(len(points))])


def to_pixels(points: Sequence[Sequence[float]] | np.ndarray, spacing: Spacing) -> np.ndarray:
    """Points (N, 3) in LPS -> (N, 2) as x, y in pixels; the distance to the image plane is dropped."""
    return np.asarray(points, float).reshape(-1, 3)[:, :2] / (spacing.column, spacing.row)
