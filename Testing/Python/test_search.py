"""A search tries settings, looks at the validation part only, and goes on where it was stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from learning_cases import make_project, tiny
from XRayAILib.learning import training, worker
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.search import search as module
from XRayAILib.learning.search.defaults import default_space
from XRayAILib.learning.search.progress import TrialEvents
from XRayAILib.learning.search.search import Search
from XRayAILib.learning.search.space import Range, Space
from XRayAILib.learning.task import task_names

needs_optuna = pytest.mark.skipif(bool(module.missing_text()), reason="Optuna is not installed")
SPACE = {
    "learning_rate": {"low": 0.002, "high": 0.02, "log": True},
    "batch_size": [2, 4],
    "network size": {
        "small": {"network_arguments.channels": [8, 8, 16, 32]},
        "usual": {"network_arguments.channels": [8, 16, 32, 64]},
    },
}


@pytest.fixture(scope="module")
def learnable(tmp_path_factory: pytest.TempPathFactory):
    with make_project(tmp_path_factory.mktemp("search")) as project:
        yield project


@pytest.mark.parametrize("task", [name for name in task_names() if name != "pretraining"])
def test_every_task_has_a_space_that_can_be_searched(task):
    for preset in ("quick", "standard", "best"):
        config = TrainingConfig.from_preset(preset, task)
        space = default_space(config)
        space.check(config)
        assert Space.from_document(space.document()) == space
        assert space.parts["learning_rate"].log and len(space.parts) >= 6


def test_a_space_says_what_is_wrong_with_it(tmp_path: Path):
    wrong = {
        "epochs": {"low": 5, "high": 5},
        "seed": [1],
        "size": 64,
        "weight_decay": {"low": 0, "high": 1, "log": True},
    }
    with pytest.raises(TrainingError) as caught:
        Space.from_document(wrong)
    for text in ("epochs: low (5)", "seed: a list needs", "size: 64 is neither", "weight_decay: with log"):
        assert text in str(caught.value)
    space = Space.from_document({"size": [64, 70], "batch": [1, 2]})
    with pytest.raises(TrainingError) as caught:
        space.check(tiny())
    assert "70 must be a multiple of 32" in str(caught.value) and "did you mean 'batch_size'" in str(caught.value)
    file = tmp_path / "space.yaml"
    file.write_text("epochs: {low: 1, high: 4, whole: true}\n")
    assert Space.read(file).parts == {"epochs": Range(1, 4, whole=True)}
    file.write_text("- epochs\n")
    with pytest.raises(TrainingError, match=r"space\.yaml: a search space is a mapping"):
        Space.read(file)


def test_without_optuna_it_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"\./xray install search"):
        Search(tmp_path, tiny(), Space.from_document(SPACE), tmp_path / "job")


class Told:
    """An Optuna trial that gives everything up once it was told twice."""

    def __init__(self) -> None:
        self.points: list[tuple[float, int]] = []

    def report(self, value: float, step: int) -> None:
        self.points.append((value, step))

    def should_prune(self) -> bool:
        return len(self.points) >= 2


def test_trials_are_compared_at_the_same_part_of_their_course():
    trial, heard = Told(), list[dict]()
    events = TrialEvents(heard.append, trial, Metric("dice", "Dice"), 1, 5, None)
    # One that goes on tells first what it had reached.
    events({"event": "metric", "name": "dice/validation", "step": 2, "value": 0.6})
    events({"event": "plan", "epochs": 8})
    assert trial.points == [(0.6, 25)] and not events.pruned
    events({"event": "metric", "name": "dice/validation", "step": 4, "value": 0.5})
    assert trial.points[1] == (0.6, 50), "a score that fell does not count against what was reached"
    assert events.pruned
    events({"event": "progress", "step": "train", "done": 4, "total": 8, "message": "Epoch 5 of 8"})
    assert (heard[-1]["done"], heard[-1]["total"]) == (1500, 5000) and heard[-1]["message"].startswith("Trial 2 of 5")


@needs_optuna
def test_a_search_is_stopped_goes_on_and_never_looks_at_the_test_part(learnable, tmp_path, monkeypatch):
    def looked(*arguments: object, **more: object) -> None:
        pytest.fail("the test part was looked at")

    monkeypatch.setattr(worker, "evaluate", looked)
    seen: set[str] = set()
    build = module.run_trial.__globals__["build_cache"]

    def watched(project, examples, *rest):
        seen.update(example.part for example in examples)
        return build(project, examples, *rest)

    monkeypatch.setitem(module.run_trial.__globals__, "build_cache", watched)
    events: list[dict] = []
    config, folder = tiny(epochs=2, name="better"), tmp_path / "job"

    def search() -> Search:
        return Search(learnable.folder, config, Space.from_document(SPACE), folder, trials=2, pruner="none")

    def in_the_first_trial() -> bool:
        return any(event["event"] == "progress" and "Epoch 2" in event["message"] for event in events)

    # On a fast machine an epoch is over before the next word is due.
    monkeypatch.setattr(training, "EVENT_SECONDS", 0.0)
    with pytest.raises(Cancelled):
        search().run(events.append, in_the_first_trial)
    stopped = folder / "trials" / "0000"
    assert (stopped / "checkpoint.safetensors").exists()
    values = TrainingConfig.read(stopped / "config.yaml").document()

    again: list[dict] = []
    result = search().run(again.append)
    assert any("Going on after step" in event["message"] for event in again if event["event"] == "note")
    assert [trial["state"] for trial in result["trials"]] == ["finished", "finished"]
    assert values["batch_size"] == int(result["trials"][0]["values"]["batch_size"]), "the first trial was drawn anew"
    assert seen == {"train", "validation"}
    scores = [trial["score"] for trial in result["trials"]]
    assert result["best"]["score"] == max(scores)
    best = TrainingConfig.read(Path(result["config"]))
    assert best.learning_rate == result["best"]["values"]["learning_rate"]
    assert (best.name, best.epochs, best.snapshot, best.pictures) == ("better", 2, "", 20.0)
    assert not list(folder.glob("trials/*/checkpoint.safetensors"))
    assert search().run(again.append)["trials"] == result["trials"], "a search that has ended does nothing"


@needs_optuna
def test_what_lies_behind_is_given_up_and_errors_are_told(learnable, tmp_path, monkeypatch):
    from types import SimpleNamespace

    def trained(project, config, folder, emit, cancelled, consent):
        emit({"event": "plan", "epochs": 10})
        for epoch in range(1, 11):
            value = epoch / 10 if config.batch_size == 4 else 0.01
            emit({"event": "metric", "name": "dice/validation", "step": epoch, "value": value})
            if cancelled():
                raise Cancelled
        return SimpleNamespace(best_score=value)

    monkeypatch.setattr(module, "run_trial", trained)
    space = Space.from_document({"batch_size": [2, 4]})
    result = Search(learnable.folder, tiny(), space, tmp_path / "job", trials=12).run(lambda event: None)
    by_state = {(trial["values"]["batch_size"], trial["state"]) for trial in result["trials"]}
    assert ("2", "given up") in by_state and ("4", "given up") not in by_state
    assert result["best"]["values"] == {"batch_size": "4"} and result["best"]["score"] == 1.0

    def broken(*arguments):
        raise TrainingError("The loss became nan.")

    monkeypatch.setattr(module, "run_trial", broken)
    with pytest.raises(TrainingError, match=r"first 3 trials failed. The last one: The loss became nan"):
        Search(learnable.folder, tiny(), space, tmp_path / "other", trials=12).run(lambda event: None)
