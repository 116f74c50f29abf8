"""Memory: how many images are taken at once, what happens when they do not fit, and what is said."""

from collections import namedtuple

import pytest
import torch

from learning_cases import make_project, tiny
from XRayAILib.learning import batch_size, checkpoint, memory
from XRayAILib.learning.batch_size import RANGES, wanted_batch
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.memory import largest_fitting, out_of_memory
from XRayAILib.learning.tasks.segmentation import Segmentation
from XRayAILib.learning.worker import run_training

# Without statistics of the batch, parts of a batch teach what the whole batch does.
ALIKE = {"channels": [8, 16, 32, 64], "strides": [2, 2, 2], "norm": "INSTANCE"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 12 patients, shared by the trainings of this file."""
    with make_project(tmp_path_factory.mktemp("memory"), patients=12) as project:
        return project.folder


def train(folder, job, config):
    """The result, and everything that was said."""
    events: list[dict] = []
    result = run_training(folder, config, job, events.append)
    return result, events


def notes(events: list[dict]) -> str:
    return " ".join(str(event["message"]) for event in events if event["event"] == "note")


def plan_of(events: list[dict]) -> dict:
    return next(event for event in events if event["event"] == "plan")


def small_memory(patch: pytest.MonkeyPatch, largest: int) -> None:
    """A double of a device whose memory holds ``largest`` images."""
    usual = Segmentation.loss

    def loss(self, output, target):
        if torch.is_grad_enabled() and len(output) > largest:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return usual(self, output, target)

    patch.setattr(Segmentation, "loss", loss)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.05 GB)"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        MemoryError(),
    ],
)
def test_every_device_has_its_own_words_for_too_little_memory(error):
    assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("shapes cannot be multiplied")) and not out_of_memory(ValueError("memory"))


@pytest.mark.parametrize(("room", "found"), [(100, 16), (16, 16), (15, 8), (3, 2), (1, 1), (0, 0)])
def test_the_largest_that_fits_is_found_by_halving(room, found):
    assert largest_fitting(16, lambda count: count <= room) == found


def test_a_batch_that_does_not_fit_goes_through_in_parts_and_teaches_the_same(folder, tmp_path):
    config = tiny(epochs=2, learning_rate=1e-3, network_arguments=ALIKE)
    whole, _ = train(folder, tmp_path / "whole", config)
    with pytest.MonkeyPatch.context() as patch:
        small_memory(patch, 2)
        # What was measured before was wrong: another program has taken the memory since.
        patch.setattr(batch_size, "images_at_once", lambda network, step, device, wanted: wanted)
        patch.setattr("XRayAILib.learning.trial.Trial.seconds", lambda self, count: 0.01)
        parts, events = train(folder, tmp_path / "parts", config)
    assert "too small for 4 images at once. Going on with 2 at once; a step still learns from 4" in notes(events)
    for one, other in zip(whole["history"], parts["history"], strict=True):
        assert other["loss/train"] == pytest.approx(one["loss/train"], rel=1e-4)
        assert other["loss/validation"] == pytest.approx(one["loss/validation"], rel=1e-3)


def test_where_not_even_one_image_fits_it_says_so_before_it_starts(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "free_memory", lambda device: 2**20)
        with pytest.raises(TrainingError, match=r"too small for even one image of 64 x 64 pixels .* UNet.*smaller"):
            train(folder, tmp_path, tiny())


def test_where_one_image_no_longer_fits_it_says_so(folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        small_memory(patch, 0)
        patch.setattr(batch_size, "images_at_once", lambda network, step, device, wanted: wanted)
        patch.setattr("XRayAILib.learning.trial.Trial.seconds", lambda self, count: 0.01)
        with pytest.raises(TrainingError, match="too small for even one image of 64 x 64 pixels"):
            train(folder, tmp_path, tiny())


def test_memory_that_runs_out_beside_the_steps_is_told(folder, tmp_path):
    def full(self, images, targets, draws):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Segmentation, "augmented", full)
        with pytest.raises(TrainingError, match="ran out with batches of 4 images of 64 pixels"):
            train(folder, tmp_path, tiny())


def test_the_memory_at_hand_chooses_the_batch_and_the_plan_keeps_it(folder, tmp_path):
    """On the CPU the preset's usual number, in parts where that does not fit."""
    config = tiny(epochs=1, batch_size=0, images_per_epoch=32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "free_memory", lambda device: 2**34)
        _, plenty = train(folder, tmp_path / "plenty", config)
    plan = plan_of(plenty)
    assert (plan["batch_size"], plan["at_once"], plan["rate"], plan["automatic"]) == (8, 8, 1.0, True)
    assert "with 8 images each" in plan["message"] and "allows 8 images in a step" in notes(plenty)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "kept_bytes", lambda step: 2**24)
        # Three images, and some megabytes for the weights and what the optimiser keeps of them.
        patch.setattr(memory, "free_memory", lambda device: int((3 * memory.TRANSIENT * 2**24 + 2**24) / memory.SAFE))
        _, little = train(folder, tmp_path / "little", config)
    plan = plan_of(little)
    assert (plan["batch_size"], plan["at_once"]) == (8, 2)
    assert "Of the 8 images of a step, 2 go through the network at once" in notes(little)


def test_a_larger_memory_gives_a_larger_batch_within_bounds():
    automatic = tiny(batch_size=0).changed(preset="standard")
    span = RANGES["standard"]
    assert wanted_batch(automatic, 1000, 1000, 1, "cuda") == span.largest
    # A larger batch does not make a CPU faster.
    assert wanted_batch(automatic, 1000, 1000, 1, "cpu") == span.usual
    # An epoch of two steps would not be worth it; a batch has no image twice.
    assert wanted_batch(automatic, 1000, 64, 1, "cuda") == span.usual
    assert wanted_batch(automatic, 5, 1000, 1, "cuda") == 4
    assert wanted_batch(tiny(batch_size=6), 1000, 1000, 3, "cpu") == 6
    with pytest.raises(TrainingError, match="multiple of 4"):
        wanted_batch(tiny(batch_size=6), 1000, 1000, 4, "cpu")


def test_a_disk_without_room_for_checkpoints_is_told(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda place: usage(10**9, 9 * 10**8, 10**8))
    checkpoint.require_room(tmp_path, 10**6)
    with pytest.raises(TrainingError, match=r"checkpoints of this training need .* Free some space"):
        checkpoint.require_room(tmp_path, 10**8)
