"""Training again with what was corrected since: both models are measured on the same images, and the better counts."""

import json
from types import SimpleNamespace

import pytest

from learning_cases import make_project, tiny
from XRayAILib.apps.jobs import train as train_job
from XRayAILib.learning.corrections import verdict
from XRayAILib.learning.corrections.gentle import gentle
from XRayAILib.learning.corrections.worker import NOTE, train_again
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.model import Model
from XRayAILib.learning.models.comparison import Compared
from XRayAILib.learning.worker import run_training
from XRayAILib.project.project import Project
from XRayAILib.workflow.prediction import find_models

DICE, MRE = Metric("dice", "Dice"), Metric("mre", "Mean radial error", "lower", 2)


def compared(difference: float, low: float | None, high: float | None, metric: str = "dice") -> Compared:
    return Compared("", metric, 0.9, 0.9 + difference, low, high)


@pytest.mark.parametrize(
    ("one", "metric", "is_worse"),
    [
        (compared(0.02, 0.01, 0.03), DICE, False),
        (compared(-0.004, -0.006, -0.002), DICE, False),  # clearly less, and too little to matter
        (compared(-0.02, -0.05, 0.01), DICE, False),  # not clear
        (compared(-0.02, -0.03, -0.012), DICE, True),  # clear
        (compared(-0.2, -0.5, 0.1), DICE, True),  # not clear, but too much to be taken for chance
        (compared(-0.02, None, None), DICE, True),  # one patient: no interval
        (compared(0.3, 0.2, 0.4, "mre"), MRE, True),  # an error is better where it is smaller
        (compared(-0.3, -0.4, -0.2, "mre"), MRE, False),
    ],
)
def test_worse_is_what_is_clearly_worse_or_much_worse(one, metric, is_worse):
    assert bool(verdict.worse(one, metric)) is is_worse


def test_the_score_of_all_classes_decides():
    task = SimpleNamespace(score=DICE, metrics=(DICE, Metric("iou", "IoU")))
    figures = [Compared("", "iou", 1, 1, 0, 0), Compared("heart", "dice", 1, 1, 0, 0), Compared("", "dice", 1, 1, 0, 0)]
    assert verdict.judged_by(figures, task) is figures[2]
    assert verdict.judged_by(figures[1:2], task) is figures[1]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A project with a trained model, and two images that were labelled after it."""
    folder = tmp_path_factory.mktemp("again")
    with make_project(folder, patients=14) as project:
        held = [image.uid for image in project.images()][-2:]
        for uid in held:
            project.exclude(uid, "later")
        run_training(project.folder, tiny(name="first"), folder / "job", lambda event: None)
        for uid in held:
            project.include(uid)
        return SimpleNamespace(project=project.folder, folder=folder, held=held)


def again(place, job: str, **changes):
    said: list[dict] = []
    with Project.open(place.project) as project:
        model = Model.load(project.models_folder / "first")
    config = gentle(model, **changes)
    options = {"config": config.document(), "again": "first"}
    (place.folder / job).mkdir(exist_ok=True)
    return train_job.run(place.project, options, place.folder / job, said.append, lambda: False), said


def test_a_model_goes_on_and_takes_the_place_of_the_one_before(place):
    result, said = again(place, "better", name="second")
    notes = [event["message"] for event in said if event.get("event") == "note"]
    assert notes[0].startswith("Images since then: 2 new")
    assert any("Starts from model first" in note for note in notes)
    assert result["trained"] and result["replaced"], result["reason"]
    old = result["tests"][0]
    assert old["part"] == "old" and old["judged"] == {"name": "", "metric": "dice"}
    first = next(one for one in old["figures"] if (one["name"], one["metric"]) == ("", "dice"))
    assert first["difference"] == pytest.approx(first["other"] - first["first"])
    made = Model.load(place.project / "models" / "second")
    parent = made.manifest["training"]["parent"]
    assert (parent["name"], parent["folder"]) == ("first", "first")
    assert sum(parent["new"].values()) == 2
    assert "Trained again from `first`" in (made.folder / "docs" / "README.md").read_text("utf-8")
    assert find_models(place.project / "models")[0].name == "second"
    assert (place.project / "models" / "first" / "manifest.json").is_file()

    with Project.open(place.project) as project:
        # From the new one, there is nothing more to learn.
        assert not train_again(project.folder, "second", gentle(made), place.folder / "nothing", lambda event: None)[
            "trained"
        ]
    assert not (place.folder / "nothing" / NOTE).exists()


def test_a_worse_model_is_kept_beside_and_is_not_the_current_one(place, monkeypatch):
    real = verdict.cases_of

    def spoilt(model, *rest):
        found = real(model, *rest)
        if model.name == "worse":
            found = {u: {n: {**f, "dice": f["dice"] / 2} for n, f in case.items()} for u, case in found.items()}
        return found

    monkeypatch.setattr("XRayAILib.learning.corrections.worker.cases_of", spoilt)
    result, _ = again(place, "worse", name="worse", epochs=1)
    assert result["replaced"] is False
    assert "clearly worse" in result["reason"] or "more than can be taken for chance" in result["reason"]
    assert "stays the current model" in result["message"]
    names = [entry.name for entry in find_models(place.project / "models")]
    assert names[-1] == "worse" and len(names) > 1
    assert (
        Model.load(place.project / "models" / "worse").digest
        == verdict.read_verdict(place.project / "models" / "worse")["model"]
    )
    # A verdict on another model of the name counts for nothing.
    path = verdict.verdict_path(place.project / "models" / "worse")
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "model": "0" * 64}), "utf-8")
    assert not verdict.is_set_aside(place.project / "models" / "worse")


def test_a_job_that_was_stopped_while_comparing_does_not_train_again(place, monkeypatch):
    def stop(*_):
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("XRayAILib.learning.corrections.worker.cases_of", stop)
        with pytest.raises(RuntimeError):
            again(place, "stopped", name="third", epochs=1)
    monkeypatch.setattr("XRayAILib.learning.corrections.worker.run_training", stop)
    config = tiny(name="third")
    # As the panel and --resume start it: with nothing but the configuration.
    result = train_job.run(
        place.project, {"config": config.document()}, place.folder / "stopped", lambda event: None, lambda: False
    )
    assert result["trained"] and result["tests"] and result["name"] == "third"
