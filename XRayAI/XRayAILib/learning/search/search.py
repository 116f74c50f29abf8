"""A search for better settings: trainings one after the other, each chosen by Optuna from what those before it gave.

A trial is judged by its best score on the validation part. One that lies behind the others at the same point of its
course is given up. The study is an SQLite file in the job's folder: after a kill or a stop, the same folder goes on
with the trial that was interrupted, from its checkpoint.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.readiness import require_ready
from XRayAILib.learning.search.progress import TrialEvents
from XRayAILib.learning.search.space import Space, rounded
from XRayAILib.learning.search.trial import run_trial
from XRayAILib.learning.splits import split
from XRayAILib.learning.task import task_class
from XRayAILib.learning.training import CHECKPOINT
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project

STUDY, BEST, STATE, TRIALS = "study.db", "best.yaml", "search.json", "trials"
PRUNERS = ("median", "hyperband", "none")
FAILURES = 3
"""So many trials that fail before one succeeds end the search."""


def missing_text() -> str:
    """Why there can be no search here, and what to do; empty where there can."""
    if find_spec("optuna") is not None:
        return ""
    return (
        "A search needs Optuna, which is not installed. Install it with  ./xray install search  (or: pip install "
        "'xrayai[search]')."
    )


class Search:
    """A search in a job's folder.

    Parameters
    ----------
    config
        Everything that is not varied; its ``minutes`` limit each trial, where ``minutes`` does not.
    trials
        Trials altogether, those given up included.
    minutes
        For the whole search, 0 for no limit: each trial gets its share, and none begins after it.
    pruner
        ``median`` gives up what lies below the median of the others, ``hyperband`` most trials early, ``none`` nothing.
    """

    def __init__(
        self,
        project_folder: Path,
        config: TrainingConfig,
        space: Space,
        folder: Path,
        trials: int = 20,
        minutes: float = 0.0,
        pruner: str = "median",
        consent_download: bool = False,
    ) -> None:
        if problem := missing_text():
            raise TrainingError(problem)
        if pruner not in PRUNERS:
            raise TrainingError(f"There is no pruner '{pruner}'; there are {', '.join(PRUNERS)}.")
        if trials < 1:
            raise TrainingError(f"A search of {trials} trials finds nothing; 1 is the least.")
        space.check(config)
        self.config, self.space, self.folder, self.trials = config, space, folder, trials
        self._project_folder, self._minutes = project_folder, minutes
        self._pruner, self._consent = pruner, consent_download
        self._score = task_class(config.task).score
        self._begun = time.monotonic()
        self._spent = 0.0

    def run(self, emit: Emit, cancelled: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Search to the end.

        Returns
        -------
        dict
            ``best``: number, ``score`` and ``values``; ``config``: file of the best configuration; ``score_name``,
            ``score_title``; ``trials``: all, as in :meth:`table`; ``seconds``.

        Raises
        ------
        Cancelled
            ``cancelled`` said so; the same folder goes on.
        TrainingError
            What is wrong and what to do; no trial came to a score.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            return self._run(emit, cancelled)
        finally:
            self._keep()

    def _run(self, emit: Emit, cancelled: Callable[[], bool]) -> dict[str, Any]:
        snapshot = self._snapshot(emit)
        study = self._study()
        self._take_up(study)
        project = PinnedProject.at(self._project_folder, snapshot)
        with project:
            while True:
                done = self._done(study)
                late = bool(self._minutes) and self._seconds() >= self._minutes * 60
                if len(done) >= self.trials or (late and done):
                    break
                self._trial(study, project, snapshot, len(done), emit, cancelled)
        return self._result(study, emit)

    def _snapshot(self, emit: Emit) -> str:
        """What all trials learn from; the same after the search went on."""
        path = self.folder / STATE
        if path.is_file():
            known = json.loads(path.read_text("utf-8"))
            self._spent = float(known["seconds"])
            self._snapshot_digest = str(known["snapshot"])
            return self._snapshot_digest
        with Project.open(self._project_folder) as project:
            ready = require_ready(project, self.config, emit, self._consent)
            if not self.config.snapshot:
                split(project, ready.examples, self.config)
            self._snapshot_digest = self.config.snapshot or project.snapshots.create().digest
        self._keep()
        return self._snapshot_digest

    def _keep(self) -> None:
        if not hasattr(self, "_snapshot_digest"):
            return
        part = self.folder / f"{STATE}.part"
        part.write_text(json.dumps({"snapshot": self._snapshot_digest, "seconds": self._seconds()}), "utf-8")
        part.replace(self.folder / STATE)

    def _seconds(self) -> float:
        return self._spent + time.monotonic() - self._begun

    def _study(self) -> Any:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruners = {
            # Points are percents of a trial's epochs; the first fifth says little.
            "median": lambda: optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=20),
            "hyperband": lambda: optuna.pruners.HyperbandPruner(min_resource=10, max_resource=100),
            "none": optuna.pruners.NopPruner,
        }
        storage = f"sqlite:///{(self.folder / STUDY).resolve().as_posix()}"
        study = optuna.create_study(
            study_name="search",
            storage=storage,
            load_if_exists=True,
            direction="maximize" if self._score.better == "higher" else "minimize",
            pruner=pruners[self._pruner](),
        )
        # Where it goes on, it must not draw the first trials' numbers again.
        study.sampler = optuna.samplers.TPESampler(seed=(self.config.seed + len(study.trials)) % 2**32)
        return study

    def _take_up(self, study: Any) -> None:
        """A trial that was interrupted is the next one, and its folder has its checkpoint."""
        from optuna.trial import TrialState

        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            folder = str(trial.user_attrs.get("folder", f"{trial.number:04d}"))
            # Without all its values, its first start did not come far enough to be worth anything.
            if set(trial.params) == set(self.space.parts):
                study.enqueue_trial(trial.params, user_attrs={"folder": folder})
            study.tell(trial.number, state=TrialState.FAIL)

    def _done(self, study: Any) -> list[Any]:
        """Trials that came to an end: with a score, given up, or with an error."""
        from optuna.trial import TrialState

        ended = (TrialState.COMPLETE, TrialState.PRUNED)
        return [trial for trial in study.trials if trial.state in ended or "error" in trial.user_attrs]

    def _trial(
        self, study: Any, project: PinnedProject, snapshot: str, before: int, emit: Emit, cancelled: Callable[[], bool]
    ) -> None:
        from optuna.trial import TrialState

        trial = study.ask()
        name = str(trial.user_attrs.get("folder", f"{trial.number:04d}"))
        trial.set_user_attr("folder", name)
        values = self.space.suggested(trial)
        folder = self.folder / TRIALS / name
        events = TrialEvents(emit, trial, self._score, before, self.trials, self._best(study))
        config = self._config(values, snapshot, folder, before)
        begun = time.monotonic()
        state, score = "COMPLETE", None
        try:
            outcome = run_trial(project, config, folder, events, lambda: events.pruned or cancelled(), self._consent)
            score = outcome.best_score
            if score is None or not math.isfinite(score):
                raise TrainingError(f"It has no {self._score.title} on the validation part.")
        except Cancelled:
            if not events.pruned or cancelled():
                # The study still has it as running: so it is found when the search goes on.
                raise
            state = "PRUNED"
        except TrainingError as error:
            state = "FAIL"
            trial.set_user_attr("error", str(error))
        trial.set_user_attr("seconds", round(time.monotonic() - begun, 1))
        study.tell(trial, score if state == "COMPLETE" else None, state=TrialState[state])
        (folder / CHECKPOINT).unlink(missing_ok=True)
        shutil.rmtree(folder / "pictures", ignore_errors=True)
        self._keep()
        shown = score if state == "COMPLETE" else events.best
        told = _plain(values)
        emit({"event": "trial", "number": before + 1, "state": state, "score": shown, "values": told})
        words = "no score" if shown is None else f"{self._score.title} {self._score.text(shown)}"
        words += {"PRUNED": ", given up", "FAIL": ", failed"}.get(state, "")
        settings = ", ".join(f"{key} {value}" for key, value in told.items())
        emit({"event": "note", "message": f"Trial {before + 1}: {words} ({settings})"})
        if state == "COMPLETE":
            emit({"event": "metric", "name": f"search/{self._score.name}", "step": before + 1, "value": score})
        self._refuse_only_failures(study)

    def _config(self, values: Mapping[str, Any], snapshot: str, folder: Path, before: int) -> TrainingConfig:
        """Of a trial. The share of the time it gets is settled when it first begins, so that it can go on."""
        path = folder / "config.yaml"
        if path.is_file():
            return TrainingConfig.read(path)
        minutes = self.config.minutes
        if self._minutes:
            left = max(0.05, self._minutes - self._seconds() / 60)
            share = left / max(1, self.trials - before)
            minutes = min(minutes, share) if minutes else share
        more = {"snapshot": snapshot, "minutes": minutes, "logs": [], "pictures": 0.0}
        config = self.space.config(self.config, values, **more)
        folder.mkdir(parents=True, exist_ok=True)
        config.write(path)
        return config

    def _refuse_only_failures(self, study: Any) -> None:
        done = self._done(study)
        errors = [str(trial.user_attrs["error"]) for trial in done if "error" in trial.user_attrs]
        if len(errors) == len(done) and len(done) >= min(FAILURES, self.trials):
            raise TrainingError(f"All of the first {len(done)} trials failed. The last one: {errors[-1]}")

    def _best(self, study: Any) -> Any:
        from optuna.trial import TrialState

        found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not found:
            return None
        return (max if self._score.better == "higher" else min)(found, key=lambda trial: trial.value)

    def table(self, study: Any) -> list[dict[str, Any]]:
        """``number``, ``state``, ``score``, ``values``, ``seconds`` and ``error`` of each trial, in their order."""
        rows = []
        for number, trial in enumerate(self._done(study), 1):
            reported = list(trial.intermediate_values.values())
            best = (max if self._score.better == "higher" else min)(reported) if reported else None
            rows.append(
                {
                    "number": number,
                    "state": {"COMPLETE": "finished", "PRUNED": "given up"}.get(trial.state.name, "failed"),
                    "score": trial.value if trial.state.name == "COMPLETE" else best,
                    "values": _plain(trial.params),
                    "seconds": trial.user_attrs.get("seconds"),
                    "error": trial.user_attrs.get("error", ""),
                }
            )
        return rows

    def _result(self, study: Any, emit: Emit) -> dict[str, Any]:
        best = self._best(study)
        if best is None:
            raise TrainingError("No trial came to a score; give the search more time or more trials.")
        done = self._done(study)
        path = self.folder / BEST
        self.space.config(self.config, best.params).write(path)
        emit({"event": "note", "message": f"The best configuration: {path}"})
        number = 1 + [trial.number for trial in done].index(best.number)
        return {
            "best": {"number": number, "score": best.value, "values": _plain(best.params)},
            "config": str(path),
            "task": self.config.task,
            "score_name": self._score.name,
            "score_title": self._score.title,
            "trials": self.table(study),
            "seconds": round(self._seconds(), 1),
        }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: rounded(value) for name, value in values.items()}
