"""A model is trained on enhanced images, carries the enhancement, and sees the same wherever it reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from learning_cases import LABELS, make_project, tiny
from XRayAILib.findings.author import Author
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.cache import TrainingCache, build_cache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, gather
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import MANIFEST, Model
from XRayAILib.learning.models.manifest import write_manifest
from XRayAILib.learning.task import make_task
from XRayAILib.learning.worker import run_training
from XRayAILib.pixels.enhance import PRESETS, Enhancement
from XRayAILib.pixels.resample import Letterbox, PixelPreset
from XRayAILib.pixels.steps import Collimation, Edges, LocalContrast
from XRayAILib.project.project import Project
from XRayAILib.reading.predictor import Predictor

OWN = Enhancement("own", (Collimation(), LocalContrast(2.5, 4), Edges(0.5)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory):
    with make_project(tmp_path_factory.mktemp("learning"), patients=6) as project:
        yield project


@pytest.fixture(scope="module")
def trained(project: Project) -> Model:
    config = tiny(epochs=1, enhancement=OWN.document())
    result = run_training(project.folder, config, project.jobs_folder / "train", lambda event: None)
    return Model.load(Path(result["model"]))


def cached(project: Project, config: TrainingConfig) -> tuple[TrainingCache, list[Example]]:
    labels, examples = gather(project, config)
    task = make_task(config, legend_of(labels, project.schema))
    return build_cache(project, examples, task, config.pixel_preset, lambda event: None), examples


class Seen:
    """A network that remembers what it was given."""

    def __init__(self) -> None:
        import torch

        self.images: list[np.ndarray] = []
        outer = self

        class Network(torch.nn.Module):
            def forward(self, batch: torch.Tensor) -> torch.Tensor:
                outer.images.append(batch[0, 0].numpy().copy())
                return torch.zeros(1, len(LABELS), *batch.shape[-2:])

        self.network = Network()


def test_training_and_reading_see_the_same_bit_for_bit(project: Project) -> None:
    for enhancement in (None, OWN.document(), "bone"):
        config = tiny(enhancement=enhancement)
        cache, examples = cached(project, config)
        seen = Seen()
        task = make_task(config, legend_of(LABELS, project.schema))
        inference = Inference(task, seen.network, config.pixel_preset, choose_device("cpu", 1))
        for example in examples:
            inference.findings(project.radiograph(example.uid), Author.model("a", "0" * 64))
            stored = cache.images[cache.rows[example.uid]].astype(np.float32)
            np.testing.assert_array_equal(seen.images[-1], stored)


def test_other_enhancements_have_other_caches(project: Project) -> None:
    folders = {cached(project, tiny(enhancement=value))[0].key for value in (None, "chest", OWN.document())}
    assert len(folders) == 3
    assert cached(project, tiny(enhancement="none"))[0].key in folders


def test_a_model_carries_its_enhancement_and_uses_it_when_loaded_again(project: Project, trained: Model) -> None:
    assert trained.preset.enhancement == OWN == trained.config.enhancement
    assert "enhancement 'own' (collimation, clahe, edges)" in (trained.folder / "docs" / "README.md").read_text("utf-8")
    radiograph = project.radiograph(project.images()[0].uid)
    config = tiny(enhancement=OWN.document())
    cache, _ = cached(project, config)
    np.testing.assert_array_equal(
        trained.preset.fit_radiograph(radiograph).image, cache.images[cache.rows[radiograph.uid]].astype(np.float32)
    )
    findings = Predictor(trained, "cpu", 1).predict(radiograph)
    assert findings.shape == radiograph.shape


def test_models_without_an_enhancement_load_as_before(trained: Model, project: Project) -> None:
    folder = project.models_folder / "old"
    shutil.copytree(trained.folder, folder)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    del manifest["preset"]["enhancement"], manifest["config"]["enhancement"]
    write_manifest(folder, manifest)
    old = Model.load(folder)
    assert old.preset == PixelPreset(64) and old.config.enhancement is None
    assert old.preset.document() == {"size": 64, "low": 1.0, "high": 99.0}


def test_a_model_with_an_unknown_step_is_refused(trained: Model, project: Project) -> None:
    folder = project.models_folder / "newer"
    shutil.copytree(trained.folder, folder)
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["preset"]["enhancement"]["steps"][1]["step"] = "telepathy"
    write_manifest(folder, manifest)
    with pytest.raises(TrainingError, match="telepathy"):
        Model.load(folder)


def test_a_wrong_enhancement_is_said_before_the_training() -> None:
    with pytest.raises(TrainingError, match=r"enhancement: .*did you mean 'clahe'"):
        tiny(enhancement={"name": "a", "steps": [{"step": "clah"}]})
    with pytest.raises(TrainingError, match="there is no 'chst'; there are none, chest"):
        tiny(enhancement="chst")
    config = tiny(enhancement="chest")
    assert TrainingConfig.from_document(config.document()) == config
    assert config.enhancement == PRESETS["chest"]


# The crop -------------------------------------------------------------------------------------------------------------


def shuttered(rows: int = 300, columns: int = 240) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """Display values with a black shutter around them, and the box of what was exposed."""
    box = left, top, right, bottom = 30, 24, 200, 280
    display = np.zeros((rows, columns), np.float32)
    y, x = np.mgrid[top:bottom, left:right]
    display[top:bottom, left:right] = 0.5 + 0.2 * np.sin(x / 9) * np.cos(y / 13)
    return display, box


def test_what_is_cropped_fills_the_square_and_points_go_there_and_back() -> None:
    display, box = shuttered()
    image, letterbox = PixelPreset(96, enhancement=Enhancement("crop", (Collimation(),))).fit(display)
    assert letterbox == Letterbox(300, 240, 96, box)
    left, top, right, bottom = box
    corners = letterbox.points_forward(np.array([[left - 0.5, top - 0.5], [right - 0.5, bottom - 0.5]]))
    assert corners[:, 1] == pytest.approx((-0.5, 95.5)) and image.shape == (96, 96)
    points = np.random.default_rng(0).uniform(0, 240, (100, 2))
    np.testing.assert_allclose(letterbox.points_back(letterbox.points_forward(points)), points, atol=1e-9)


def test_findings_of_a_cropped_image_stay_where_they_are_in_the_stored_one() -> None:
    display, box = shuttered()
    left, top, right, bottom = box
    config = tiny(size=256, enhancement=Enhancement("crop", (Collimation(),)).document(), labels=("heart",))
    letterbox = config.pixel_preset.fit(display).letterbox
    task = make_task(config, legend_of(("heart",), chest_schema()))
    heart = np.zeros(display.shape, bool)
    heart[120:200, 90:160] = True
    person = Author.imported("a")
    drawn = Findings("1", heart.shape, person, (Mask.from_array(heart, label="heart", author=person),))
    target = task.target(drawn, letterbox)
    # A network that gives back exactly what it was taught.
    logits = np.where(target >= 127, 9.0, -9.0).astype(np.float32)
    found = task.decode(logits, letterbox, "1", Author.model("m", "0" * 64))
    assert found.shape == display.shape
    np.testing.assert_array_equal(found.objects[0].array(), heart)
    assert not letterbox.back(np.ones((256, 256), np.float32))[:top].any()
    np.testing.assert_allclose(letterbox.back(np.ones((256, 256), np.float32))[top:bottom, left:right], 1, atol=1e-5)


@pytest.mark.parametrize("box", [(-1, 0, 5, 5), (0, 0, 11, 5), (5, 0, 5, 5), (3, 4, 2, 9)])
def test_a_box_outside_the_image_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="does not lie in an image"):
        Letterbox(10, 10, 16, box)
