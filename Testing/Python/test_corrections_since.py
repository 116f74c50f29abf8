"""What was labelled, corrected and taken back since a model was trained, and how gently it goes on."""

from dataclasses import replace

import numpy as np
import pytest

from learning_cases import LABELS, TEACHER, make_project, tiny
from model_cases import change, untrained
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.corrections.gentle import gentle
from XRayAILib.learning.corrections.since import corrections_since
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import gather
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model, write_model
from XRayAILib.learning.splits import reset, split
from XRayAILib.learning.task import make_task

VERSIONS = dict.fromkeys(("torch", "monai", "numpy", "safetensors"), "1.0")


@pytest.fixture
def trained(tmp_path):
    """A project and a model of it that learnt nothing, but knows what it would have learnt from."""
    project = make_project(tmp_path, patients=12)
    held = [image.uid for image in project.images()][-2:]
    for uid in held:
        project.exclude(uid, "later")
    yield project, model_of(project), held
    project.close()


def model_of(project) -> Model:
    config = tiny(name="first")
    labels, examples = gather(project, config)
    examples = split(project, examples, config).examples
    snapshot = project.snapshots.create()
    task = make_task(config, legend_of(labels, project.schema))
    parts = {part: sum(e.part == part for e in examples) for part in ("train", "validation", "test")}
    training = {"created": "2026-01-01T00:00:00+00:00", "images": parts, "patients": parts, "left_out": 0}
    training |= {"epochs": 4, "stopped": "finished", "best_epoch": 4, "device": "CPU", "seconds": 1.0}
    training |= {"versions": VERSIONS, "snapshot": snapshot.digest}
    metrics = {"labels": {}, "overall": {}}
    return write_model(project.models_folder, config, task, task.network().state_dict(), [], metrics, training)


def in_part(project, part: str) -> list[str]:
    return [image.uid for image in project.images() if image.split == part and not image.excluded]


def moved(project, uid: str, label: str) -> None:
    """Somebody draws one structure two pixels further down."""
    before = project.reference(uid)
    drawn = []
    for item in before:
        if item.label == label:
            shifted = np.roll(item.array(), 2, axis=0)
            item = Mask.from_array(shifted, label=label, author=TEACHER)
        drawn.append(item)
    project.save(Findings(uid, before.shape, TEACHER, tuple(drawn)))


def test_nothing_new_is_said(trained):
    project, model, _ = trained
    found = corrections_since(project, model)
    assert not found.any
    assert "Nothing" in found.text
    assert sorted(found.old_test) == sorted(in_part(project, "test"))


def test_new_corrected_and_removed_images_are_told_apart(trained):
    project, model, held = trained
    first, second, *_ = in_part(project, "train")
    moved(project, first, "heart")
    project.exclude(second, "blurred")
    for uid in held:
        project.include(uid)
    found = corrections_since(project, model)
    assert set(found.new) == set(held)
    assert found.corrected == (first,)
    assert found.removed == (second,)
    assert found.labels == {"heart": 1}
    assert "2 new" in found.text and "1 corrected" in found.text and "heart in 1" in found.text
    assert {found.parts[uid] for uid in held} <= {"train", "validation", "test"}
    assert found.document()["corrected"] == {"train": 1}
    assert not any(uid in str(found.document()) for uid in (*held, first, second))


def test_the_same_said_by_somebody_else_is_no_correction(trained):
    project, model, _ = trained
    uid = in_part(project, "train")[0]
    before = project.reference(uid)
    project.save(replace(before, objects=tuple(replace(item, id=f"again-{n}") for n, item in enumerate(before))))
    assert not corrections_since(project, model).corrected


def test_what_is_corrected_in_the_test_part_alone_is_nothing_to_learn(trained):
    project, model, _ = trained
    moved(project, in_part(project, "test")[0], "heart")
    found = corrections_since(project, model)
    assert found.corrected and not found.any


def test_parts_dealt_anew_are_refused(trained):
    project, model, _ = trained
    reset(project)
    examples = gather(project, tiny(seed=5))[1]
    split(project, examples, tiny(seed=5))
    with pytest.raises(TrainingError, match="dealt anew since 'first'"):
        corrections_since(project, model)


def test_a_model_without_a_snapshot_cannot_be_trained_again(trained):
    project, *_ = trained
    stranger = untrained(project.models_folder, name="stranger")
    change(stranger.folder, training={**stranger.manifest["training"], "snapshot": ""})
    with pytest.raises(TrainingError, match="--start model:stranger"):
        corrections_since(project, Model.load(stranger.folder))
    change(stranger.folder, training={**stranger.manifest["training"], "snapshot": "0123456789"})
    with pytest.raises(TrainingError, match="is not known"):
        corrections_since(project, Model.load(stranger.folder))


def test_the_rates_are_gentle_and_the_rest_stays(trained):
    _, model, _ = trained
    config = gentle(model, minutes=1.0)
    assert config.start == "model:first"
    assert config.learning_rate < model.config.learning_rate
    assert config.epochs < model.config.epochs
    assert config.labels == LABELS
    assert config.minutes == 1.0
    assert (config.network_arguments, config.size, config.seed) == (
        model.config.network_arguments,
        model.config.size,
        model.config.seed,
    )
