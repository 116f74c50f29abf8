"""Landmarks are learnt: where they are, which side, and that one is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from XRayAILib.dicom.header import Header
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.guidelines import check
from XRayAILib.findings.objects import Landmark
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.model import Model
from XRayAILib.learning.worker import run_training
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.reading.predictor import Predictor

READER = Author.imported("reader")
PATIENTS = 30


def chest(number: int) -> tuple[np.ndarray, dict[str, tuple[float, float] | None]]:
    """A bright body with two dark triangles that point up, the one on the right bigger, and at times a small cross."""
    generator = np.random.default_rng(number)
    rows, columns = 96, 80
    y, x = np.mgrid[:rows, :columns].astype(float)
    picture = np.full((rows, columns), 170.0)
    points: dict[str, tuple[float, float] | None] = {}
    for name, middle, width in (("right_apex", 22.0, 9.0), ("left_apex", 58.0, 15.0)):
        top, across = generator.uniform(14, 34), middle + generator.uniform(-4, 4)
        picture[(np.abs(x - across) < (y - top) * width / 50) & (y < top + 50)] = 60
        points[name] = across, top
    points["carina"] = None
    if number % 3:
        at = 40 + generator.uniform(-5, 5), 76 + generator.uniform(-8, 8)
        away = np.abs(x - at[0]), np.abs(y - at[1])
        picture[(np.maximum(*away) < 8) & (np.minimum(*away) < 2.5)] = 250
        points["carina"] = at
    return np.clip(picture + generator.normal(0, 5, picture.shape), 0, 255).astype(np.uint8), points


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("landmarks")
    (folder / "pictures").mkdir()
    truth = {}
    for number in range(PATIENTS):
        picture, truth[f"{number:02d}.png"] = chest(number)
        Picture.fromarray(picture).save(folder / "pictures" / f"{number:02d}.png")

    def describe(header: Header) -> Header:
        return replace(header, patient_id=Path(header.path).stem)

    with Project.create(folder / "project") as project:
        take_in(project, [folder / "pictures"], describe=describe)
        for image in project.images():
            points = truth[Path(image.header.path).name]
            objects = tuple(
                Landmark(label=label, author=READER, x=0, y=0, visible=False, outside=True)
                if place is None
                else Landmark(label=label, author=READER, x=place[0], y=place[1])
                for label, place in points.items()
            )
            project.save(Findings(image.uid, image.header.shape, READER, objects))
        yield project


@pytest.fixture(scope="module")
def result(project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict:
    config = TrainingConfig.from_preset(
        "quick",
        "landmarks",
        size=64,
        epochs=12,
        images_per_epoch=64,
        batch_size=8,
        network_arguments={"channels": [16, 32, 64], "strides": [2, 2]},
        augmentation=Augmentation(rotation=8.0, scale=0.08, shift=0.06, elastic=0.005, collimation=0.0, blur=0.0),
        learning_rate=0.01,
        ema=0.9,
        patience=0,
        options={"sigma": 2.0, "stride": 2},
        device="cpu",
        threads=1,
    )
    return run_training(project.folder, config, tmp_path_factory.mktemp("job"), lambda event: None)


def test_points_are_found_and_told_apart(result: dict) -> None:
    figures = result["metrics"]
    assert result["score_name"] == "mre" and result["score"] == figures["overall"]["mre"]["value"]
    for label in ("right_apex", "left_apex", "carina"):
        # Of 96 pixels; the two apices are 36 apart.
        assert figures["labels"][label]["mre_px"]["value"] < 3
    assert figures["overall"]["missed"]["value"] < 0.2
    assert figures["labels"]["carina"]["spurious"]["value"] == 0


def test_a_prediction_says_how_sure_it_is_and_what_is_not_there(project: Project, result: dict) -> None:
    predictor = Predictor(Model.load(Path(result["model"])), device="cpu", threads=1)
    images = sorted(project.images(), key=lambda image: image.header.path)[:12]
    rows = [(image, predictor.predict(project.radiograph(image.uid))) for image in images]
    gone = {True: 0, False: 0}
    for image, findings in rows:
        assert {item.label for item in findings} == {"right_apex", "left_apex", "carina"}
        for item in findings.of(Landmark):
            assert item.score is not None and 0 <= item.x <= 79.5 and 0 <= item.y <= 95.5
            if not item.outside:
                assert float(dict(item.attributes)["uncertainty_px"]) > 0
        # What the schema does not ask for is no reason to refuse.
        assert not [v for v in check(findings, project.schema, image.header.spacing) if "uncertainty" in v.message]
        carina = findings.of(Landmark, "carina")[0]
        gone[int(Path(image.header.path).stem) % 3 == 0] += carina.outside
    assert gone == {True: 4, False: 0}
