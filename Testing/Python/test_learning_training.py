"""A training: the same for the same seed, stopped and gone on with, killed, and refused where it makes no sense."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from learning_cases import make_project, tiny
from XRayAILib.findings.chest import chest_schema
from XRayAILib.learning import training
from XRayAILib.learning.batches import TrainingBatches
from XRayAILib.learning.cache import Cancelled, TrainingCache
from XRayAILib.learning.checkpoint import Checkpoint
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model
from XRayAILib.learning.networks import U_NETS, build
from XRayAILib.learning.tasks.segmentation import Segmentation
from XRayAILib.learning.training import CHECKPOINT
from XRayAILib.learning.worker import run_training

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 12 patients, shared by the trainings of this file."""
    with make_project(tmp_path_factory.mktemp("learning"), patients=12) as project:
        return project.folder


def ignore(event: dict) -> None:
    pass


def stop_after(step: int, folder: Path, job: Path) -> None:
    """Start the usual training and stop it after this step."""
    seen: list[int] = []

    def watch(event: dict) -> None:
        if event["event"] == "metric" and event["name"] == "loss/step":
            seen.append(event["step"])

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Cancelled):
        patch.setattr(training, "EVENT_SECONDS", 0.0)
        run_training(folder, tiny(), job, watch, lambda: bool(seen) and seen[-1] >= step)


def test_it_learns_and_tells_what_it_does(folder, tmp_path):
    events: list[dict] = []
    result = run_training(folder, tiny(epochs=20), tmp_path, events.append)
    kinds = {event["event"] for event in events}
    assert {"split", "progress", "device", "plan", "metric"} <= kinds
    steps = [event["step"] for event in events if event["event"] == "progress"]
    assert list(dict.fromkeys(steps)) == ["cache", "train", "test"]
    losses = [e["value"] for e in events if e["event"] == "metric" and e["name"] == "loss/train"]
    assert len(losses) == 20 and losses[-1] < losses[0] / 2
    assert {row["label"] for row in result["test"]} == {"right_lung", "left_lung", "heart"}
    assert all(row["dice"] > 0.7 and row["dice_low"] <= row["dice"] <= row["dice_high"] for row in result["test"])
    assert not (tmp_path / CHECKPOINT).exists()
    assert Model.load(Path(result["model"])).digest == result["digest"]


def test_the_same_seed_gives_the_same_model(folder, tmp_path):
    first = run_training(folder, tiny(epochs=2), tmp_path / "1", ignore)
    second = run_training(folder, tiny(epochs=2), tmp_path / "2", ignore)
    other = run_training(folder, tiny(epochs=2, seed=1), tmp_path / "3", ignore)
    assert first["digest"] == second["digest"] != other["digest"]
    assert first["history"] == second["history"] and first["test"] == second["test"]


@pytest.mark.parametrize("stop_at", [6, 8])
def test_stopped_and_gone_on_with_it_is_the_same_run(folder, tmp_path, stop_at):
    """Step 6 is inside an epoch of 4 steps, step 8 at the end of one."""
    whole = run_training(folder, tiny(), tmp_path / "whole", ignore)
    stop_after(stop_at, folder, tmp_path / "parts")
    assert Checkpoint.read(tmp_path / "parts" / CHECKPOINT).state["step"] == stop_at
    resumed = run_training(folder, tiny(), tmp_path / "parts", ignore)
    assert resumed["digest"] == whole["digest"]
    assert resumed["history"] == whole["history"]


def test_killed_while_it_saves_it_goes_on(folder, tmp_path):
    job = tmp_path / "job"
    path = os.pathsep.join([str(HERE.parents[1] / "XRayAI"), str(HERE)])
    command = [sys.executable, str(HERE / "train_until_killed.py"), str(folder), str(job), "60"]
    child = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL)
    try:
        while child.poll() is None and not (job / CHECKPOINT).exists():
            time.sleep(0.01)
        assert child.poll() is None, f"The training ended by itself with {child.returncode}."
    finally:
        child.kill()
        child.wait()
    steps = Checkpoint.read(job / CHECKPOINT).state["step"]
    assert 0 < steps < 240
    notes: list[str] = []
    with pytest.raises(Cancelled):
        # Enough to see that it goes on from there.
        run_training(
            folder, tiny(epochs=60), job, lambda e: notes.append(str(e.get("message"))), lambda: len(notes) > 3
        )
    assert f"Going on after step {steps} of an earlier start." in notes


