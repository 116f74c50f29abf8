"""Readers who differ by what is known: projects for the tests of agreement and consensus."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Label, Tool
from XRayAILib.findings.measurements import CardiothoracicRatio
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import LabelSchema

DETECTOR = Spacing(0.2, 0.2, SpacingSource.DETECTOR)
SHAPE = (220, 260)

SCHEMA = LabelSchema(
    "agreement",
    (
        Label("heart", "Heart", Tool.MASK, "#e05050"),
        Label("nodule", "Nodule", Tool.BOX, "#50a0e0"),
        Label("carina", "Carina", Tool.LANDMARK, "#50e0a0"),
        Label("apex", "Apex", Tool.LANDMARK, "#a050e0"),
        Label("ctr", "Cardiothoracic ratio", Tool.CARDIOTHORACIC_RATIO, "#e0a050"),
        Label("quality", "Quality", Tool.IMAGE, "#808080", options=("poor", "fair", "good", "excellent")),
        Label("effusion", "Effusion", Tool.IMAGE, "#808080", options=("yes", "no")),
        Label("devices", "Devices", Tool.IMAGE, "#808080", options=("tube", "wires", "pacemaker"), multiple=True),
    ),
)


def blob(seed: int, shape: tuple[int, int] = SHAPE, size: float = 0.3) -> np.ndarray:
    """A region with a smooth, irregular outline in the middle of an image."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    y, x = rows / shape[0] - 0.5, columns / shape[1] - 0.5
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), shape[0] / 12)
    return np.hypot(y, x) + 0.05 * noise / noise.std() < size


def perturbed(mask: np.ndarray, seed: int, pixels: float) -> np.ndarray:
    """The same region as another reader would draw it: its outline moved by about so many pixels, smoothly."""
    inside = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=mask.shape), mask.shape[0] / 20)
    return inside + pixels * noise / noise.std() > 0


def header(number: int, patient: str, spacing: Spacing = DETECTOR, **values: str) -> Header:
    return Header(f"1.2.{number}", f"/images/{number}.dcm", *SHAPE, spacing, patient_id=patient, **values)


def reading(reader: str, number: int, seed: int, careless: float = 1.0) -> Findings:
    """What a reader says of image ``number``; the truth depends on the number alone, what the reader misses on both."""
    truth, own = np.random.default_rng(number), np.random.default_rng([number, seed])
    author = Author.person(reader)
    objects: list[FindingObject] = []

    def near(value: float, spread: float) -> float:
        return float(value + careless * own.normal(0, spread))

    heart = perturbed(blob(number), 1000 * seed + number, 2.0 * careless)
    objects.append(Mask.from_array(heart, label="heart", author=author))
    for x, y in truth.uniform(60, 160, (int(truth.integers(0, 3)), 2)):
        if own.random() > 0.1 * careless:
            x0, y0 = near(x, 1), near(y, 1)
            objects.append(Box(label="nodule", author=author, x0=x0, y0=y0, x1=x0 + near(24, 1), y1=y0 + near(24, 1)))
    for name in ("carina", "apex"):
        x, y = truth.uniform(60, 160, 2)
        objects.append(Landmark(label=name, author=author, x=near(x, 5), y=near(y, 5)))
    wide = float(truth.uniform(70, 110))
    points = ((near(90, 2), 120.0), (near(90 + wide, 2), 121.0), (30.0, 150.0), (230.0, 151.0))
    objects.append(CardiothoracicRatio(label="ctr", author=author, points=points))
    grade = int(np.clip(truth.integers(0, 4) + (own.random() < 0.3 * careless), 0, 3))
    objects.append(ImageLabel(label="quality", author=author, value=SCHEMA["quality"].options[grade]))
    effusion = (truth.random() < 0.3) ^ (own.random() < 0.1 * careless)
    objects.append(ImageLabel(label="effusion", author=author, value="yes" if effusion else "no"))
    for option in SCHEMA["devices"].options:
        if (truth.random() < 0.4) ^ (own.random() < 0.1 * careless):
            objects.append(ImageLabel(label="devices", author=author, value=option))
    return Findings(f"1.2.{number}", SHAPE, author, tuple(objects))
