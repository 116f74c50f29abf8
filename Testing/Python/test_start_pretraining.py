"""A network learns from images that nobody labelled, and never from those that it will be judged by."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image as Picture

from learning_cases import make_project, thorax, tiny
from start_cases import make
from XRayAILib.apps.learn import JobFailedError
from XRayAILib.apps.pretrain import _network_of
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.model import list_models
from XRayAILib.learning.pretraining.images import unlabelled_images
from XRayAILib.learning.pretraining.masks import covered, hidden_patches, patches
from XRayAILib.learning.pretraining.worker import run_pretraining
from XRayAILib.learning.splits import split
from XRayAILib.learning.start.begin import start_weights
from XRayAILib.learning.task import make_task
from XRayAILib.learning.worker import run_training
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project


def settings(**changes: object) -> TrainingConfig:
    document = {**tiny(name="pretrained").document(), "task": "pretraining", "options": {"patch": 8}, **changes}
    return TrainingConfig.from_document(document)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A project with ten labelled images and two without labels."""
    place = tmp_path_factory.mktemp("pretraining")
    with make_project(place) as project:
        (place / "more").mkdir()
        for seed in (70, 71):
            Picture.fromarray(thorax(seed)[0]).save(place / "more" / f"{seed}.png")
        take_in(project, [place / "more"])
        from XRayAILib.learning.examples import gather

        config = tiny()
        split(project, gather(project, config)[1], config)
    return place / "project"


@pytest.fixture(scope="module")
def pretrained(folder: Path, tmp_path_factory) -> tuple[dict, list]:
    said: list = []
    job = tmp_path_factory.mktemp("job")
    return run_pretraining(folder, settings(), job, said.append), said


# What is hidden.


def test_the_same_part_of_every_image_is_hidden_in_whole_patches():
    chance = torch.rand(5, patches(50, 16), patches(50, 16))
    hidden = hidden_patches(chance, 0.5, 50, 16)
    assert hidden.shape == (5, 1, 50, 50)
    for one in hidden:
        corners = one[0, ::16, ::16]
        assert corners.sum() == 8
        assert torch.equal(one[0], corners.repeat_interleave(16, 0).repeat_interleave(16, 1)[:50, :50])
    assert not torch.equal(hidden[0], hidden[1])


def test_what_is_hidden_shows_the_mean_of_what_is_seen():
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    hidden = torch.zeros_like(image)
    hidden[..., :2] = 1
    seen = covered(image, hidden)
    assert torch.equal(seen[..., 2:], image[..., 2:]) and set(seen[..., :2].flatten().tolist()) == {8.5}


def test_only_hidden_pixels_count():
    task = make_task(settings(), ())
    images = torch.rand(3, 1, 64, 64)
    given, target = task.augmented(images, torch.zeros(3, 2, 1, 1), Draws([1, 2, 3]))
    whole, hidden = target[:, :1], target[:, 1:]
    assert task.loss({"drawn": whole + (1 - hidden)}, target) == 0
    assert task.loss({"drawn": whole + 0.25}, target) == pytest.approx(0.25)
    assert not torch.equal(given, whole)


def test_an_image_is_hidden_alike_in_every_validation_and_alone_or_in_a_batch():
    task = make_task(settings(), ())
    network = task.network().eval()
    images = torch.rand(3, 1, 64, 64)
    with torch.no_grad():
        three, one = network(images), network(images[:1])
    assert torch.equal(three["hidden"][:1], one["hidden"])
    assert torch.equal(three["whole"], images)
    # The same error whether its target comes with it or not.
    meter = task.meter()
    meter.add(three, torch.zeros(3, 2, 1, 1))
    assert 0 < meter.scores()["image"] < 5


# Who is seen.


