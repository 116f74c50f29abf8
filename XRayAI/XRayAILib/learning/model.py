"""Model: a folder in MONAI Bundle layout whose every file is accounted for.

::

    configs/metadata.json     what MONAI's bundle tools read: versions, task, inputs and outputs
    configs/inference.json    the network by name, with plain arguments
    models/model.safetensors  the weights
    docs/README.md            the model card
    docs/history.json         the curves of its training
    manifest.json             labels, pixel preset, metrics, and the SHA-256 of every file above

Nothing in it is ever run: the configuration is read as data, and the network is built from an allow-list.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.checkpoint import save_tensors
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import LearntLabel, Legend
from XRayAILib.learning.networks import problem_of, whole_arguments
from XRayAILib.learning.task import Task, make_task
from XRayAILib.pixels.resample import PixelPreset

if TYPE_CHECKING:
    import torch

FORMAT = 2
WEIGHTS = "models/model.safetensors"
INFERENCE = "configs/inference.json"
METADATA = "configs/metadata.json"
CARD = "docs/README.md"
HISTORY = "docs/history.json"
MANIFEST = "manifest.json"
FIXED = ("_target_", "spatial_dims", "in_channels", "out_channels")
"""What stands in a network's definition beside the arguments that may be chosen."""
PICKLED = (".pt", ".pth", ".ckpt", ".pkl", ".bin", ".ts")


class ModelError(TrainingError):
    """A model that is not used, and why."""


