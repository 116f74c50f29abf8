"""What a person is told before a training, prediction or export starts, and while it runs."""

from __future__ import annotations

import json

import pytest

from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.expected import limit_text
from XRayAILib.workflow.export import Export, ExportRefused
from XRayAILib.workflow.prediction import NoModelError, Prediction
from XRayAILib.workflow.question import DeviceQuestion
from XRayAILib.workflow.training import Training, TrainingRefused
from XRayAILib.workflow.work import WorkError


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 4, seed=3, size=(128, 112))


@pytest.fixture
def project(tmp_path, phantoms):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        yield project


def label(phantoms, project: Project, count: int) -> None:
    for phantom in phantoms[:count]:
        project.save(phantom.findings)


def test_labels_are_offered_with_the_number_of_images_that_have_them(project, phantoms):
    label(phantoms, project, 3)
    project.exclude(phantoms[2].uid, "rotated")
    offered = {entry.name: entry.images for entry in Training().labels(project)}
    assert offered["heart"] == offered["left_lung"] == 2
    assert offered["cardiomediastinum"] == 0
    assert "nodule" not in offered and "carina" not in offered  # drawn as box and point, not as areas


def test_a_training_is_refused_before_it_starts_where_it_could_not_work(project, phantoms):
    training = Training()
    with pytest.raises(TrainingRefused, match="No image has masks or polygons"):
        training.config(project, [], "quick", "auto")
    with pytest.raises(TrainingRefused, match="No image has the label Heart"):
        training.config(project, ["heart"], "quick", "auto")
    label(phantoms, project, 4)
    with pytest.raises(TrainingRefused, match="tick at least one"):
        training.config(project, [], "quick", "auto")
    config = training.config(project, ["heart"], "quick", "cpu")
    assert (config.labels, config.device, config.name) == (("heart",), "cpu", "model-1")


def test_each_model_gets_a_name_of_its_own(project, phantoms):
    label(phantoms, project, 1)
    (project.models_folder / "model-1").mkdir()
    assert Training().config(project, ["heart"], "quick", "cpu").name == "model-2"


def test_the_time_limit_of_a_preset_is_said():
    assert limit_text("quick") == "at most 20 min"
    assert limit_text("best") == "no time limit"


def test_the_device_is_found_out_by_another_process():
    question = DeviceQuestion()
    question.ask("cpu")
    assert question.asking
    question._process.wait(120)
    assert question.answer("cpu").startswith("CPU, ") and not question.asking
    question.ask("cpu")
    assert not question.asking, "what is known already was asked again"


def test_only_one_job_of_a_kind_runs_at_a_time(project, phantoms):
    label(phantoms, project, 2)
    export = Export()
    export.start(project)
    with pytest.raises(WorkError, match="running already"):
        export.start(project)
    export.work.job.wait(60)
    assert export.folder is not None and (export.folder / "annotations.json").exists()
    assert export.outcome().startswith("Exported 2 images")


def test_a_second_stop_does_not_wait(project, phantoms):
    label(phantoms, project, 2)
    export = Export()
    export.start(project)
    export.work.stop()
    assert export.work.text == "stopping"
    export.work.stop()
    assert not export.work.running


def test_an_export_of_nothing_is_refused(project):
    with pytest.raises(ExportRefused, match="No image has labels yet"):
        Export().start(project)
    with pytest.raises(ExportRefused, match="there are coco"):
        Export().start(project, "nifti")


def test_models_are_offered_the_newest_first_and_nothing_else_is(project):
    import os

    for age, name in enumerate(("new", "old")):
        folder = project.models_folder / name
        folder.mkdir()
        document = {"labels": ["heart", "left_lung"], "metrics": {"overall": {"dice": {"value": 0.9512}}}}
        (folder / "manifest.json").write_text(json.dumps(document))
        os.utime(folder / "manifest.json", (1e9 - age, 1e9 - age))
    (project.models_folder / "notes").mkdir()
    models = Prediction().models(project)
    assert [(m.name, m.summary) for m in models] == [("new", "Dice 0.951, 2 labels"), ("old", "Dice 0.951, 2 labels")]
    (models[0].folder / "manifest.json").write_text("{")
    assert "cannot be read" in Prediction().models(project)[0].summary


def test_without_a_model_there_is_no_prediction(project):
    with pytest.raises(NoModelError, match="train one first"):
        Prediction().start(project, project.models_folder / "none")


def test_a_stopped_training_can_go_on(project, phantoms):
    from XRayAILib.learning.training import CHECKPOINT
    from XRayAILib.workflow.job import REQUEST

    label(phantoms, project, 4)
    training = Training()
    assert training.stopped(project) is None
    config = training.config(project, ["heart"], "quick", "cpu")
    folder = project.jobs_folder / "20250101-train"
    folder.mkdir()
    (folder / CHECKPOINT).write_bytes(b"weights so far")
    assert training.stopped(project) is None, "without its request nobody knows what was trained"
    (folder / REQUEST).write_text(json.dumps({"kind": "train", "options": {"config": config.document()}}))
    later = project.jobs_folder / "20250102-pretrain"
    later.mkdir()
    (later / CHECKPOINT).write_bytes(b"weights so far")
    (later / REQUEST).write_text(
        json.dumps({"kind": "pretrain", "options": {"config": {"labels": [], "preset": "quick"}}})
    )
    stopped = training.stopped(project)
    assert stopped.task == "Segmentation", "a pretraining is gone on with on the command line"
    assert (stopped.folder, stopped.labels, stopped.preset) == (folder, ("heart",), "quick")
    assert stopped.config == json.loads(json.dumps(config.document()))
