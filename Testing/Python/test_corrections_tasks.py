"""Boxes, answers and points are trained again like masks: new images are learnt, and both models compared on them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import classification_cases
import detection_cases
from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.corrections.gentle import gentle
from XRayAILib.learning.corrections.worker import train_again
from XRayAILib.learning.model import Model
from XRayAILib.learning.worker import run_training
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

TEACHER = Author.imported("set")


def answered(folder: Path) -> tuple[Project, TrainingConfig]:
    def make(number, generator):
        view = ("AP", "PA", "LL")[number % 3]
        return classification_cases.picture(generator, view), [f"view={view}"]

    return classification_cases.answered_project(folder, 48, make), classification_cases.tiny(epochs=3)


def boxed(folder: Path) -> tuple[Project, TrainingConfig]:
    return detection_cases.make_project(folder, patients=12), detection_cases.tiny(epochs=2)


def pointed(folder: Path) -> tuple[Project, TrainingConfig]:
    """A bright spot in each picture."""
    (folder / "pictures").mkdir()
    places = {}
    y, x = np.mgrid[:64, :64]
    for number in range(12):
        generator = np.random.default_rng(number)
        at = generator.uniform(16, 48, 2)
        grey = 60 + 180 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 18) + generator.normal(0, 4, x.shape)
        Picture.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(folder / "pictures" / f"{number:02d}.png")
        places[f"{number:02d}.png"] = at

    def describe(header: Header) -> Header:
        return replace(header, patient_id=Path(header.path).stem)

    project = Project.create(
        folder / "project", LabelSchema("spots", (Label("spot", "Spot", Tool.LANDMARK, "#ff0000"),))
    )
    take_in(project, [folder / "pictures"], describe=describe)
    for image in project.images():
        at = places[Path(image.header.path).name]
        spot = Landmark(label="spot", author=TEACHER, x=float(at[0]), y=float(at[1]))
        project.save(Findings(image.uid, image.header.shape, TEACHER, (spot,)))
    config = TrainingConfig.from_preset(
        "quick",
        "landmarks",
        size=64,
        epochs=3,
        images_per_epoch=16,
        network_arguments={"channels": [8, 16, 32], "strides": [2, 2]},
        options={"sigma": 2.0, "stride": 2},
        device="cpu",
        threads=1,
    )
    return project, config


@pytest.mark.parametrize(("make", "metric"), [(answered, "auroc"), (boxed, "ap50"), (pointed, "mre")])
def test_each_task_is_trained_again(tmp_path, make, metric):
    project, config = make(tmp_path)
    with project:
        held = [image.uid for image in project.images()][-2:]
        for uid in held:
            project.exclude(uid, "later")
        run_training(project.folder, config.changed(name="first"), tmp_path / "job", lambda event: None)
        for uid in held:
            project.include(uid)
        model = Model.load(project.models_folder / "first")
        nothing: list[dict] = []
        result = train_again(
            project.folder, "first", gentle(model, name="second", epochs=1), tmp_path / "again", nothing.append
        )
    assert result["trained"] and sum(result["corrections"]["new"].values()) == 2
    assert result["tests"][0]["part"] == "old" and result["tests"][0]["judged"]["metric"] == metric
    assert result["replaced"] is (not result["reason"])