@dataclass(frozen=True)
class Model:
    """A trained model on disk, checked.

    Attributes
    ----------
    digest
        SHA-256 of the weights: with the name, the identity under which it signs its findings.
    labels
        In the order of the network's output.
    metrics
        On the test part, as :mod:`evaluation` gives them.
    """

    folder: Path
    name: str
    digest: str
    config: TrainingConfig
    labels: tuple[str, ...]
    preset: PixelPreset
    network_name: str
    network_arguments: Mapping[str, object]
    legend: Legend
    fitted: Mapping[str, Any]
    metrics: Mapping[str, Any]
    manifest: Mapping[str, Any]

    @property
    def author(self) -> Author:
        return Author.model(self.name, self.digest)

    @property
    def task(self) -> Task:
        return make_task(self.config, self.legend, self.fitted)

    @property
    def history(self) -> list[dict[str, float]]:
        """The curves of its training, one mapping per epoch."""
        found: list[dict[str, float]] = json.loads((self.folder / HISTORY).read_text("utf-8"))
        return found

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Check a model folder and read everything but the weights.

        Raises
        ------
        ModelError
            It is no model, a file is missing or was changed, or it asks for what is not on the allow-list.
        """
        folder = Path(folder)
        manifest = _read_manifest(folder)
        for name, expected in manifest["sums"].items():
            path = (folder / name).resolve()
            if folder.resolve() not in path.parents:
                raise ModelError(f"The model {folder} is refused: its manifest names a file outside it ({name}).")
            if not path.is_file():
                raise ModelError(f"The model {folder} is refused: {name} is missing. Copy the whole folder again.")
            if file_digest(path) != expected:
                raise ModelError(
                    f"The model {folder} is refused: {name} was changed after the model was made (its SHA-256 does not "
                    "match the manifest). Take the model from where it came from again."
                )
        try:
            config = TrainingConfig.from_document(manifest["config"])
            definition = json.loads((folder / INFERENCE).read_text("utf-8"))["network_def"]
            target = str(definition["_target_"])
            preset = PixelPreset.from_document(manifest["preset"])
            legend = tuple(LearntLabel.from_document(label) for label in manifest["legend"])
            labels = tuple(label.name for label in legend)
            fitted = dict(manifest["fitted"])
            name, digest, metrics = str(manifest["name"]), str(manifest["digest"]), manifest["metrics"]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"The model {folder} is refused: its description is not complete ({error}).") from error
        if digest != manifest["sums"][WEIGHTS]:
            raise ModelError(f"The model {folder} is refused: its identity is not the SHA-256 of its weights.")
        network_name = target.rpartition(".")[2]
        arguments = {k: v for k, v in definition.items() if k not in FIXED}
        reason = problem_of(config.task, network_name, arguments)
        if reason or target != f"monai.networks.nets.{network_name}":
            raise ModelError(f"The model {folder} is refused: {reason or target + ' is no network of MONAI.'}")
        # The network that is built is the one of the bundle, whatever the configuration says.
        config = config.changed(network=network_name, network_arguments=arguments)
        return cls(
            folder, name, digest, config, labels, preset, network_name, arguments, legend, fitted, metrics, manifest
        )

    def network(self, device: str = "cpu") -> torch.nn.Module:
        """The network with its weights, ready for inference; :class:`ModelError` where they do not fit each other."""
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        network = self.task.network()
        try:
            network.load_state_dict(load_file(str(self.folder / WEIGHTS)))
        except (RuntimeError, SafetensorError, OSError) as error:
            raise ModelError(f"The weights of {self.folder} do not fit its network: {error}") from error
        return network.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)

    def check_schema(self, schema: LabelSchema) -> None:
        """Raise :class:`ModelError` where the schema lacks a label that the model finds, or draws it otherwise."""
        for entry in self.manifest["legend"]:
            name = entry["name"]
            if name not in schema:
                raise ModelError(
                    f"The model '{self.name}' finds '{name}', which is not in the project's schema '{schema.name}'. "
                    "Add the label to the schema, or use another model."
                )
            if schema[name].tool.value != entry["tool"]:
                raise ModelError(
                    f"The model '{self.name}' gives '{name}' as {entry['tool']}, but the project draws it as "
                    f"{schema[name].tool.value}."
                )


def write_model(
    models_folder: Path,
    config: TrainingConfig,
    task: Task,
    weights: Mapping[str, torch.Tensor],
    history: list[dict[str, float]],
    metrics: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Model:
    """Write a model under its name, or under ``name-2``, ``name-3``, ... where that is taken; whole or not at all.

    Parameters
    ----------
    metrics
        On the test part.
    training
        How it was made: parts, seeds, seconds, versions, device. For the manifest and the card.
    """
    from XRayAILib.learning.card import model_card

    working = models_folder / f".{uuid.uuid4().hex}.part"
    try:
        for name in ("configs", "models", "docs"):
            (working / name).mkdir(parents=True)
        save_tensors(working / WEIGHTS, weights, {"format": "pt"})
        digest = file_digest(working / WEIGHTS)
        arguments = whole_arguments(task.name, config.network, config.network_arguments)
        shape = {"spatial_dims": 2, "in_channels": 1, "out_channels": task.outputs}
        network = {"_target_": f"monai.networks.nets.{config.network}", **shape, **arguments}
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": config.name,
            "digest": digest,
            "created": training["created"],
            "task": task.name,
            "labels": list(task.labels),
            "legend": [label.document() for label in task.legend],
            "classes": list(task.classes),
            "fitted": dict(task.fitted),
            "preset": config.pixel_preset.document(),
            "config": config.document(),
            "metrics": metrics,
            "training": training,
        }
        documents: dict[str, Any] = {
            INFERENCE: {"network_def": network},
            METADATA: _metadata(manifest, task),
            HISTORY: history,
        }
        for name, document in documents.items():
            (working / name).write_text(json.dumps(document, indent=1), "utf-8")
        (working / CARD).write_text(model_card(manifest), "utf-8")
        names = (METADATA, INFERENCE, WEIGHTS, CARD, HISTORY)
        manifest["sums"] = {name: file_digest(working / name) for name in names}
        (working / MANIFEST).write_text(json.dumps(manifest, indent=1), "utf-8")
        final = _free_name(models_folder, config.name)
        working.replace(final)
    except OSError as error:
        raise ModelError(f"The model cannot be written to {models_folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return Model.load(final)


def list_models(models_folder: Path) -> tuple[list[Model], list[tuple[Path, str]]]:
    """The models of a folder, the newest first, and those that are refused with the reason."""
    good: list[Model] = []
    refused: list[tuple[Path, str]] = []
    for path in sorted(p for p in models_folder.iterdir() if p.is_dir() and p.suffix != ".part"):
        try:
            good.append(Model.load(path))
        except ModelError as error:
            refused.append((path, str(error)))
    good.sort(key=lambda m: str(m.manifest.get("created", "")), reverse=True)
    return good, refused


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal text."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        pickled = [p.name for p in folder.rglob("*") if p.suffix in PICKLED] if folder.is_dir() else []
        more = ""
        if pickled:
            more = (
                f" {pickled[0]} may hold a pickle, which can run any code when it is opened, so it is never loaded: "
                "where it came from, load its state_dict and write it with safetensors.torch.save_file."
            )
        raise ModelError(f"{folder} is no model of X-Ray AI: it has no {MANIFEST}.{more}") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"The model {folder} is refused: {MANIFEST} cannot be read ({error}).") from error
    if isinstance(manifest, dict) and manifest.get("format") == 1:
        manifest = _upgraded(manifest)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"The model {folder} was made by another version of X-Ray AI: update X-Ray AI.")
    sums = manifest.get("sums")
    if not isinstance(sums, dict) or not {WEIGHTS, INFERENCE} <= sums.keys():
        raise ModelError(f"The model {folder} is refused: its manifest has no SHA-256 sums of weights and network.")
    return manifest


def _upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest of the first format, when there was segmentation only, as it would be written today."""
    metrics = manifest.get("metrics", {})

    def figures(values: Mapping[str, Any]) -> dict[str, Any]:
        return {"value" if key == "mean" else key: value for key, value in values.items()}

    labels = {
        label: {metric: figures(values) for metric, values in found.items()}
        for label, found in metrics.get("labels", {}).items()
    }
    overall = {
        metric: {"value": value, "low": None, "high": None, "count": 0}
        for metric, value in metrics.get("mean", {}).items()
    }
    return {**manifest, "format": FORMAT, "fitted": {}, "metrics": {"labels": labels, "overall": overall}}


def _free_name(folder: Path, name: str) -> Path:
    number, path = 1, folder / name
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}"
    return path


def _metadata(manifest: Mapping[str, Any], task: Task) -> dict[str, Any]:
    """The fields that MONAI's bundle schema asks for."""
    versions = manifest["training"]["versions"]
    size = manifest["preset"]["size"]
    image = {
        "type": "image",
        "format": "magnitude",
        "modality": "CR, DX",
        "num_channels": 1,
        "spatial_shape": [size, size],
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": False,
        "channel_def": {"0": "radiograph"},
    }
    output = {
        "type": "image",
        "format": "segmentation",
        "num_channels": task.outputs,
        "spatial_shape": [size, size],
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        "channel_def": {str(i): label for i, label in enumerate(task.labels)},
    }
    return {
        "version": "1.0.0",
        "changelog": {"1.0.0": "as trained"},
        "monai_version": versions["monai"],
        "pytorch_version": versions["torch"],
        "numpy_version": versions["numpy"],
        "required_packages_version": {"safetensors": versions["safetensors"]},
        "name": manifest["name"],
        "task": f"Radiograph {manifest['task']}",
        "description": f"Finds {', '.join(task.labels)} in radiographs.",
        "authors": "",
        "copyright": "",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": output}},
    }
