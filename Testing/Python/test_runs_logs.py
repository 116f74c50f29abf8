"""TensorBoard and MLflow get a run of a training, one run also where it was stopped and went on."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from learning_cases import make_project, tiny
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.logs import packages
from XRayAILib.learning.logs.run_logs import STATE, RunLogs
from XRayAILib.learning.readiness import check_training
from XRayAILib.learning.worker import run_training


def nothing(event: dict) -> None:
    """Nobody listens."""


def test_what_is_not_installed_is_said_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setitem(packages.NEEDED, "tensorboard", ("no_such_module",))
    config = tiny(logs=("tensorboard",))
    with make_project(tmp_path) as project:
        problems = check_training(project, config, deep=False).errors
    assert [problem.kind for problem in problems] == ["logs"]
    assert "./xray install logs" in problems[0].text and "no_such_module" in problems[0].text
    with pytest.raises(TrainingError, match="no_such_module is not installed"), RunLogs(config, tmp_path, nothing):
        pytest.fail("it began without its package")


def test_a_training_that_goes_on_is_one_run_of_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events: list[dict] = []

    def second_epoch() -> bool:
        return any(
            event["event"] == "metric" and event["step"] == 2 and "/validation" in event["name"] for event in events
        )

    config, job = tiny(epochs=3, logs=("tensorboard",)), tmp_path / "job"
    with make_project(tmp_path) as project:
        with pytest.raises(Cancelled):
            run_training(project.folder, config, job, events.append, second_epoch)
        result = run_training(project.folder, config, job, nothing)
    log = EventAccumulator(str(job / "tensorboard"))
    log.Reload()
    tags = log.Tags()
    for name in ("loss/train", "dice/validation", "learning_rate"):
        assert [point.step for point in log.Scalars(name)] == [1, 2, 3], name
    assert [round(point.value, 4) for point in log.Scalars("dice/validation")] == [
        pytest.approx(entry["dice/validation"], abs=1e-4) for entry in result["history"]
    ]
    assert log.Scalars("test/dice")[0].value == pytest.approx(result["score"], abs=1e-6)
    assert {"samples/batch", "samples/validation"} <= set(tags["images"])
    assert Counter(tag.partition("/")[0] for tag in tags["tensors"])["configuration"] == 1


def test_mlflow_gets_configuration_curves_and_figures(tmp_path):
    pytest.importorskip("mlflow")
    figures = {"dice": {"value": 0.9, "low": 0.8, "high": 0.95}}
    metrics = {"overall": figures, "labels": {"left lung": figures}}
    picture = tmp_path / "pictures" / "batch.png"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    config = tiny(logs=("mlflow",), name="first")
    with pytest.raises(Cancelled), RunLogs(config, tmp_path, nothing) as logs:
        logs.emit({"event": "metric", "name": "dice/validation", "step": 1, "value": 0.5})
        logs.emit({"event": "picture", "path": "pictures/batch.png", "kind": "batch", "epoch": 0})
        raise Cancelled
    with RunLogs(config, tmp_path, nothing) as logs:
        for step, value in ((1, 0.5), (2, 0.75)):
            logs.emit({"event": "metric", "name": "dice/validation", "step": step, "value": value})
        logs.emit({"event": "model", "metrics": metrics, "best_epoch": 2, "digest": "abc"})

    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{(tmp_path / 'mlflow' / 'mlflow.db').as_posix()}")
    (experiment,) = [one for one in client.search_experiments() if one.name == "segmentation"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_id == json.loads((tmp_path / STATE).read_text())["runs"]["mlflow"]["run"]
    assert (run.info.status, run.info.run_name, run.data.tags["digest"]) == ("FINISHED", "first", "abc")
    history = client.get_metric_history(run.info.run_id, "dice/validation")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.75)]
    assert run.data.metrics["test/dice/left lung/high"] == 0.95
    assert run.data.params["augmentation.rotation"] == "5.0"
    assert [item.path for item in client.list_artifacts(run.info.run_id, "samples")] == ["samples/batch.png"]