def test_nobody_of_the_test_part_is_seen_and_unlabelled_images_are(folder: Path):
    with Project.open(folder) as project:
        found = unlabelled_images(project, settings())
        tested = {image.uid for image in project.images() if image.split == "test"}
        unlabelled = {image.uid for image in project.images() if project.reference(image.uid) is None}
        parts = {image.uid: image.split for image in project.images()}
    seen = {example.uid for example in found.examples}
    assert tested and not tested & seen
    assert len(unlabelled) == 2 and unlabelled <= seen
    assert found.undealt == 2 and sum(found.kept_out.values()) == len(tested)
    # Whoever a model is chosen by is not learnt from here either.
    assert all(e.part == "validation" for e in found.examples if parts[e.uid] == "validation")
    people = {part: {e.patient for e in found.examples if e.part == part} for part in ("train", "validation")}
    assert people["train"] and people["validation"] and not people["train"] & people["validation"]


def test_another_image_of_a_tested_patient_is_not_seen_either(tmp_path: Path):
    with make_project(tmp_path, patients=4, images_each=2) as project:
        first = project.images()[0]
        project.assign_split({first.uid: "test"})
        found = unlabelled_images(project, settings())
    assert len(found.examples) == 6
    assert found.kept_out == {"their patients are in the test part": 2}


def test_too_few_patients_are_told(tmp_path: Path):
    with make_project(tmp_path, patients=2) as project:
        project.assign_split({project.images()[0].uid: "test"})
        with pytest.raises(TrainingError, match=r"images of 1 patients.*1 because their patients are in the test part"):
            unlabelled_images(project, settings())


# The job.


def test_it_learns_to_draw_and_leaves_weights_that_account_for_themselves(pretrained, folder: Path):
    result, said = pretrained
    errors = [entry["error/validation"] for entry in result["history"]]
    assert errors[-1] < 0.8 * errors[0] and result["score"] == pytest.approx(min(errors), abs=1e-4)
    manifest = json.loads((Path(result["model"]) / "manifest.json").read_text("utf-8"))
    assert manifest["training"]["images"] == result["images"]
    assert any("patients are in the test part" in event.get("message", "") for event in said)
    # It finds nothing, so nobody is offered to predict with it.
    with Project.open(folder) as project:
        assert list_models(project.models_folder) == ([], [])
        assert project.audit_trail()[-1][2:] == ("pretrain", "pretrained")


def test_a_training_starts_from_it(pretrained, folder: Path):
    task = make("segmentation", "UNet", start="model:pretrained", arguments=tiny().network_arguments)
    with Project.open(folder) as project:
        start = start_weights(task, project)
    assert start.report["encoder"] == 1
    # The decoder learnt, too; only what draws greys is of no use for labels.
    assert {name for name in start.report["random"] if not name.startswith("model.2.")} == set()


def test_it_stops_and_goes_on(folder: Path, tmp_path: Path):
    steps = []

    def emit(event: dict) -> None:
        if event.get("name") == "loss/step" or event.get("event") == "metric":
            steps.append(event)

    with pytest.raises(Cancelled):
        run_pretraining(folder, settings(name="again"), tmp_path, emit, lambda: len(steps) > 2)
    assert (tmp_path / "checkpoint.safetensors").exists()
    whole = run_pretraining(folder, settings(name="again"), tmp_path, lambda event: None)
    assert len(whole["history"]) == settings().epochs
    other = run_pretraining(folder, settings(name="again"), tmp_path / "other", lambda event: None)
    assert whole["score"] == pytest.approx(other["score"], abs=1e-3)
    # Neither took the other's place.
    assert {Path(whole["model"]).name, Path(other["model"]).name} == {"again", "again-2"}


def test_it_is_no_training_with_labels(folder: Path, tmp_path: Path):
    with pytest.raises(TrainingError, match="learns from no label; it is started with  xrayai pretrain"):
        run_training(folder, settings(), tmp_path, lambda event: None)
    with pytest.raises(TrainingError, match="'segmentation' learns from labels"):
        run_pretraining(folder, tiny(), tmp_path, lambda event: None)


def test_settings_that_make_no_sense_are_told():
    with pytest.raises(TrainingError, match=r"options.hidden: 1.5 must lie in 0.05 to 0.95"):
        settings(options={"hidden": 1.5})


def test_the_network_of_another_task_is_pretrained_where_it_draws():
    settings = _network_of("landmarks", "quick")
    assert 'network="UNet"' in settings
    with pytest.raises(JobFailedError, match=r"detection trains RetinaNet.*Pretrain a FlexibleUNet"):
        _network_of("detection", "quick")
