"""``xrayai runs`` and ``xrayai search``: trainings side by side, whatever became of them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from learning_cases import make_project, tiny
from XRayAILib.apps import search as search_app
from XRayAILib.apps.cli import app
from XRayAILib.apps.jobs import search as search_job
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.search import search as search_module
from XRayAILib.learning.worker import run_training
from XRayAILib.project.lock import lock
from XRayAILib.project.project import Project
from XRayAILib.workflow.runs import NoRunError, chosen_runs, differing, project_runs, run_table


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which no line is broken."""
    monkeypatch.setattr("XRayAILib.apps.console.console.width", 400)


def job(project: Project, name: str, config: TrainingConfig, *events: dict) -> Path:
    """A training's folder as a job leaves it."""
    folder = project.jobs_folder / name
    folder.mkdir(parents=True)
    request = {"kind": "train", "project": str(project.folder), "options": {"config": config.document()}, "parent": 1}
    (folder / "request.json").write_text(json.dumps(request))
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    return folder


def dice(epoch: int, value: float) -> dict:
    return {"event": "metric", "name": "dice/validation", "step": epoch, "value": value}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    """A project with one finished training, as a job of it leaves it."""
    folder = tmp_path_factory.mktemp("runs")
    with make_project(folder) as project:
        events: list[dict] = []
        config = tiny(epochs=2, name="first")
        place = project.jobs_folder / "20260301-120000-train-aaaaaa"
        result = run_training(project.folder, config, place, events.append)
        shutil.move(place, folder / "kept")
        job(project, place.name, config, *events, {"event": "result", **result})
        yield project, result


@pytest.fixture
def project(trained):
    """The same with three that did not come to their end; one works still."""
    project, _ = trained
    slow = tiny(epochs=8, learning_rate=0.001, name="slow")
    plan = {"event": "plan", "epochs": 8}
    job(
        project, "20260302-120000-train-b", slow, plan, dice(1, 0.4), dice(2, 0.6), dice(3, 0.5), {"event": "cancelled"}
    )
    job(project, "20260303-120000-train-c", slow, {"event": "error", "message": "The loss became nan."})
    folder = job(project, "20260304-120000-train-d", tiny(batch_size=2), plan, dice(1, 0.3))
    with (folder / "events.jsonl").open("a") as stream:
        stream.write('{"event": "metric", "name": "dice/val')  # killed in the middle of a word
    other = job(project, "20260305-120000-train-e", TrainingConfig.from_preset("quick", "landmarks"))
    damaged = project.jobs_folder / "20260306-120000-train-f"
    damaged.mkdir()
    (damaged / "request.json").write_text("{")
    yield project
    for path in (*project.jobs_folder.glob("2026030[2-6]*"), other):
        shutil.rmtree(path, ignore_errors=True)


def test_every_training_is_listed_with_what_became_of_it(project, trained):
    _, result = trained
    runs = project_runs(project)
    states = {run.key: run.state for run in runs}
    assert list(states.values()) == ["finished", "interrupted", "interrupted", "failed", "stopped"]
    first = runs[0]
    assert (first.key, first.job, first.epochs, first.planned) == ("first", "20260301-120000-train-aaaaaa", 2, 2)
    assert first.figure["value"] == result["score"] and first.digest == result["digest"]
    assert [value for _, value in first.curves["dice/validation"]] == [e["dice/validation"] for e in result["history"]]
    assert first.best_score == pytest.approx(max(e["dice/validation"] for e in result["history"]), abs=1e-5)
    stopped = runs[4]
    assert (stopped.epochs, stopped.planned, stopped.best_score) == (3, 8, 0.6)
    killed = runs[2]
    assert killed.curves == {"dice/validation": [(1.0, 0.3)]}
    with lock(project.jobs_folder / killed.job / "lock") as held:
        assert held
        assert project_runs(project)[2].state == "running"


