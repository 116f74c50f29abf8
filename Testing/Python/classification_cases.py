"""A small project whose images are answered: what a classifier can learn from them in seconds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

TEACHER = Author.imported("answered")
VIEW = Label("view", "View", Tool.IMAGE, "#ffffff", options=("AP", "PA", "LL"))
PNEUMONIA = Label("pneumonia", "Pneumonia", Tool.IMAGE, "#ff0000", options=("no", "yes", "uncertain"))
FINDINGS = Label("findings", "Findings", Tool.IMAGE, "#00ff00", options=("apex", "base"), multiple=True)
SCHEMA = LabelSchema("answers", (VIEW, PNEUMONIA, FINDINGS))


def picture(generator: np.random.Generator, view: str = "", apex: bool = False, base: bool = False) -> np.ndarray:
    """40 x 40 uint8: stripes tell the view, bright spots above and below the findings."""
    y, x = np.mgrid[:40, :40]
    stripes = {"AP": np.sin(x / 2), "PA": np.sin(y / 2), "LL": np.sin((x + y) / 3)}.get(view, np.zeros((40, 40)))
    grey = 100 + 40 * stripes
    for there, row in ((apex, 9), (base, 30)):
        grey = np.where(there & ((x - 20) ** 2 + (y - row) ** 2 < 36), 230, grey)
    return np.clip(grey + generator.normal(0, 8, grey.shape), 0, 255).astype(np.uint8)


def answered_project(
    folder: Path,
    count: int,
    make: Callable[[int, np.random.Generator], tuple[np.ndarray, Sequence[str]]],
    describe: Mapping[str, Callable[[int], str]] | None = None,
    schema: LabelSchema = SCHEMA,
) -> Project:
    """A project of ``count`` patients with an image each, open.

    Parameters
    ----------
    make
        From number and random numbers to a picture and its answers, as ``label=value``.
    describe
        What the header says, by number.
    """
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    answers = {}
    for number in range(count):
        image, said = make(number, np.random.default_rng([7, number]))
        name = f"{number:03d}.png"
        Picture.fromarray(image).save(pictures / name)
        answers[name] = said

    def described(header: Header) -> Header:
        number = int(Path(header.path).stem)
        more = {name: value(number) for name, value in (describe or {}).items()}
        return replace(header, patient_id=f"patient-{number}", **more)

    project = Project.create(folder / "project", schema)
    take_in(project, [pictures], describe=described)
    for image in project.images():
        objects = tuple(
            ImageLabel(label=label, value=value, author=TEACHER)
            for label, _, value in (text.partition("=") for text in answers[Path(image.header.path).name])
        )
        project.save(Findings(image.uid, image.header.shape, TEACHER, objects))
    return project


def tiny(**changes: object) -> TrainingConfig:
    """A training of seconds."""
    small: dict[str, object] = {
        "size": 32,
        "epochs": 8,
        "images_per_epoch": 0,
        "batch_size": 8,
        "network_arguments": {"layers": [1, 1, 1, 1], "block_inplanes": [8, 8, 16, 16], "conv1_t_size": 3},
        "augmentation": Augmentation(rotation=3.0, scale=0.03, shift=0.02, elastic=0.0, collimation=0.0),
        "learning_rate": 0.01,
        "ema": 0.8,
        "patience": 0,
        "device": "cpu",
        "threads": 1,
    }
    return TrainingConfig.from_preset("quick", "classification", **{**small, **changes})
