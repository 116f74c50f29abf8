"""A run for MLflow, in an SQLite file of the job's folder: ``mlflow ui --backend-store-uri sqlite:///FILE``.

MLflow gave its store of plain files up for new things, so it is SQLite. Nothing is sent anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.logs.plain import plain_settings

STORE, ARTIFACTS = "mlflow.db", "artifacts"
ENDED = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
LONGEST = 5900
"""Letters of a parameter; MLflow takes 6000."""


class MLflowLog:
    """One run; ``state`` of an earlier start to go on with it."""

    def __init__(self, folder: Path, state: Mapping[str, Any]) -> None:
        # It counts its users unless it is told not to before it is loaded.
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["DO_NOT_TRACK"] = "true"
        from mlflow.entities import Metric
        from mlflow.tracking import MlflowClient

        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._metric = folder, Metric
        self._client: Any = MlflowClient(tracking_uri=f"sqlite:///{(folder / STORE).resolve().as_posix()}")
        self._run = str(state.get("run", ""))
        self._waiting: list[Any] = []
        if self._run:
            self._client.update_run(self._run, status="RUNNING")

    def begin(self, config: TrainingConfig) -> None:
        place = (self._folder / ARTIFACTS).resolve().as_uri()
        found = self._client.get_experiment_by_name(config.task)
        experiment = found.experiment_id if found else self._client.create_experiment(config.task, place)
        self._run = self._client.create_run(experiment, run_name=config.name).info.run_id
        for name, value in plain_settings(config.document()).items():
            self._client.log_param(self._run, _key(name), value[:LONGEST])

    def scalar(self, name: str, value: float, step: int) -> None:
        import time

        self._waiting.append(self._metric(_key(name), value, int(time.time() * 1000), step))

    def picture(self, path: Path, kind: str, step: int) -> None:
        self._client.log_artifact(self._run, str(path), "samples")

    def finish(self, result: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.scalar(name, value, int(result.get("best_epoch") or 0))
        for name in ("name", "digest", "model", "epochs", "best_epoch", "stopped", "seconds"):
            if name in result:
                self._client.set_tag(self._run, name, str(result[name]))

    def flush(self) -> None:
        # One transaction for an epoch: single ones would cost a write to the disk each.
        for start in range(0, len(self._waiting), 1000):
            self._client.log_batch(self._run, metrics=self._waiting[start : start + 1000])
        self._waiting = []

    def close(self, ended: str) -> None:
        self.flush()
        self._client.set_terminated(self._run, ENDED[ended])

    @property
    def state(self) -> dict[str, Any]:
        return {"run": self._run}


def _key(name: str) -> str:
    """MLflow takes letters, digits, ``_ - . / :`` and spaces."""
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "_-./: ") else "-" for letter in name)