def test_a_model_whose_job_is_gone_is_still_a_training(project, trained):
    folder = project.jobs_folder / "20260301-120000-train-aaaaaa"
    away = folder.rename(project.folder / "away")
    try:
        (run,) = [run for run in project_runs(project) if run.state == "finished"]
    finally:
        away.rename(folder)
    assert (run.key, run.job, run.epochs, run.snapshot != "") == ("first", "", 2, True)


def test_what_differs_becomes_a_column(project):
    runs = chosen_runs(project_runs(project), ["first", "20260302-120000-train-b", "20260304-120000-train-d"])
    settings = differing(runs)
    assert settings == ["epochs", "batch_size", "learning_rate"]
    columns, rows = run_table(runs, settings)
    assert columns[-3:] == settings and [row[-1] for row in rows] == ["0.01", "0.001", "0.01"]
    assert rows[1][columns.index("Epochs")] == "3 of 8"
    assert rows[0][columns.index("Test")].startswith("Dice 0.")
    with pytest.raises(NoRunError, match=r"no training 'second'; there are first, 20260305"):
        chosen_runs(project_runs(project), ["second"])
    with pytest.raises(NoRunError, match="different tasks"):
        chosen_runs(project_runs(project), ["first", "20260305-120000-train-e"])


def told(*arguments: object) -> str:
    """What a command prints; it must end well."""
    answer = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_the_commands_show_the_table_and_write_the_page(project, tmp_path):
    listed = told("runs", "list", "--project", project.folder)
    assert "first" in listed and "The loss became nan." in listed and "landmarks" in listed
    names = [run["key"] for run in json.loads(told("runs", "list", "-p", project.folder, "--json"))["runs"]]
    assert len(names) == 5
    page = tmp_path / "compared.html"
    keys = [name for name in names if not name.startswith("20260305")]
    shown = told("runs", "compare", *keys, "--project", project.folder, "--report", page)
    assert "learning_rate" in shown and str(page) in shown
    text = page.read_text("utf-8")
    for words in ("Dice, validation part", "20260302-120000-train-b", "The loss became nan.", "3 of 8"):
        assert words in text, words
    assert text.count("<svg") >= 2 and "<script" not in text and "http://" not in text.split("<svg")[0]


@pytest.mark.skipif(bool(search_module.missing_text()), reason="Optuna is not installed")
def test_the_search_prints_its_trials_and_how_to_train_with_the_best(trained, tmp_path, monkeypatch):
    project, _ = trained

    def run_trial(project, config, folder, emit, cancelled, consent):
        return SimpleNamespace(best_score=0.9 if config.batch_size == 4 else 0.5)

    def follow(job, bar):
        return search_job.run(project.folder, job.options, job.folder, events.append, lambda: False)

    def start(place, kind, options, folder=None):
        return SimpleNamespace(options=options, folder=tmp_path / "job")

    events: list[dict] = []
    monkeypatch.setattr(search_module, "run_trial", run_trial)
    monkeypatch.setattr(search_app, "follow", follow)
    monkeypatch.setattr(search_app.Job, "start", start)
    space = tmp_path / "space.yaml"
    space.write_text("batch_size: [2, 4]\nlearning_rate: {low: 0.001, high: 0.01, log: true}\n")
    more = ("--set", "size=64", "--set", "device=cpu", "--name", "better")
    shown = told("search", "-p", project.folder, "--trials", 6, "--space", space, "--pruner", "none", *more)
    best = tmp_path / "job" / "best.yaml"
    assert f"xrayai train --project {project.folder} --config {best}" in shown
    assert "0.9000" in shown and shown.count("finished") == 6
    config = TrainingConfig.read(best)
    assert (config.batch_size, config.name, config.size) == (4, "better", 64)
    assert 0.001 <= config.learning_rate <= 0.01
    assert [event["number"] for event in events if event["event"] == "trial"] == [1, 2, 3, 4, 5, 6]
