"""What a pretraining leaves: a folder like a model's, but one that finds nothing, so it is not among the models.

::

    models/model.safetensors  the weights of the U-Net, under the names that MONAI gives them
    docs/README.md            what they are
    docs/history.json         the curves
    manifest.json             configuration, counts, and the SHA-256 of every file above
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.checkpoint import save_tensors
from XRayAILib.learning.device import duration_text
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.model import CARD, FORMAT, HISTORY, MANIFEST, WEIGHTS, file_digest
from XRayAILib.learning.start.weights import PRETRAINED
from XRayAILib.learning.task import Task
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    import torch

BODY = "body."


def write_pretrained(
    project: Project,
    task: Task,
    weights: Mapping[str, torch.Tensor],
    history: list[dict[str, float]],
    training: Mapping[str, Any],
) -> Path:
    """Write the folder under the configuration's name, or ``name-2``, ...; whole or not at all.

    Raises
    ------
    TrainingError
        It cannot be written.
    """
    config = task.config
    place = project.folder / PRETRAINED
    working = place / f".{uuid.uuid4().hex}.part"
    try:
        for name in ("models", "docs"):
            (working / name).mkdir(parents=True)
        own = {name.removeprefix(BODY): value for name, value in weights.items()}
        save_tensors(working / WEIGHTS, own, {"format": "pt"})
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": config.name,
            "digest": file_digest(working / WEIGHTS),
            "created": training["created"],
            "task": task.name,
            "labels": [],
            "legend": [],
            "classes": list(task.classes),
            "fitted": {},
            "preset": config.pixel_preset.document(),
            "config": config.document(),
            "metrics": {"labels": {}, "overall": {}},
            "training": dict(training),
        }
        (working / HISTORY).write_text(json.dumps(history, indent=1), "utf-8")
        (working / CARD).write_text(_card(manifest), "utf-8")
        manifest["sums"] = {name: file_digest(working / name) for name in (WEIGHTS, CARD, HISTORY)}
        (working / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
        number, final = 1, place / config.name
        # Two models of one name, one of each kind, would be one too many for ``model:NAME``.
        while final.exists() or (project.models_folder / final.name).exists():
            number += 1
            final = place / f"{config.name}-{number}"
        working.replace(final)
    except OSError as error:
        raise TrainingError(f"What was learnt cannot be written to {place}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return final


def _card(manifest: Mapping[str, Any]) -> str:
    config, training = manifest["config"], manifest["training"]
    options = config["options"]
    lines = [
        f"# {manifest['name']}",
        "",
        f"Pretrained weights of {config['network']}, made {manifest['created']}. SHA-256 `{manifest['digest']}`.",
        "They find nothing by themselves: a training starts from them with",
        f"`start: model:{manifest['name']}` and the same network.",
        "",
        "- learnt from: hidden patches of images, without any label"
        + (f" ({', '.join(f'{name} {value}' for name, value in options.items())})" if options else ""),
        *(
            f"- {part}: {training['images'][part]} images of {training['patients'][part]} patients"
            for part in training["images"]
        ),
        *(f"- kept out: {count} images because {reason}" for reason, count in training["kept_out"].items()),
        f"- input: {config['size']} x {config['size']} pixels",
        f"- {training['epochs']} epochs ({training['stopped']}), best at epoch {training['best_epoch']}: mean error of "
        f"hidden pixels {training['best_score']:.4f} of the grey scale",
        f"- device: {training['device']}, {duration_text(training['seconds'])}",
        "- versions: " + ", ".join(f"{name} {version}" for name, version in training["versions"].items()),
        "",
    ]
    return "\n".join(lines)
