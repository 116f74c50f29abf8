"""Radiographs and findings made on the spot for the tests of the scene."""

from __future__ import annotations

import numpy as np

from XRayAILib.dicom.grayscale import Grayscale, Window
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon

UID = "1.2.826.0.1.3680043.8.498.1"
MODEL = Author.model("unet: lungs|heart; v1", "ab" * 32)
ANNA = Author.person('Änna "A" <O\'Neil>; b|c:d')


def wedge(rows: int = 120, columns: int = 90) -> np.ndarray:
    """12-bit values that rise to the right and, less, downwards, with a bright mark in the upper left: no symmetry."""
    y, x = np.mgrid[:rows, :columns]
    values = 600 + 2400 * x / columns + 900 * y / rows
    values[5:15, 8:28] = 4000
    return np.rint(values).astype(np.uint16)


def radiograph(
    stored: np.ndarray | None = None,
    grayscale: Grayscale | None = None,
    spacing: Spacing | None = None,
) -> Radiograph:
    """A radiograph of these stored values; without them of :func:`wedge`, 0.2 mm by 0.15 mm."""
    stored = wedge() if stored is None else stored
    spacing = spacing or Spacing(0.2, 0.15, SpacingSource.DETECTOR, 1.1)
    header = Header(UID, "made.dcm", *stored.shape, spacing, modality="DX", view="PA")
    return Radiograph(header, stored, grayscale or Grayscale((Window(2048.0, 4096.0),)))


def disc(x: float, y: float, radius: float, shape: tuple[int, int] = (120, 90)) -> np.ndarray:
    """A boolean disc around a point in pixels."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


def every_kind_of_finding() -> Findings:
    """Findings with each kind of object, mixed, with everything an object can carry; the masks overlap."""
    return Findings(
        UID,
        (120, 90),
        MODEL,
        (
            ImageLabel(label="view", value="PA", author=MODEL, score=0.25),
            Mask.from_array(
                disc(30, 60, 20),
                label="right_lung",
                author=MODEL,
                score=0.875,
                attributes=(("side:|;", 'a "b"\n\tü %25'), ("empty", "")),
            ),
            Box(label="nodule", author=MODEL, x0=10.123456789, y0=20.3, x1=40.7, y1=50.25, score=0.1234567890123),
            Landmark(label="carina", author=ANNA, x=45.123456789, y=33.3, status=Status.APPROVED),
            Polygon(label="opacity", author=MODEL, points=((50.1, 60.2), (80.3, 62.4), (70.5, 90.6), (55.7, 80.8))),
            Mask.from_array(disc(45, 65, 20), label="heart", author=ANNA, derived_from="b0b0", status=Status.REJECTED),
            Landmark(label="left_apex", author=MODEL, x=70.0, y=12.5, visible=False),
            Mask.from_array(np.zeros((120, 90)), label="left_lung", author=MODEL),
            Box(label="a label of yesterday", author=MODEL, x0=-0.5, y0=-0.5, x1=89.5, y1=119.5),
        ),
    )