def test_a_checkpoint_of_another_training_is_refused(folder, tmp_path):
    stop_after(2, folder, tmp_path)
    with pytest.raises(TrainingError, match="other settings, labels or images"):
        run_training(folder, tiny(learning_rate=1e-4), tmp_path, ignore)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    path = tmp_path / CHECKPOINT
    Checkpoint({"network.weight": torch.ones(100)}, {"step": 3}).write(path)
    assert Checkpoint.read(path).state == {"step": 3}
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(TrainingError, match="cannot be read"):
        Checkpoint.read(path)


def test_a_checkpoint_that_cannot_be_written_leaves_the_earlier_one(tmp_path):
    path = tmp_path / CHECKPOINT
    Checkpoint({"network.weight": torch.ones(3)}, {"step": 1}).write(path)
    # The name it would be written under is taken by a folder, as little to be written to as a full disk.
    (tmp_path / (CHECKPOINT + ".part")).mkdir()
    with pytest.raises(TrainingError, match="What was saved before is still there"):
        Checkpoint({"network.weight": torch.zeros(3)}, {"step": 2}).write(path)
    assert Checkpoint.read(path).state == {"step": 1}


def test_a_loss_that_is_no_number_says_what_it_saw(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Segmentation, "loss", lambda self, output, target: output.mean() * float("nan"))
        with pytest.raises(TrainingError, match=r"The loss became nan at step 1 \(epoch 1, learning rate") as stop:
            run_training(folder, tiny(), tmp_path, ignore)
    assert "Images lay in 0 to 1" in str(stop.value)


def test_gradients_that_are_no_numbers_stop_it_before_the_weights_are_spoilt(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        # Its value is 0 everywhere, its slope nowhere.
        patch.setattr(Segmentation, "loss", lambda self, output, target: (output * 0).abs().sqrt().mean())
        patch.setattr("XRayAILib.learning.trial.Trial.seconds", lambda self, count: 0.01)
        with pytest.raises(TrainingError, match=r"The gradients became nan with a loss of 0 at step 1") as stop:
            run_training(folder, tiny(), tmp_path, ignore)
    assert "the weights are still numbers" in str(stop.value)


def test_training_stops_early_when_it_gets_no_better(folder, tmp_path):
    still = tiny(epochs=30, patience=3, learning_rate=1e-7)
    result = run_training(folder, still, tmp_path, ignore)
    assert result["stopped"] == "early" and result["epochs"] < 30


@pytest.mark.parametrize("count", [3, 8, 20])
def test_every_image_is_seen_equally_often_and_a_batch_depends_on_its_number_alone(count):
    rows = np.arange(count)
    images = np.zeros((count, 32, 32), np.float16) + (rows[:, None, None] / count).astype(np.float16)
    cache = TrainingCache(
        Path(), images, np.zeros((count, 1, 32, 32), np.uint8), np.zeros((count, 0), np.float32), {}, ()
    )
    config = tiny(images_per_epoch=0, augmentation={**dict.fromkeys(["rotation", "noise"], 0.0)})
    config = config.changed(augmentation=type(config.augmentation).none())
    batches = TrainingBatches(
        cache, rows, Segmentation(legend_of(("heart",), chest_schema()), config), config, choose_device("cpu", 1)
    )
    stream = batches.stream()
    epoch = [next(stream)["image"] for _ in range(batches.per_epoch + 1)]
    seen = torch.cat([b[:, 0, 16, 16] for b in epoch[:-1]])
    assert len(seen.unique()) == len(seen) == count // batches.batch_size * batches.batch_size
    assert torch.equal(next(batches.stream(1))["image"], epoch[1])


@pytest.mark.parametrize("name", U_NETS)
def test_every_allowed_network_fits_the_task(name):
    network = build("segmentation", name, 1, 3, {})
    assert network(torch.zeros(2, 1, 64, 64)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize("preset", ["standard", "best"])
def test_the_large_presets_build_their_network(preset):
    from XRayAILib.learning.config import TrainingConfig

    config = TrainingConfig.from_preset(preset)
    with torch.inference_mode():
        network = build("segmentation", config.network, 1, 2, config.network_arguments).eval()
        assert network(torch.zeros(1, 1, 128, 128)).shape == (1, 2, 128, 128)


def test_a_model_carries_no_patient_and_no_image_away(folder, tmp_path):
    result = run_training(folder, tiny(epochs=1), tmp_path, ignore)
    uids = {case["uid"] for case in result["test_cases"]}
    assert uids
    written = b"".join(path.read_bytes() for path in Path(result["model"]).rglob("*.json"))
    written += (Path(result["model"]) / "docs" / "README.md").read_bytes()
    assert b"patient-0" not in written and not any(uid.encode() in written for uid in uids)
