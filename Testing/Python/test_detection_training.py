"""Boxes are learnt: with images that show none, the same for the same seed, and gone on with as if nothing had been."""

from pathlib import Path

import numpy as np
import pytest
import torch

from detection_cases import detection, make_project, picture, tiny
from XRayAILib.findings.objects import Box
from XRayAILib.learning import training
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.detection.targets import SMALLEST
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.examples import gather
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.model import Model
from XRayAILib.learning.worker import run_training
from XRayAILib.project.project import Project
from XRayAILib.reading.predictor import Predictor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 14 patients with two boxes each and 4 in whom somebody found nothing."""
    with make_project(tmp_path_factory.mktemp("detection"), patients=14, empty=4) as project:
        return project.folder


def ignore(event: dict) -> None:
    pass


def test_it_learns_boxes_and_shows_those_that_are_sure(folder, tmp_path):
    result = run_training(folder, tiny(epochs=40), tmp_path, ignore)
    assert result["score_name"] == "ap" and {row["label"] for row in result["test"]} == {"plate", "hole"}
    for row in result["test"]:
        assert row["ap50"] > 0.8 and row["ap"] > 0.15 and row["ap_low"] <= row["ap"] <= row["ap_high"]
    model = Model.load(Path(result["model"]))
    thresholds = model.task.fitted["thresholds"]
    assert set(thresholds) == {"plate", "hole"}
    with Project.open(folder) as project:
        uid = next(image.uid for image in project.images() if Path(image.header.path).stem == "03")
        found = Predictor(model, "cpu", 1).predict(project.radiograph(uid))
    assert found.author == model.author and found.objects
    assert all(isinstance(item, Box) and item.score >= thresholds[item.label] for item in found)
    for label, edges in picture(3)[1].items():
        item = found.of(Box, label)[0]
        assert (item.x0, item.y0, item.x1, item.y1) == pytest.approx(np.array(edges) - 0.5, abs=6)


def test_images_in_which_somebody_found_nothing_are_learnt_from(folder):
    with Project.open(folder) as project:
        labels, examples = gather(project, tiny())
        _, sure = gather(project, tiny(missing="unknown"))
    assert labels == ("plate", "hole") and len(examples) == len(sure) == 18
    assert sum(not example.labels for example in examples) == 4


def test_a_stopped_training_goes_on_as_the_same_run(folder, tmp_path):
    whole = run_training(folder, tiny(), tmp_path / "whole", ignore)
    seen: list[int] = []

    def watch(event: dict) -> None:
        if event["event"] == "metric" and event["name"] == "loss/step":
            seen.append(event["step"])

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cancelled):
        patch.setattr(training, "EVENT_SECONDS", 0.0)
        run_training(folder, tiny(), tmp_path / "parts", watch, lambda: bool(seen) and seen[-1] >= 6)
    resumed = run_training(folder, tiny(), tmp_path / "parts", ignore)
    assert resumed["digest"] == whole["digest"] and resumed["history"] == whole["history"]


def batch(task, *boxes: list[tuple[float, ...]]) -> torch.Tensor:
    rows = np.full((len(boxes), *task.target_shape(64)), np.nan, np.float32)
    for row, image in zip(rows, boxes, strict=True):
        for number, one in enumerate(image):
            row[number] = one
    return task.tensors(rows)


def output(task, images: int, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    anchors = len(task.anchors.edges)
    return {
        "class_logits": torch.randn(images, anchors, len(task.labels), generator=generator).requires_grad_(),
        "box_regression": (torch.randn(images, anchors, 4, generator=generator) / 10).requires_grad_(),
    }


def test_the_loss_draws_nothing_and_weighs_every_image_alike():
    """Whatever the state of the random numbers, and in whatever batches the images come."""
    task = detection()
    targets = batch(task, [(5, 5, 30, 30, 0)], [], [(20, 20, 60, 50, 1), (2, 2, 20, 20, 0)])
    said = output(task, 3)
    torch.manual_seed(0)
    first = task.loss(said, targets)
    torch.manual_seed(1)
    assert torch.equal(first, task.loss(said, targets))
    alone = [task.loss({k: v[i : i + 1] for k, v in said.items()}, targets[i : i + 1]) for i in range(3)]
    assert first.item() == pytest.approx(torch.stack(alone).mean().item(), rel=1e-6)


def test_an_image_without_boxes_teaches_that_there_is_nothing():
    task = detection()
    said = output(task, 1)
    task.loss(said, batch(task, [])).backward()
    gradient = said["class_logits"].grad
    assert gradient.min() == 0 and gradient.max() > 0
    # The surest of its mistakes are what it learns from.
    taught = gradient[0].any(dim=1)
    worst = said["class_logits"][0].amax(dim=1)
    assert worst[taught].min() >= worst[~taught].max()
    assert said["box_regression"].grad is None or not said["box_regression"].grad.any()


def test_a_label_that_nobody_looked_for_is_not_taught():
    task = detection()
    said = output(task, 1)
    nan = float("nan")
    task.loss(said, batch(task, [(5, 5, 30, 30, 0), (nan, nan, nan, nan, 1)])).backward()
    assert said["class_logits"].grad[0, :, 0].any() and not said["class_logits"].grad[0, :, 1].any()


def test_steps_along_the_gradient_bring_the_boxes_to_the_objects():
    task = detection()
    truth = [(5.0, 8.0, 30.0, 40.0, 0), (34.0, 20.0, 60.0, 50.0, 1)]
    targets, said = batch(task, truth), output(task, 1)
    optimizer = torch.optim.Adam(said.values(), 0.1)
    for _ in range(150):
        optimizer.zero_grad()
        task.loss(said, targets).backward()
        optimizer.step()
    found = task.boxes({name: value[0].detach().numpy() for name, value in said.items()})
    for x0, y0, x1, y1, label in truth:
        assert found.of(label)[0][0] == pytest.approx((x0, y0, x1, y1), abs=1.0)
    meter = task.meter()
    meter.add(said, targets)
    assert meter.scores() == pytest.approx({"plate": 1.0, "hole": 1.0})
    fitted = task.fit(said, targets, ["anna"])
    assert all(0 < value < 0.9 for value in fitted["thresholds"].values()) and fitted["f1"] == {"plate": 1, "hole": 1}


def test_the_smallest_boxes_are_learnt_too():
    """An object smaller than the distance between anchors still has some that are taught."""
    task = detection()
    said = output(task, 1)
    task.loss(said, batch(task, [(31.0, 31.0, 31.0 + SMALLEST, 31.0 + SMALLEST, 0)])).backward()
    assert said["class_logits"].grad.min() < 0 and said["box_regression"].grad.any()


def test_an_output_that_is_no_number_gives_a_loss_that_is_none():
    """The training says of it what it saw; no error from within MONAI comes first."""
    task = detection()
    said = output(task, 1)
    broken = {**said, "class_logits": said["class_logits"] * float("nan")}
    assert torch.isnan(task.loss(broken, batch(task, [(5, 5, 30, 30, 0)])))


def test_half_precision_ends_before_the_pyramid():
    network = detection().network()
    kinds = []
    network.retinanet.feature_extractor.fpn.register_forward_hook(
        lambda *_: kinds.append(torch.is_autocast_enabled("cpu"))
    )
    for dtype in (torch.float16, torch.bfloat16):
        with torch.autocast("cpu", dtype=dtype):
            found = network(torch.rand(1, 1, 64, 64))
        assert {value.dtype for value in found.values()} == {torch.float32}
    assert kinds == [False, True]


def test_inference_gives_one_image_without_a_batch():
    task = detection()
    inference = Inference(task, task.network(), task.config.pixel_preset, choose_device("cpu", 1))
    found = inference.output(np.zeros((64, 64), np.float32))
    assert {name: value.shape for name, value in found.items()} == {
        "class_logits": (len(task.anchors.edges), 2),
        "box_regression": (len(task.anchors.edges), 4),
    }
