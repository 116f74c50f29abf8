"""Several processes: the same model as one process with the same batches, also when it was stopped in between."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from learning_cases import make_project, tiny
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.learning import plan
from XRayAILib.learning.batch_size import wanted_batch
from XRayAILib.learning.batches import TrainingBatches, ValidationBatches
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.tasks.segmentation import Segmentation
from XRayAILib.learning.worker import run_training
from XRayAILib.project.project import Project

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A project of 12 patients; in every other image nobody drew the heart."""
    with make_project(tmp_path_factory.mktemp("processes"), patients=12) as project:
        for number, image in enumerate(project.images()):
            found = project.reference(image.uid)
            if number % 2:
                lungs = tuple(item for item in found if item.label != "heart")
                project.save(Findings(image.uid, found.shape, found.author, lungs))
        return project.folder


def free_port() -> str:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return str(taken.getsockname()[1])


def in_two(*arguments: object) -> None:
    """Run ``train_in_two.py`` as torchrun would start it, twice."""
    path = os.pathsep.join([str(HERE.parents[1] / "XRayAI"), str(HERE)])
    common = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    command = [sys.executable, str(HERE / "train_in_two.py"), *map(str, arguments)]
    children = [
        subprocess.Popen(
            command,
            env={**os.environ, **common, "PYTHONPATH": path, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        for child in children:
            _, said = child.communicate(timeout=120)
            assert child.returncode == 0, said
    finally:
        for child in children:
            child.kill()
            child.wait()


def test_two_processes_make_the_model_that_one_makes(folder, tmp_path, monkeypatch):
    """Also stopped in the middle of an epoch and gone on with. The network normalises by batches, and what is known
    differs from image to image."""
    monkeypatch.setattr(plan, "VALIDATIONS", 1)
    config = tiny(epochs=3, learning_rate=1e-3, name="one")
    one = run_training(folder, config, tmp_path / "one", lambda event: None)
    config.changed(name="two").write(tmp_path / "two.yaml")
    in_two(folder, tmp_path / "two.yaml", tmp_path / "two", 6)
    with Project.open(folder) as project:
        two = Model.load(project.models_folder / "two")
    for single, shared in zip(one["history"], two.history, strict=True):
        assert shared["loss/train"] == pytest.approx(single["loss/train"], rel=1e-3)
    assert shared["loss/validation"] == pytest.approx(single["loss/validation"], rel=1e-3)
    assert shared["dice/validation"] == pytest.approx(single["dice/validation"], abs=0.01)
    weights = [load_file(Path(place) / "models" / "model.safetensors") for place in (one["model"], two.folder)]
    for name, value in weights[0].items():
        # The bias before a normalisation has no effect; AdamW makes steps of its rounding errors.
        if name.endswith("weight"):
            assert torch.allclose(value, weights[1][name], atol=2e-3), name


def batches_of(count: int, processes: Processes) -> tuple[TrainingBatches, ValidationBatches]:
    rows = np.arange(count)
    images = np.random.default_rng(0).random((count, 32, 32)).astype(np.float16)
    cache = SimpleNamespace(images=images, targets=np.zeros((count, 1, 32, 32), np.uint8))
    config = tiny(images_per_epoch=0)
    task = Segmentation(legend_of(("heart",), chest_schema()), config)
    device = choose_device("cpu", 1)
    return (
        TrainingBatches(cache, rows, task, config, device, processes),
        ValidationBatches(cache, rows, task, 4, processes),
    )


def test_the_parts_of_the_processes_are_the_batch_of_one():
    (whole, _), parts = batches_of(12, Processes()), [batches_of(12, Processes(rank, 2))[0] for rank in range(2)]
    streams = [batches.stream(2) for batches in (whole, *parts)]
    for _ in range(4):
        alone, *shared = (next(stream) for stream in streams)
        for name in ("image", "label"):
            assert torch.equal(alone[name], torch.cat([part[name] for part in shared]))


@pytest.mark.parametrize("count", [8, 9, 11])
def test_every_process_validates_as_many_images_as_the_others(count):
    alone = list(batches_of(count, Processes())[1])
    shared = [list(batches_of(count, Processes(rank, 2))[1]) for rank in range(2)]
    for whole, *parts in zip(alone, *shared, strict=True):
        assert len(parts[0]["image"]) == len(parts[1]["image"])
        assert torch.equal(torch.cat([part["image"] for part in parts])[: len(whole["image"])], whole["image"])
        assert all(torch.equal(part["label"], whole["label"]) for part in parts)


def test_a_batch_that_cannot_be_dealt_out_is_refused():
    with pytest.raises(TrainingError, match="batch_size: 4 images cannot be dealt out evenly to 3 processes"):
        wanted_batch(tiny(), 12, 16, 3, "cpu")
    with pytest.raises(TrainingError, match="each needs at least one"):
        wanted_batch(tiny(batch_size=16), 3, 16, 4, "cpu")
