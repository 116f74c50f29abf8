"""Training again, as a job: what is new is told, a model goes on from the old one, and both are compared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from XRayAILib.findings.objects import now
from XRayAILib.learning.cache import Emit
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.corrections.since import Corrections, corrections_since
from XRayAILib.learning.corrections.verdict import Compare, cases_of, compare, write_verdict
from XRayAILib.learning.device import Device, choose_device
from XRayAILib.learning.errors import ModelError, TrainingError
from XRayAILib.learning.examples import Example, survey
from XRayAILib.learning.model import Model
from XRayAILib.learning.splits import plan_split
from XRayAILib.learning.worker import run_training
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project

NOTE = "again.json"
"""File in the job's folder: which model it goes on from, and what is new. A job that has it is a training again."""


def is_training_again(job_folder: Path) -> bool:
    """Whether a stopped job goes on from another model, so that it ends with a comparison."""
    return (job_folder / NOTE).is_file()


def train_again(
    project_folder: Path,
    parent: str,
    config: TrainingConfig,
    job_folder: Path,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Train again with what was labelled and corrected since, and decide which model is the better one.

    Parameters
    ----------
    parent
        Name of the model's folder in the project; empty for a job that is gone on with.
    config
        As :func:`XRayAILib.learning.corrections.gentle.gentle` made it.

    Returns
    -------
    dict
        ``trained``: False where there is nothing new to learn; then only ``message``, which says so. Otherwise what
        :func:`run_training` gives, and ``message``, ``parent``, ``corrections`` (as the manifest has them), ``tests``
        (both models on the old and on the new test part), ``replaced``, and ``reason`` where it is not.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; the job can be gone on with.
    TrainingError
        The model cannot be trained again, or the training cannot start.
    """
    job_folder.mkdir(parents=True, exist_ok=True)
    note = job_folder / NOTE
    known: dict[str, Any] = {}
    if note.is_file():
        known = json.loads(note.read_text("utf-8"))
        corrections, parent = Corrections.from_note(known["corrections"]), str(known["parent"])
        with Project.open(project_folder) as project:
            old = Model.load(project.models_folder / parent)
    else:
        with Project.open(project_folder) as project:
            old = Model.load(project.models_folder / parent)
            corrections = corrections_since(project, old, config)
        if not corrections.any:
            return {"trained": False, "message": _nothing(old, corrections), "parent": parent}
        known = {"parent": parent, "corrections": asdict(corrections)}
        _write(note, known)
    emit({"event": "note", "message": f"{corrections.text} Going on from '{parent}'."})
    described = {"name": old.name, "folder": parent, "digest": old.digest, **corrections.document()}
    # A job that was stopped while the models were compared has trained already.
    result = known.get("result") or run_training(project_folder, config, job_folder, emit, cancelled, parent=described)
    _write(note, {**known, "result": result})
    made = Model.load(Path(result["model"]))
    device = choose_device(config.device, config.threads)
    tests, reasons = _compared(project_folder, old, made, corrections, device, emit, cancelled)
    verdict = {
        "format": 1,
        "time": now(),
        "model": made.digest,
        "parent": {"folder": parent, "name": old.name, "digest": old.digest},
        "replaced": not reasons,
        "reason": " ".join(reasons),
        "tests": [one.document() for one in tests],
    }
    write_verdict(made.folder, verdict)
    message = _outcome(old, made, reasons)
    emit({"event": "note", "message": message})
    with Project.open(project_folder) as project:
        project.audit("train again", f"{made.folder.name} from {parent}: {message}")
    told = {name: verdict[name] for name in ("replaced", "reason", "tests")}
    return {**result, **told, "trained": True, "message": message, "parent": parent, "corrections": described}


def _compared(
    project_folder: Path,
    old: Model,
    made: Model,
    corrections: Corrections,
    device: Device,
    emit: Emit,
    cancelled: Callable[[], bool],
) -> tuple[list[Compare], list[str]]:
    """Both models on the old and on the new test part, as the labels stood when the new one was trained; and why the
    new one is worse, where it is.
    """
    tests: list[Compare] = []
    try:
        with PinnedProject.at(project_folder, str(made.manifest["training"]["snapshot"])) as pinned:
            examples = _test_part(pinned, made)
            cases = (
                cases_of(old, pinned, examples, device, emit, cancelled),
                cases_of(made, pinned, examples, device, emit, cancelled),
            )
        kept = set(corrections.old_test)
        before = [example for example in examples if example.uid in kept]
        tests.append(compare("old", old, made, cases, before, made.config.seed))
        if len(before) < len(examples):
            tests.append(compare("new", old, made, cases, examples, made.config.seed))
    except (ModelError, TrainingError, ProjectError) as error:
        # Hours of training are not lost for want of a comparison, but nothing is replaced without one.
        return tests, [f"They cannot be compared: {error}"]
    names = {"old": "the old test part", "new": "the test part as it is now"}
    return tests, [f"On {names[one.part]}: {one.worse}" for one in tests if one.worse]


def _test_part(project: Project, model: Model) -> list[Example]:
    config = model.config.changed(labels=model.labels)
    divided = plan_split(project, survey(project, config).examples, config)
    return [example for example in divided.examples if example.part == "test"]


def _nothing(model: Model, corrections: Corrections) -> str:
    text = f"Nothing new to learn since '{model.folder.name}' was trained, so nothing was trained. {corrections.text}"
    if corrections.new or corrections.corrected:
        text += " All of it is in the test part, from which nothing is learnt; measure the model anew:  xrayai evaluate"
    return text


def _outcome(old: Model, made: Model, reasons: Sequence[str]) -> str:
    if not reasons:
        return f"'{made.folder.name}' is not worse than '{old.folder.name}' and takes its place; that one is kept too."
    return f"'{old.folder.name}' stays the current model; '{made.folder.name}' is kept beside it. {' '.join(reasons)}"


def _write(path: Path, document: Mapping[str, Any]) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(document, indent=1), "utf-8")
    temporary.replace(path)
