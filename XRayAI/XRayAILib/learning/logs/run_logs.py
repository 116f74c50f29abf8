"""RunLogs: listens to the events of a training and writes them down for TensorBoard and MLflow.

::

    with RunLogs(config, job_folder, emit) as logs:
        train(..., logs.emit)

A training that goes on from its checkpoint goes on in the same run: what was written of an epoch before is not written
again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from XRayAILib.learning.cache import Emit
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.logs.packages import missing_text

STATE = "logs.json"
"""In the job's folder: how far the logs are, and what their runs are called."""


class LogWriter(Protocol):
    """A program's log of one run."""

    def begin(self, config: TrainingConfig) -> None:
        """A new run; not called where one goes on."""

    def scalar(self, name: str, value: float, step: int) -> None: ...

    def picture(self, path: Path, kind: str, step: int) -> None: ...

    def finish(self, result: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        """The figures on the test part by name, and everything else that the training reached."""

    def flush(self) -> None:
        """What was written so far survives a kill."""

    def close(self, ended: str) -> None:
        """``finished``, ``stopped`` or ``failed``."""

    @property
    def state(self) -> dict[str, Any]:
        """What it takes to go on with the run; plain."""


class RunLogs:
    """The logs that a configuration asks for; without any, it hands events on and does nothing else.

    Attributes
    ----------
    emit
        Takes the events of the training, and hands them on.
    """

    def __init__(self, config: TrainingConfig, folder: Path, emit: Emit) -> None:
        self._config, self._folder, self._hand_on = config, folder, emit
        self._writers: dict[str, LogWriter] = {}
        self._last: dict[str, int] = {}
        self._finished = False

    def __enter__(self) -> RunLogs:
        if problem := missing_text(self._config.logs):
            raise TrainingError(problem)
        path = self._folder / STATE
        state = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        self._last = {str(name): int(step) for name, step in state.get("last", {}).items()}
        for kind in self._config.logs:
            known = state.get("runs", {}).get(kind)
            self._writers[kind] = _opened(kind, self._folder, known or {})
            if known is None:
                self._writers[kind].begin(self._config)
        self._keep()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from XRayAILib.learning.cache import Cancelled

        stopped = kind is not None and issubclass(kind, Cancelled)
        ended = "finished" if self._finished else "stopped" if stopped else "failed"
        if self._writers:
            self._keep()
        for writer in self._writers.values():
            writer.close(ended)

    def emit(self, event: dict[str, Any]) -> None:
        """Write down what belongs into a log, and hand the event on."""
        self._hand_on(event)
        if not self._writers:
            return
        if event["event"] == "metric" and self._is_new(event["name"], int(event["step"])):
            for writer in self._writers.values():
                writer.scalar(event["name"], float(event["value"]), int(event["step"]))
            if event["name"] == "learning_rate":
                # Once an epoch.
                self._keep()
        elif event["event"] == "picture" and self._is_new(f"picture/{event['kind']}", int(event["epoch"])):
            for writer in self._writers.values():
                writer.picture(self._folder / event["path"], event["kind"], int(event["epoch"]))
        elif event["event"] == "model":
            self._finish(event)

    def _finish(self, result: Mapping[str, Any]) -> None:
        self._finished = True
        figures = dict(_figures(result.get("metrics", {})))
        for writer in self._writers.values():
            writer.finish(result, figures)

    def _is_new(self, name: str, step: int) -> bool:
        if step <= self._last.get(name, -1):
            return False
        self._last[name] = step
        return True

    def _keep(self) -> None:
        if not self._writers:
            return
        for writer in self._writers.values():
            writer.flush()
        path = self._folder / STATE
        part = path.with_name(path.name + ".part")
        runs = {kind: writer.state for kind, writer in self._writers.items()}
        part.write_text(json.dumps({"last": self._last, "runs": runs}), "utf-8")
        part.replace(path)


def _opened(kind: str, folder: Path, state: Mapping[str, Any]) -> LogWriter:
    if kind == "tensorboard":
        from XRayAILib.learning.logs.tensorboard_log import TensorBoardLog

        return TensorBoardLog(folder / kind)
    from XRayAILib.learning.logs.mlflow_log import MLflowLog

    return MLflowLog(folder / kind, state)


def _figures(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """``test/dice``, ``test/dice/heart``, and their intervals as ``.../low`` and ``.../high``."""
    parts = [("", metrics.get("overall", {})), *((f"/{name}", of) for name, of in metrics.get("labels", {}).items())]
    for label, figures in parts:
        for metric, figure in figures.items():
            for key, ending in (("value", ""), ("low", "/low"), ("high", "/high")):
                if figure.get(key) is not None:
                    yield f"test/{metric}{label}{ending}", float(figure[key])
