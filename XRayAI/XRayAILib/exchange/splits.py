"""Which part of an export an image belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from XRayAILib.exchange.errors import ExportError
from XRayAILib.project.image import Image

PARTS = ("train", "validation", "test")
SEED = 7


def shares_of(text: str) -> dict[str, float]:
    """``70/15/15`` as shares of 1; :class:`ExportError` where it is not of this form."""
    if not re.fullmatch(r"\d+/\d+/\d+", text) or not sum(map(int, text.split("/"))):
        raise ExportError(f"'{text}' is no split: write the shares of train, validation and test, such as 70/15/15.")
    numbers = [int(number) for number in text.split("/")]
    return {part: number / sum(numbers) for part, number in zip(PARTS, numbers, strict=True)}


def parts_of(images: Iterable[Image], shares: str = "", seed: int = SEED) -> dict[str, str]:
    """The part of each image by its uid: what the project has assigned, else dealt by patient.

    All images of a patient are in one part. A patient of whom the project has assigned an image goes with it. Others
    are dealt in an order that ``seed`` makes, each to the part that lacks most; the same images and seed give the same.

    Parameters
    ----------
    shares
        Such as ``70/15/15``; empty to leave images that have no part without one.

    Raises
    ------
    ExportError
        ``shares`` is no split, or the project has assigned images of one patient to different parts.
    """
    images = list(images)
    if not shares:
        return {image.uid: image.split for image in images}
    wanted = shares_of(shares)
    by_patient: dict[str, list[Image]] = {}
    for image in images:
        by_patient.setdefault(image.header.patient_key, []).append(image)
    fixed: dict[str, str] = {}
    for patient, own in by_patient.items():
        assigned = {image.split for image in own if image.split}
        if len(assigned) > 1:
            raise ExportError(
                f"The patient '{patient}' has images in the parts {' and '.join(sorted(assigned))}. Reset the split of "
                "the project, so that no patient is on two sides."
            )
        if assigned:
            fixed[patient] = assigned.pop()
    counts = dict.fromkeys(PARTS, 0)
    for patient, part in fixed.items():
        counts[part] += len(by_patient[patient])
    free = sorted(patient for patient in by_patient if patient not in fixed)
    np.random.default_rng(seed).shuffle(free)
    for patient in free:
        size = len(by_patient[patient])
        total = sum(counts.values()) + size
        part = max((p for p in PARTS if wanted[p]), key=lambda p: wanted[p] * total - counts[p])
        fixed[patient] = part
        counts[part] += size
    return {image.uid: fixed[image.header.patient_key] for image in images}
