"""While it runs, a training shows what it learns from and what it finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from learning_cases import make_project, tiny
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.samples.sheet import FOUND, OFF, TRUE, Tile, sheet
from XRayAILib.learning.task import make_task
from XRayAILib.learning.worker import run_training
from XRayAILib.pixels.resample import Letterbox
from XRayAILib.workflow.job import Job

TEACHER = Author.imported("reference")


def colored(picture: Picture.Image, color: str) -> np.ndarray:
    """Where a picture has this colour or nearly so."""
    wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    return np.abs(np.asarray(picture.convert("RGB")).astype(int) - wanted).max(axis=2) < 12


def legend(tool: Tool, *names: str) -> tuple[LearntLabel, ...]:
    options = ("yes", "no") if tool is Tool.IMAGE else ()
    return tuple(LearntLabel(name, name, tool, "#ff0000", i, options) for i, name in enumerate(names))


@pytest.mark.parametrize(
    ("task", "item"),
    [
        ("segmentation", Mask.from_array(np.pad(np.ones((20, 16), bool), 22), label="heart", author=TEACHER)),
        ("detection", Box(label="heart", author=TEACHER, score=1.0, x0=9.5, y0=12.5, x1=30.5, y1=40.5)),
        ("landmarks", Landmark(label="heart", author=TEACHER, x=20.25, y=30.75)),
        ("classification", ImageLabel(label="heart", author=TEACHER, value="yes")),
    ],
)
def test_what_a_target_teaches_can_be_seen(task, item):
    tool = {"segmentation": Tool.MASK, "detection": Tool.BOX, "landmarks": Tool.LANDMARK}.get(task, Tool.IMAGE)
    config = TrainingConfig.from_preset("quick", task, size=64, augmentation={"flip": 0.0})
    learnt = make_task(config, legend(tool, "heart"))
    shape = (64, 60) if task == "segmentation" else (64, 64)
    target = learnt.tensors(learnt.target(Findings("1", shape, TEACHER, (item,)), Letterbox(*shape, 64))[None])[0]
    (seen,) = learnt.objects(target.numpy(), TEACHER)
    if task == "segmentation":
        # Two black columns lie on each side of the narrower image in the square.
        assert (seen.origin, seen.crop.shape) == ((22, 24), (20, 16))
    else:
        assert seen == replace(item, id=seen.id, created=seen.created)


def test_a_point_is_joined_with_where_it_should_be():
    true = Landmark(label="apex", author=TEACHER, x=10, y=10)
    found = Landmark(label="apex", author=TEACHER, x=50, y=10)
    page = sheet([Tile(np.zeros((64, 64), np.float32), [true], [found], ["apex"])], "Points")
    line = np.argwhere(colored(page, OFF)[60:])
    assert np.ptp(line[:, 1]) > 100, "no line between the two points"
    left, right = (np.argwhere(colored(page, color)[60:])[:, 1].mean() for color in (TRUE, FOUND))
    assert right - left == pytest.approx(40 / 64 * 320, abs=4)


def test_a_training_draws_its_targets_at_once_and_its_predictions_after_a_validation(tmp_path):
    events: list[dict] = []
    with make_project(tmp_path) as project:
        run_training(project.folder, tiny(epochs=2), tmp_path / "job", events.append)
    drawn = [event for event in events if event["event"] == "picture"]
    # The second validation comes too soon after the first.
    assert [(event["kind"], event["epoch"]) for event in drawn] == [("batch", 0), ("validation", 1)]
    first_step = next(i for i, e in enumerate(events) if e["event"] == "progress" and e["step"] == "train")
    assert events.index(drawn[0]) < first_step, "targets are to be seen before anything is learnt from them"
    batch, validation = (Picture.open(tmp_path / "job" / event["path"]) for event in drawn)
    assert colored(batch, TRUE)[40:].sum() > 1000 and not colored(batch, FOUND).any()
    assert colored(validation, TRUE)[40:].sum() > 300 and colored(validation, FOUND).any()


def test_no_pictures_where_nobody_wants_them(tmp_path):
    events: list[dict] = []
    with make_project(tmp_path) as project:
        run_training(project.folder, tiny(epochs=1, pictures=0.0), tmp_path / "job", events.append)
    assert not [event for event in events if event["event"] == "picture"]
    assert not (tmp_path / "job" / "pictures").exists()


class Ended:
    """A process that has come to its end."""

    returncode = 0

    def poll(self) -> int:
        return 0


def test_a_job_knows_its_newest_picture(tmp_path: Path):
    paths = ("pictures/batch.png", "pictures/epoch-00001.png")
    lines = [json.dumps({"event": "picture", "path": path, "epoch": n}) for n, path in enumerate(paths)]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines, '{"event": "result"}']) + "\n")
    job = Job(tmp_path, Ended())
    assert job.picture is None
    job.poll()
    assert job.picture == tmp_path / "pictures" / "epoch-00001.png"
