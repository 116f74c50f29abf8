"""A trained model reads radiographs: drafts that it signs, at their own resolution."""

from pathlib import Path

import numpy as np
import pytest

from learning_cases import TEACHER, make_project, tiny
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.findings.author import AuthorKind, Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import Model, ModelError
from XRayAILib.learning.tasks.segmentation import Segmentation
from XRayAILib.learning.worker import run_training
from XRayAILib.pixels.resample import Letterbox
from XRayAILib.project.project import Project
from XRayAILib.reading.predictor import Predictor


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Path, Model]:
    """A project and a model that learnt from it."""
    folder = tmp_path_factory.mktemp("reading")
    with make_project(folder, patients=12) as project:
        result = run_training(project.folder, tiny(epochs=20), folder / "job", lambda event: None)
        return project.folder, Model.load(Path(result["model"]))


def test_findings_are_drafts_signed_by_the_model_on_the_radiographs_grid(trained):
    folder, model = trained
    predictor = Predictor(model, "cpu", threads=1)
    with Project.open(folder) as project:
        (uid, *_) = (image.uid for image in project.images() if image.split == "test")
        radiograph = project.radiograph(uid)
        findings = predictor.predict(radiograph)
        assert findings.author == model.author and findings.shape == radiograph.shape
        for item in findings.of(Mask):
            assert item.status is Status.DRAFT and item.author.kind is AuthorKind.MODEL
            assert item.shape == radiograph.shape and 0.5 < item.score <= 1
            truth = project.reference(uid).of(Mask, item.label)[0].array()
            assert 2 * (truth & item.array()).sum() / (truth.sum() + item.area) > 0.7


def test_a_batch_is_saved_and_what_cannot_be_read_is_told(trained):
    folder, model = trained
    events: list[dict] = []
    with Project.open(folder) as project:
        uids = [image.uid for image in project.images()][:3]
        gone = Path(project.header(uids[1]).path)
        hidden = gone.rename(gone.with_suffix(".hidden"))
        try:
            report = Predictor(model, "cpu", threads=1).predict_many(project, uids, events.append)
        finally:
            hidden.rename(gone)
        assert report.done == (uids[0], uids[2]) and not report.cancelled
        ((uid, reason),) = report.failed
        assert uid == uids[1] and str(gone) in reason
        assert project.prediction(uids[0], model.digest).author == model.author
        assert project.reference(uids[0]).author == TEACHER
        done = [event["done"] for event in events if event["event"] == "progress"]
        assert done == [0, 1, 2, 2]


def test_a_batch_can_be_stopped_and_keeps_what_was_done(trained):
    folder, model = trained
    events: list[dict] = []
    with Project.open(folder) as project:
        uids = [image.uid for image in project.images()][5:9]
        predictor = Predictor(model, "cpu", threads=1)
        report = predictor.predict_many(project, uids, events.append, lambda: len(events) == 2)
        assert report.cancelled and report.done == tuple(uids[:2])
        assert project.prediction(uids[2], model.digest) is None


def test_a_model_whose_labels_the_project_lacks_reads_nothing(trained, tmp_path):
    _, model = trained
    schema = LabelSchema("lungs", tuple(label for label in chest_schema() if label.name.endswith("_lung")))
    with Project.create(tmp_path / "other", schema) as project, pytest.raises(ModelError, match="finds 'heart'"):
        Predictor(model, "cpu", threads=1).predict_many(project, ["x"], lambda event: None)


def test_a_real_radiograph_of_twelve_bits_is_read(trained, real_crs):
    _, model = trained
    radiograph = read_radiograph(real_crs[0])
    findings = Predictor(model, "cpu", threads=1).predict(radiograph)
    assert findings.shape == radiograph.stored.shape and findings.radiograph_uid == radiograph.uid


def test_a_stray_piece_is_dropped_and_a_hole_is_filled():
    task = Segmentation(legend_of(("heart",), chest_schema()), tiny())
    logits = np.full((1, 64, 64), -6.0)
    logits[0, 10:40, 10:40] = 6
    logits[0, 20:23, 20:23] = -6
    logits[0, 50:54, 50:54] = 6
    (mask,) = task.decode(logits, Letterbox(128, 128, 64), "uid", TEACHER)
    array = mask.array()
    assert array[24:76, 24:76].all() and not array[90:].any()
    assert task.decode(np.full((1, 64, 64), -6.0), Letterbox(50, 60, 64), "uid", TEACHER).objects == ()
