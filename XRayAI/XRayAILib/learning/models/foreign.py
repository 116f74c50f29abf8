"""A model made elsewhere, taken in: checked, tried on one image, and written as a folder like ours.

It keeps its weights as they came, so that their SHA-256 is the one that its source gives. Its findings are signed with
its name and that sum.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from XRayAILib.findings.objects import now
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import ModelError, TrainingError
from XRayAILib.learning.legend import LearntLabel, Legend
from XRayAILib.learning.model import Model, write_documents
from XRayAILib.learning.models.description import Description, OutputLabel
from XRayAILib.learning.models.folder import new_folder
from XRayAILib.learning.models.foreign_card import foreign_card
from XRayAILib.learning.models.foreign_networks import definition_of, network_problem
from XRayAILib.learning.models.foreign_task import foreign_task
from XRayAILib.learning.models.manifest import FORMAT, INFERENCE, METADATA, ONNX, WEIGHTS, file_digest
from XRayAILib.learning.models.metadata import metadata
from XRayAILib.learning.models.onnx_file import OnnxFace, read_onnx
from XRayAILib.learning.models.onnx_trial import trial
from XRayAILib.learning.models.outputs import thresholds_of
from XRayAILib.learning.models.weights_file import SAFETENSORS, safetensors_shapes, weights_kind
from XRayAILib.learning.task import Task, task_class

COLORS = ("#4fc3f7", "#81c784", "#ffb300", "#ba68c8", "#ff7043", "#7986cb", "#26c6da", "#e57373", "#aed581", "#f06292")
NEGATIVE = ("no", "none", "absent", "negative")
_TOOLS = {
    "segmentation": Tool.MASK,
    "classification": Tool.IMAGE,
    "landmarks": Tool.LANDMARK,
    "detection": Tool.BOX,
}


def import_foreign(
    file: Path,
    description: Description,
    models_folder: Path,
    schema: LabelSchema | None = None,
    name: str = "",
    interpreter: str = sys.executable,
) -> Model:
    """Take a file of weights or an ONNX file into a folder of models; whole or not at all.

    Parameters
    ----------
    schema
        Of the project: titles, colours and options of labels that it has come from there.
    interpreter
        Python that an ONNX file is tried with, in a process of its own.

    Raises
    ------
    ModelError
        Why it is refused.
    """
    kind = weights_kind(file)
    name = name or description.name or "".join(c if c.isalnum() or c in "_-." else "-" for c in file.stem)
    stored = WEIGHTS if kind == SAFETENSORS else ONNX
    with new_folder(models_folder, name) as folder:
        working = folder.working
        for part in ("configs", "models", "docs"):
            (working / part).mkdir()
        # Everything is checked on the copy: what was checked is what is used.
        if kind == SAFETENSORS:
            shutil.copyfile(file, working / stored)
            safetensors_shapes(working / stored)
            reason = network_problem(description)
            if reason:
                raise ModelError(f"{file.name} is refused: {reason}")
        else:
            _copy_onnx(file, working / stored, description, interpreter)
        manifest = _manifest(file, working / stored, description, schema, name)
        task = _task_of(manifest, description)
        definition = definition_of(description) if kind == SAFETENSORS else {}
        documents: dict[str, Any] = {INFERENCE: {"network_def": definition} if definition else {}}
        if kind != SAFETENSORS:
            documents[INFERENCE] = {"onnx": ONNX}
        manifest["classes"] = list(task.classes)
        documents[METADATA] = metadata(manifest, task, {})
        write_documents(working, manifest, documents, foreign_card(manifest))
        documents[METADATA] = metadata(manifest, task, _tried(Model.load(working)))
        write_documents(working, manifest, documents, foreign_card(manifest))
    return Model.load(folder.final)


def _copy_onnx(file: Path, target: Path, description: Description, interpreter: str) -> None:
    model, face = read_onnx(file)
    problem = face_problem(face, description)
    if problem:
        raise ModelError(f"{file.name} is refused: {problem}")
    if face.is_split:
        # Weights that lay beside it are in it now.
        target.write_bytes(model.SerializeToString())
    else:
        shutil.copyfile(file, target)
    trial(target, description.input.shape, interpreter)


def face_problem(face: OnnxFace, description: Description) -> str:
    """What a description says of the input that the model does not, as a sentence; empty where they agree."""
    wanted = description.input.shape
    for place, (stands, said) in enumerate(zip(face.shape, wanted, strict=True)):
        if place and stands is not None and stands != said:
            shape = " x ".join("any" if n is None else str(n) for n in face.shape)
            return (
                f"its input '{face.input}' is {shape}, but the description says {' x '.join(map(str, wanted))} "
                f"({description.input.layout}). Correct size, channels or layout in the description."
            )
    output = description.output
    names = [output.name] if description.task != "detection" else [output.boxes, output.scores, output.classes]
    for name in names:
        if name and name not in face.outputs:
            known = ", ".join(face.outputs)
            return f"it has no output '{name}'; it has {known}. Correct the name in the description."
    if face.shape[0] not in (None, 1):
        return f"it reads {face.shape[0]} images at once; export it for one, or for any number."
    return ""


def _tried(model: Model) -> dict[str, tuple[int, ...]]:
    """One image of noise through the whole of it: the shapes of what the task gets."""
    import torch

    size = model.preset.size
    noise = torch.from_numpy(_noise(size))
    try:
        with torch.inference_mode():
            found = model.network()(noise)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"The model does not read an image of {size} x {size} pixels: {error}") from error
    named = found if isinstance(found, dict) else {"pred": found}
    for name, value in named.items():
        if not bool(torch.isfinite(value).all()):
            raise ModelError(f"The model gives no finite numbers for an image ('{name}'): is the description right?")
    return {name: tuple(value.shape[1:]) for name, value in named.items()}


def _noise(size: int) -> Any:
    import numpy as np

    return np.random.default_rng(0).random((1, 1, size, size), np.float32)


def _manifest(
    file: Path, stored: Path, description: Description, schema: LabelSchema | None, name: str
) -> dict[str, Any]:
    from XRayAILib.learning.worker import versions

    legend = legend_of_description(description, schema)
    config = _config(description, legend, name)
    made = {"created": now(), "versions": versions(), "images": {}, "patients": {}, "left_out": 0}
    return {
        "format": FORMAT,
        "name": config.name,
        "digest": file_digest(stored),
        "created": made["created"],
        "task": description.task,
        "weights": f"models/{stored.name}",
        "labels": [label.name for label in legend],
        "legend": [label.document() for label in legend],
        "fitted": _fitted(description, legend),
        "preset": description.input.preset.document(),
        "config": config.document(),
        "metrics": {"labels": {}, "overall": {}},
        "training": made,
        "foreign": description.document(),
        "origin": {"file": file.name, "sha256": file_digest(file)},
    }


def _task_of(manifest: dict[str, Any], description: Description) -> Task:
    legend = tuple(LearntLabel.from_document(label) for label in manifest["legend"])
    config = TrainingConfig.from_document(manifest["config"])
    return foreign_task(config, legend, manifest["fitted"], description)


def legend_of_description(description: Description, schema: LabelSchema | None = None) -> Legend:
    """The labels that a model finds, each once, as the schema or else the description has them."""
    by_name: dict[str, list[OutputLabel]] = {}
    for label in description.wanted:
        by_name.setdefault(label.label, []).append(label)
    if description.task != "classification":
        for name, entries in by_name.items():
            if len(entries) > 1 or entries[0].value:
                raise ModelError(f"labels: '{name}' is no image label, so it stands there once and without a value.")
    names = list(by_name)
    tools = task_class(description.task).tools
    found = []
    for position, (name, entries) in enumerate(by_name.items()):
        known = schema[name] if schema is not None and name in schema else None
        if known is not None and known.tool not in tools:
            raise ModelError(f"labels: '{name}' is drawn as {known.tool.value} in the project's schema; rename it.")
        first = entries[0]
        options = _options(description, entries, known)
        mirror = (known.mirror if known is not None else "") or first.mirror
        title = (known.title if known is not None else "") or first.title or name.replace("_", " ").capitalize()
        color = (known.color if known is not None else "") or first.color or COLORS[position % len(COLORS)]
        tool = known.tool if known is not None else _TOOLS[description.task]
        multiple = known.multiple if known is not None else first.multiple
        side = names.index(mirror) if mirror in names else position
        found.append(LearntLabel(name, title, tool, color, side, options, bool(options) and multiple))
    return tuple(found)


def _options(description: Description, entries: Sequence[OutputLabel], known: Label | None) -> tuple[str, ...]:
    """The values that a label may have: those with an output, and the one that means that there is none of them."""
    if description.task != "classification":
        return ()
    allowed = known.options if known is not None else entries[0].options
    values = [entry.answer for entry in entries]
    if not allowed:
        return tuple(values) if values != ["yes"] else ()
    strange = [value for value in values if value not in allowed]
    if strange:
        raise ModelError(
            f"labels: '{entries[0].label}' has no option '{strange[0]}'; it has {', '.join(allowed)}. "
            "Write it as label=option."
        )
    nothing = next((option for option in allowed if option.lower() in NEGATIVE), None)
    return tuple(option for option in allowed if option in values or option == nothing)


def _config(description: Description, legend: Legend, name: str) -> TrainingConfig:
    # For the rules of a configuration only: the size that counts is that of the pixel preset.
    size = min(2048, -(-description.input.size // 128) * 128)
    options: dict[str, object] = {}
    missing = "unknown"
    if description.task == "landmarks":
        # Coordinates become hills, whose width is free; maps are kept as fine as they can be.
        finest = 4 if description.output.kind in ("pixels", "fractions") else 2
        stride = next(step for step in (finest, 2, 1) if description.input.size % step == 0)
        options = {"stride": stride, "sigma": max(0.5 * stride, description.output.sigma)}
    if description.task == "classification" and any(
        len(label.options) > 1 and not any(option.lower() in NEGATIVE for option in label.options) for label in legend
    ):
        # So that it may be that none of several values holds.
        missing = "absent"
    changes: dict[str, Any] = {
        "name": name,
        "labels": [x.name for x in legend],
        "size": size,
        "options": options,
        "missing": missing,
        # What it was taught with is not known; one that was taught with mirrored images would be shown them, too.
        "augmentation": dict.fromkeys(Augmentation().document(), 0.0),
    }
    network = description.network
    if network is not None and "." not in network.name:
        changes |= {"network": network.name, "network_arguments": dict(network.arguments)}
    try:
        return TrainingConfig.from_preset("quick", description.task, **changes)
    except TrainingError as error:
        raise ModelError(f"The model cannot be described: {error}") from error


def _fitted(description: Description, legend: Legend) -> dict[str, Any]:
    if description.task not in ("classification", "detection"):
        return {}
    found = {}
    for label, threshold in zip(description.labels, thresholds_of(description), strict=True):
        if label is not None and description.output.thresholds:
            key = f"{label.label}={label.answer}" if description.task == "classification" else label.label
            found[key] = float(threshold)
    return {"thresholds": found} if found else {}
