"""One training in several processes, on one machine or on several::

    torchrun --nproc-per-node 4 -m XRayAILib.apps.distributed PROJECT --config training.yaml

``torchrun`` comes with PyTorch. Each process takes its part of every batch: a GPU where there are enough, else CPU
cores. The training is a job of the project as any other: process 0 writes its events, checkpoint and model, Ctrl-C
leaves a checkpoint, and the same command with ``--job FOLDER`` goes on from it, also with another number of processes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.job import Orders, job_alone, words_for
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.processes import rank_and_size
from XRayAILib.workflow.job import CANCEL, EVENTS, REQUEST


def main(arguments: list[str] | None = None) -> int:
    """Take part in the training; the exit status is 0 unless it failed."""
    chosen = _parser().parse_args(arguments)
    rank, _ = rank_and_size()
    asked = _Asked()
    try:
        config = _config(chosen)
        if rank:
            _train(chosen.project, config, chosen.project, _silent, asked)
            return 0
        folder = _job_folder(chosen, config)
        print(f"Job: {folder}", flush=True)
        orders = Orders(folder, os.getppid())
        with (folder / EVENTS).open("a", encoding="utf-8") as events:

            def emit(event: dict[str, Any]) -> None:
                events.write(json.dumps(event, ensure_ascii=False) + "\n")
                events.flush()
                _show(event)

            try:
                with job_alone(folder, emit, orders):
                    _train(chosen.project, config, folder, emit, lambda: asked() or orders())
            except Cancelled:
                emit({"event": "cancelled"})
                print(f"Stopped. The same command with --job {folder} goes on from there.", flush=True)
            except Exception as error:
                emit({"event": "error", "message": words_for(error)})
                raise
    except Cancelled:
        return 0
    except TrainingError as error:
        print(f"Process {rank}: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _train(project: Path, config: TrainingConfig, folder: Path, emit: Emit, cancelled: Callable[[], bool]) -> None:
    from XRayAILib.learning.worker import run_training

    result = run_training(project, config, folder, emit, cancelled)
    if result:
        emit({"event": "result", **result})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="torchrun ... -m XRayAILib.apps.distributed", description=__doc__)
    parser.add_argument("project", type=Path, help="folder of the project, the same for all processes")
    parser.add_argument("--config", type=Path, help="training configuration (YAML)")
    parser.add_argument("--task", default="segmentation")
    parser.add_argument("--preset", default="standard", help="where there is no configuration file")
    parser.add_argument("--job", type=Path, help="folder of a stopped training to go on with, or for a new one")
    return parser


def _config(chosen: argparse.Namespace) -> TrainingConfig:
    request = chosen.job / REQUEST if chosen.job else None
    if request is not None and request.is_file():
        return TrainingConfig.from_document(json.loads(request.read_text("utf-8"))["options"]["config"])
    if chosen.config:
        return TrainingConfig.read(chosen.config)
    return TrainingConfig.from_preset(chosen.preset, chosen.task)


def _job_folder(chosen: argparse.Namespace, config: TrainingConfig) -> Path:
    """The job's folder with its request, as :class:`XRayAILib.workflow.job.Job` leaves it."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-train-{uuid.uuid4().hex[:6]}"
    folder = (chosen.job or chosen.project / "jobs" / name).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in (EVENTS, CANCEL):
        (folder / old).unlink(missing_ok=True)
    request = {
        "kind": "train",
        "project": str(chosen.project.resolve()),
        "options": {"config": config.document()},
        "parent": os.getppid(),
    }
    temporary = folder / (REQUEST + ".part")
    temporary.write_text(json.dumps(request, indent=1), "utf-8")
    # The others may be reading it.
    temporary.replace(folder / REQUEST)
    return folder


class _Asked:
    """Whether somebody pressed Ctrl-C, or torchrun asked to end; the step at hand is finished before."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._note)

    def __call__(self) -> bool:
        return self._asked

    def _note(self, *_: object) -> None:
        self._asked = True


def _silent(event: dict[str, Any]) -> None:
    """Only process 0 speaks."""


def _show(event: dict[str, Any]) -> None:
    kind = event["event"]
    if kind in ("plan", "note", "error"):
        print(event["message"], flush=True)
    elif kind == "metric" and event["name"] != "loss/step" and event["name"].count("/") == 1:
        print(f"epoch {event['step']:4}  {event['name']:24} {event['value']:.4g}", flush=True)
    elif kind == "result":
        print(f"{event['score_title']} {event['score']:.4f} on the test part; model {event['model']}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
