"""A pretraining from the project to its folder of weights, for a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.findings.objects import now
from XRayAILib.learning.cache import Emit, build_cache, sweep
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.pretraining.folder import write_pretrained
from XRayAILib.learning.pretraining.images import UnlabelledProject, unlabelled_images
from XRayAILib.learning.splits import part_of
from XRayAILib.learning.start.begin import PRETRAINING, begun
from XRayAILib.learning.start.weights import PRETRAINED
from XRayAILib.learning.task import make_task
from XRayAILib.learning.training import CHECKPOINT, Training
from XRayAILib.learning.worker import versions

PARTS = ("train", "validation")


def run_pretraining(
    project_folder: Path,
    config: TrainingConfig,
    job_folder: Path,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    consent_download: bool = False,
) -> dict[str, Any]:
    """Pretrain on all images of a project but those of the test part's patients; a checkpoint is gone on with.

    Returns
    -------
    dict
        ``model``: the folder; ``name``: for ``start: model:NAME``; ``task``; ``score_name``, ``score_title`` and
        ``score`` (mean error of hidden pixels on the validation part); ``images``, ``patients``, ``kept_out``,
        ``history``, ``epochs``, ``best_epoch``, ``stopped``, ``seconds``.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; the checkpoint is in the job folder.
    TrainingError
        What is wrong and what to do.
    """
    job_folder.mkdir(parents=True, exist_ok=True)
    if config.task != PRETRAINING:
        raise TrainingError(f"task: '{config.task}' learns from labels; a pretraining has the task '{PRETRAINING}'.")
    config.check()
    device = choose_device(config.device, config.threads)
    with UnlabelledProject.open(project_folder) as project:
        sweep(project.folder / PRETRAINED)
        found = unlabelled_images(project, config)
        for reason, count in found.kept_out.items():
            emit({"event": "note", "message": f"Not looked at: {count} images, because {reason}."})
        if found.undealt:
            emit(
                {
                    "event": "note",
                    "message": f"{found.undealt} images are of patients who have no part yet. A later split may put "
                    "them into its test part, and these images will have been seen then, though not their labels. "
                    "Label and split first where that matters.",
                }
            )
        strangers = project.kin.never_compared(example.uid for example in found.examples)
        if strangers and found.kept_out:
            emit(
                {
                    "event": "note",
                    "message": f"{len(strangers)} images were never compared with others, so copies of test images may "
                    "be among them; xrayai check finds them.",
                }
            )
        task = make_task(config, ())
        resumed = (job_folder / CHECKPOINT).exists()
        start = begun(task, project, job_folder / "start.json", resumed, consent_download, emit, cancelled)
        cache = build_cache(project, found.examples, task, config.pixel_preset, emit, cancelled)
        for uid, reason in cache.left_out:
            emit({"event": "note", "uid": uid, "message": f"Left out: {reason}"})
        examples = [example for example in found.examples if example.uid in cache.rows]
        parts = {part: part_of(examples, part) for part in PARTS}
        counts = {part: len(own) for part, own in parts.items()}
        patients = {part: len({e.patient for e in own}) for part, own in parts.items()}
        emit({"event": "split", "images": counts, "labels": {}})
        uids = {part: [e.uid for e in own] for part, own in parts.items()}
        first = start.network(task) if start is not None else None
        outcome = Training(task, config, cache, uids, job_folder, device, emit, cancelled, first).run()
        made = {
            "created": now(),
            "images": counts,
            "patients": patients,
            "kept_out": dict(found.kept_out),
            "undealt": found.undealt,
            "left_out": len(cache.left_out),
            "epochs": outcome.epochs,
            "best_epoch": outcome.best_epoch,
            "best_score": outcome.best_score,
            "stopped": outcome.stopped,
            "seconds": round(outcome.seconds, 1),
            "device": device.description,
            "versions": versions(),
            "start": dict(start.report) if start is not None else {},
        }
        folder = write_pretrained(project, task, outcome.weights, outcome.history, made)
        project.audit("pretrain", folder.name)
    (job_folder / CHECKPOINT).unlink(missing_ok=True)
    return {
        "model": str(folder),
        "name": folder.name,
        "task": task.name,
        "score_name": task.score.name,
        "score_title": task.score.title,
        "score": outcome.best_score,
        "images": counts,
        "patients": patients,
        "kept_out": dict(found.kept_out),
        "history": outcome.history,
        "epochs": outcome.epochs,
        "best_epoch": outcome.best_epoch,
        "stopped": outcome.stopped,
        "seconds": round(outcome.seconds, 1),
    }
