"""The other processes of a training: rank 0 prepares everything, and tells them what they need for their part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.learning.cache import TrainingCache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.rows import Rows
from XRayAILib.learning.task import Task, make_task
from XRayAILib.learning.training import Training, silent


def tell(processes: Processes, task: Task, cache: TrainingCache, parts: Mapping[str, Sequence[str]]) -> None:
    """Rank 0 says what is trained: the labels, what was learnt of the training part, the cache, and who is where.

    The cache's folder must be seen under the same path by all, so on several machines it lies on a shared disk.
    """
    processes.shared(
        {
            "legend": [label.document() for label in task.legend],
            "fitted": dict(task.fitted),
            "key": cache.key,
            "images": _described(cache.images),
            "targets": _described(cache.targets),
            "table": cache.table.tolist(),
            "rows": cache.rows,
            "parts": {part: list(uids) for part, uids in parts.items()},
        }
    )


def follow(config: TrainingConfig, processes: Processes, device: Device, job_folder: Path) -> dict[str, Any]:
    """What a process other than rank 0 does; it comes back when the training is over, with nothing to say."""
    try:
        told: dict[str, Any] = processes.shared({})
    except RuntimeError as error:
        raise TrainingError("Process 0 ended before the training began; it says why.") from error
    task = make_task(config, tuple(LearntLabel.from_document(label) for label in told["legend"]), told["fitted"])
    try:
        cache = _opened(told)
    except OSError as error:
        raise TrainingError(
            f"Process {processes.rank} cannot read the training cache {error.filename} ({error.strerror or error}). "
            "On several machines the project must lie on a disk that all of them see under the same path."
        ) from error
    Training(task, config, cache, told["parts"], job_folder, device, silent, processes=processes).run()
    return {}


def _described(rows: Rows) -> dict[str, Any]:
    """Where rows lie, for another process."""
    _, (files, segment_of, row_of) = rows.__reduce__()
    found = [(str(Path(path).resolve()), list(shape), kind) for path, shape, kind in files]
    return {"files": found, "segment_of": segment_of.tolist(), "row_of": row_of.tolist()}


def _opened(told: dict[str, Any]) -> TrainingCache:
    """The cache that process 0 has open, which keeps its files from being deleted."""

    def rows(name: str) -> Rows:
        files = [(path, tuple(shape), kind) for path, shape, kind in told[name]["files"]]
        return Rows(files, np.array(told[name]["segment_of"], np.int32), np.array(told[name]["row_of"], np.int64))

    table = np.array(told["table"], np.float32).reshape(len(told["rows"]), -1)
    return TrainingCache(told["key"], rows("images"), rows("targets"), table, told["rows"], ())
