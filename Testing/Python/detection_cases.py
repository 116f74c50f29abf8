"""A small project whose boxes a network can learn in seconds: bright plates and dark holes; some pictures show none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Label, Tool
from XRayAILib.findings.objects import Box
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.task import make_task
from XRayAILib.learning.tasks.detection import Detection
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.readers import Role

TEACHER = Author.imported("drawn")
ANNA, RUTH = Author.person("anna"), Author.person("ruth")
SCHEMA = LabelSchema(
    "plates",
    (
        Label("plate", "Plate", Tool.BOX, "#ff0000"),
        Label("hole", "Hole", Tool.BOX, "#00ff00"),
        Label("right_lung", "Right lung", Tool.BOX, "#0000ff", mirror="left_lung"),
        Label("left_lung", "Left lung", Tool.ROTATED_BOX, "#00ffff", mirror="right_lung"),
        Label("spot", "Spot", Tool.ELLIPSE, "#ffff00"),
    ),
)
SMALL = {"planes": [8, 16, 32, 32], "levels": [2, 3], "channels": 16, "anchor": 2}


def picture(seed: int, shown: bool = True) -> tuple[np.ndarray, dict[str, tuple[int, int, int, int]]]:
    """A noisy picture (rows, columns) as uint8, with the outer edges of what it shows as whole pixels."""
    generator = np.random.default_rng(seed)
    rows, columns = (int(n) for n in generator.integers(90, 120, 2))
    grey = np.full((rows, columns), 110.0)
    edges = {}
    # One of each in its own half, so that they never overlap.
    for number, (label, value) in enumerate((("plate", 230), ("hole", 10))):
        width, height = (int(n) for n in generator.integers(24, 40, 2))
        x = int(generator.integers(0, columns // 2 - width + 1)) + number * (columns // 2)
        y = int(generator.integers(4, rows - height - 4))
        if shown:
            grey[y : y + height, x : x + width] = value
            edges[label] = (x, y, x + width, y + height)
    return np.clip(grey + generator.normal(0, 5, grey.shape), 0, 255).astype(np.uint8), edges


def make_project(folder: Path, patients: int = 12, empty: int = 0) -> Project:
    """A project of one picture of each patient, open; so many more were read by somebody who found nothing."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    truth = {}
    for number in range(patients + empty):
        name = f"{number:02d}.png"
        grey, truth[name] = picture(number, number < patients)
        Picture.fromarray(grey).save(pictures / name)

    def describe(header: Header) -> Header:
        return replace(header, patient_id=f"patient-{Path(header.path).stem}")

    project = Project.create(folder / "project", SCHEMA)
    take_in(project, [pictures], describe=describe)
    project.readers.add("anna")
    project.readers.add("ruth", [Role.REVIEWER])
    for image in project.images():
        uid, shape = image.uid, image.header.shape
        edges = truth[Path(image.header.path).name]
        if edges:
            boxes = tuple(box(label, *e) for label, e in edges.items())
            project.save(Findings(uid, shape, TEACHER, boxes))
        else:
            project.save(Findings(uid, shape, ANNA))
            project.reviews.submit(uid, ANNA)
            project.reviews.approve(uid, ANNA.key, RUTH)
    return project


def box(label: str, x0: float, y0: float, x1: float, y1: float, score: float | None = None) -> Box:
    """A box around the pixels x0..x1 - 1 and y0..y1 - 1."""
    edges = {"x0": x0 - 0.5, "y0": y0 - 0.5, "x1": x1 - 0.5, "y1": y1 - 0.5}
    return Box(label=label, author=TEACHER, score=score, **edges)


def tiny(**changes: object) -> TrainingConfig:
    """A training of seconds."""
    small: dict[str, object] = {
        "labels": ["plate", "hole"],
        "size": 64,
        "epochs": 4,
        "images_per_epoch": 16,
        "batch_size": 4,
        "network_arguments": SMALL,
        "augmentation": Augmentation(rotation=5.0, scale=0.05, shift=0.03, elastic=0.0),
        "learning_rate": 0.01,
        "ema": 0.8,
        "device": "cpu",
        "threads": 1,
    }
    return TrainingConfig.from_preset("quick", "detection", **{**small, **changes})


def detection(*labels: str, fitted: dict | None = None, **changes: object) -> Detection:
    """The task for labels of the schema."""
    names = labels or ("plate", "hole")
    task = make_task(tiny(labels=list(names), **changes), legend_of(names, SCHEMA), fitted or {})
    assert isinstance(task, Detection)
    return task
