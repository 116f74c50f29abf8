"""A small project that a network can learn in seconds: two dark ovals and a bright one, drawn with their masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

TEACHER = Author.imported("drawn")
LABELS = ("right_lung", "left_lung", "heart")


def thorax(seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """A picture (rows, columns) as uint8 and its masks; the size differs from one to the next."""
    generator = np.random.default_rng(seed)
    rows, columns = int(generator.integers(80, 120)), int(generator.integers(70, 110))
    y, x = np.mgrid[:rows, :columns].astype(float)
    y, x = y / rows + generator.uniform(-0.05, 0.05), x / columns + generator.uniform(-0.05, 0.05)
    masks = {
        "right_lung": ((x - 0.28) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1,
        "left_lung": ((x - 0.72) / 0.15) ** 2 + ((y - 0.5) / 0.3) ** 2 < 1,
        "heart": ((x - 0.55) / 0.14) ** 2 + ((y - 0.62) / 0.13) ** 2 < 1,
    }
    picture = 150 - 90 * (masks["right_lung"] | masks["left_lung"]) + 70 * masks["heart"]
    return np.clip(picture + generator.normal(0, 6, picture.shape), 0, 255).astype(np.uint8), masks


def make_project(folder: Path, patients: int = 10, images_each: int = 1, labels: tuple[str, ...] = LABELS) -> Project:
    """A project with labelled pictures of ``patients``, open."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    truth: dict[str, dict[str, np.ndarray]] = {}
    for number in range(patients * images_each):
        picture, masks = thorax(number)
        name = f"{number // images_each:02d}-{number % images_each}.png"
        Picture.fromarray(picture).save(pictures / name)
        truth[name] = masks

    def describe(header: Header) -> Header:
        return replace(header, patient_id=f"patient-{Path(header.path).name[:2]}")

    project = Project.create(folder / "project")
    take_in(project, [pictures], describe=describe)
    for image in project.images():
        masks = truth[Path(image.header.path).name]
        drawn = tuple(Mask.from_array(masks[label], label=label, author=TEACHER) for label in labels)
        project.save(Findings(image.uid, image.header.shape, TEACHER, drawn))
    return project


def tiny(**changes: object) -> TrainingConfig:
    """A training of seconds."""
    small: dict[str, object] = {
        "size": 64,
        "epochs": 4,
        "images_per_epoch": 16,
        "batch_size": 4,
        "network_arguments": {"channels": [8, 16, 32, 64], "strides": [2, 2, 2]},
        "augmentation": Augmentation(rotation=5.0, scale=0.05, shift=0.03, elastic=0.0),
        "learning_rate": 0.01,
        "ema": 0.8,
        "device": "cpu",
        "threads": 1,
    }
    return TrainingConfig.from_preset("quick", **{**small, **changes})
