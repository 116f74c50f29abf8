"""A training from the project to the model, for a process of its own."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from XRayAILib import __version__
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import now
from XRayAILib.learning.cache import Emit, build_cache, sweep
from XRayAILib.learning.card import counts_text
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device, choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.run import evaluate, kept
from XRayAILib.learning.examples import Example, gather
from XRayAILib.learning.fitting import fitted_after, learnt_before
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.logs.run_logs import RunLogs
from XRayAILib.learning.model import Model, write_model
from XRayAILib.learning.processes import Processes
from XRayAILib.learning.ranks import follow, tell
from XRayAILib.learning.readiness import require_ready
from XRayAILib.learning.splits import OUTSIDE, PARTS, kept_apart, label_counts, part_of, said_in, split
from XRayAILib.learning.start.begin import begun
from XRayAILib.learning.task import Task, make_task, task_class
from XRayAILib.learning.training import CHECKPOINT, Outcome, Training
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project

RESULT = (
    *("model", "name", "digest", "task", "score_name", "score", "metrics"),
    *("epochs", "best_epoch", "stopped", "seconds"),
)
"""Of a result, what the event ``model`` has: not the images one by one."""


def run_training(
    project_folder: Path,
    config: TrainingConfig,
    job_folder: Path,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    consent_download: bool = False,
    parent: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Train, test and write a model; a checkpoint in the job folder is gone on with.

    Among the processes of ``torchrun``, each calls it; rank 0 does all but its part of the training alone.

    Parameters
    ----------
    consent_download
        Whether somebody agreed that the weights to start from are downloaded, where they are not here yet.
    parent
        The model that is trained again, and with what, for the new model's manifest.

    Returns
    -------
    dict
        Empty at other ranks than 0.
        ``model``: its folder; ``task``; ``score_name``, ``score_title`` and ``score``: what it is judged by first, over
        all classes; ``test``: a row per class (``label``, ``images``, and for each metric its value under its name and
        ``<metric>_low``, ``<metric>_high``, ``<metric>_std``, ...); ``metrics``: the same as figures, see
        :data:`XRayAILib.learning.task.Figures`; ``warnings``: what is to be borne in mind with them; ``test_images``,
        ``test_patients``; ``test_cases``: the values of every image, the worst first; ``history``, ``epochs``,
        ``best_epoch``, ``stopped``, ``seconds``.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; a training that had begun has left its checkpoint in the job folder.
    TrainingError
        What is wrong and what to do; wherever it can be known, before the training starts.
    """
    job_folder.mkdir(parents=True, exist_ok=True)
    config.check()
    if not task_class(config.task).tools:
        raise TrainingError(f"task: {config.task} learns from no label; it is started with  xrayai pretrain.")
    device = choose_device(config.device, config.threads)
    processes = Processes.join(device.kind)
    if not processes.leads:
        return follow(config, processes, device, job_folder)
    resumed = (job_folder / CHECKPOINT).exists()
    # What is learnt is what the snapshot holds, also where somebody draws on meanwhile.
    snapshot, excluded = config.snapshot, dict[str, int]()
    if not snapshot:
        with Project.open(project_folder) as project:
            ready = require_ready(project, config, emit, consent_download, resumed)
            split(project, ready.examples, config)
            snapshot, excluded = project.snapshots.create().digest, project.marks.exclusions()
    pinned = PinnedProject.at(project_folder, snapshot)
    with pinned, RunLogs(config, job_folder, emit) as logs:
        emit = logs.emit
        if config.snapshot:
            require_ready(pinned, config, emit, consent_download, resumed)
        told = excluded, parent or {}
        return _train(pinned, config, device, told, job_folder, emit, cancelled, processes, consent_download)


def _train(
    project: PinnedProject,
    config: TrainingConfig,
    device: Device,
    told: tuple[Mapping[str, int], Mapping[str, Any]],
    job_folder: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    processes: Processes,
    consent_download: bool,
) -> dict[str, Any]:
    excluded, parent = told
    sweep(project.models_folder)
    labels, examples = gather(project, config)
    divided = split(project, examples, config)
    examples = list(divided.examples)
    emit({"event": "note", "message": f"Labelled data set: snapshot {project.pinned.short}"})
    counts = label_counts(examples, said_in(examples, labels))
    parts = {part: len(part_of(examples, part)) for part in counts}
    emit({"event": "split", "images": parts, "labels": counts})
    if excluded:
        emit({"event": "note", "message": f"Left out because excluded: {counts_text(excluded)}"})
    legend = legend_of(labels, project.schema)
    task = make_task(config, legend)
    resumed = (job_folder / CHECKPOINT).exists()
    start = begun(task, project, job_folder / "start.json", resumed, consent_download, emit, cancelled)
    preset = config.pixel_preset
    cache = build_cache(project, examples, task, preset, emit, cancelled)
    for uid, reason in cache.left_out:
        emit({"event": "note", "uid": uid, "message": f"Left out: {reason}"})
    examples, copies = kept_apart(
        [e for e in examples if e.uid in cache.rows], dict(zip(cache.rows, cache.prints, strict=True))
    )
    for uid, reason in copies:
        emit({"event": "note", "uid": uid, "message": f"Left out: {reason}"})
    learnt = learnt_before(task, cache, examples)
    task = make_task(config, legend, learnt)
    uids = {part: [e.uid for e in part_of(examples, part)] for part in parts}
    tell(processes, task, cache, uids)
    first = start.network(task) if start is not None else None
    training = Training(task, config, cache, uids, job_folder, device, emit, cancelled, first, processes)
    outcome = training.run()
    network = task.network()
    network.load_state_dict(outcome.weights)
    task = make_task(config, legend, {**learnt, **fitted_after(task, network, cache, examples, device)})
    inference = Inference(task, network, preset, device)
    # Its own author only from here to the end of the test; the model signs with the digest of its weights.
    tested = [*part_of(examples, "test"), *part_of(examples, OUTSIDE)]
    learnt_from = [*part_of(examples, "train"), *part_of(examples, "validation")]
    author = Author.model(config.name, "test")
    metrics = evaluate(inference, project, tested, author, emit, cancelled, config.seed, learnt_from)
    left_out = (*divided.left_out, *cache.left_out, *copies)
    made = _description(examples, outcome, device, left_out, excluded, project.pinned.digest)
    made["start"] = dict(start.report) if start is not None else {}
    if parent:
        made["parent"] = dict(parent)
    model = write_model(
        project.models_folder,
        config,
        task,
        outcome.weights,
        outcome.history,
        kept(metrics),
        made,
    )
    project.audit("train", f"{model.folder.name} {model.digest}")
    (job_folder / CHECKPOINT).unlink(missing_ok=True)
    result = _result(model, task, metrics, outcome)
    emit({"event": "model", **{name: result[name] for name in RESULT}})
    return result


def _description(
    examples: Sequence[Example],
    outcome: Outcome,
    device: Device,
    left_out: Sequence[tuple[str, str]],
    excluded: Mapping[str, int],
    snapshot: str,
) -> dict[str, Any]:
    parts = [*PARTS, *([OUTSIDE] if part_of(examples, OUTSIDE) else [])]
    return {
        "created": now(),
        "images": {part: len(part_of(examples, part)) for part in parts},
        "patients": {part: len({e.patient for e in part_of(examples, part)}) for part in parts},
        # A model travels; identifiers of images and patients stay in the project.
        "snapshot": snapshot,
        "left_out": len(left_out),
        "excluded": dict(excluded),
        "epochs": outcome.epochs,
        "batch_size": outcome.plan.batch_size,
        "best_epoch": outcome.best_epoch,
        "best_score": outcome.best_score,
        "stopped": outcome.stopped,
        "shortened": outcome.plan.shortened,
        "seconds": round(outcome.seconds, 1),
        "device": device.description,
        "versions": versions(),
    }


def _result(model: Model, task: Task, metrics: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    rows = []
    for label, values in metrics["labels"].items():
        row: dict[str, Any] = {"label": label, "images": max((f["count"] for f in values.values()), default=0)}
        for name, figure in values.items():
            row[name] = figure["value"]
            row.update({f"{name}_{key}": v for key, v in figure.items() if key not in ("value", "count")})
        rows.append(row)
    images = metrics["images"]
    return {
        "model": str(model.folder),
        "name": model.name,
        "digest": model.digest,
        "task": task.name,
        "score_name": task.score.name,
        "score_title": task.score.title,
        "score": metrics["overall"][task.score.name]["value"],
        "metrics": {"labels": metrics["labels"], "overall": metrics["overall"]},
        "test": rows,
        "warnings": metrics["warnings"],
        "test_images": len(images),
        "test_patients": len({image["patient"] for image in images}),
        "test_cases": [{"uid": image["uid"], **image["case"]} for image in images],
        "history": outcome.history,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 1),
    }


def versions() -> dict[str, str]:
    """What a model was made with."""
    from importlib.metadata import version

    packages = {name: version(name) for name in ("torch", "monai", "numpy", "safetensors", "pydicom")}
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return {"xrayai": __version__, "python": python, "system": platform.system(), **packages}
