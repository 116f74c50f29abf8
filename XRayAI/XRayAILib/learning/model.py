"""Model: a folder in MONAI Bundle layout whose every file is accounted for.

::

    configs/metadata.json     what MONAI's bundle tools read: versions, task, inputs and outputs
    configs/inference.json    the network by name, with plain arguments
    models/model.safetensors  the weights
    models/model.onnx         the same network for other programs; of a model made elsewhere the only one
    docs/README.md            the model card
    docs/history.json         the curves of its training
    manifest.json             labels, pixel preset, metrics, and the SHA-256 of every file above

Nothing in it is ever run: the configuration is read as data, and the network is built from an allow-list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.checkpoint import save_tensors
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.legend import LearntLabel, Legend
from XRayAILib.learning.models.bundle import network_definition, read_definition
from XRayAILib.learning.models.description import Description
from XRayAILib.learning.models.folder import new_folder
from XRayAILib.learning.models.manifest import (
    CARD,
    FORMAT,
    HISTORY,
    INFERENCE,
    MANIFEST,
    METADATA,
    WEIGHTS,
    check_sums,
    file_digest,
    read_document,
    read_manifest,
    weights_of,
    write_manifest,
)
from XRayAILib.learning.models.metadata import metadata, output_shapes
from XRayAILib.learning.models.weights_file import check_weights
from XRayAILib.learning.task import Task, make_task
from XRayAILib.pixels.resample import PixelPreset

if TYPE_CHECKING:
    import torch

__all__ = ["MANIFEST", "WEIGHTS", "Model", "ModelError", "file_digest", "list_models", "write_model"]


@dataclass(frozen=True)
class Model:
    """A trained model on disk, checked.

    Attributes
    ----------
    digest
        SHA-256 of the weights: with the name, the identity under which it signs its findings.
    labels
        In the order of the network's output.
    network_name, network_arguments
        From the allow-list of its task; of an ONNX model from elsewhere they say nothing.
    metrics
        On the test part: figures of :meth:`Task.figures`; empty for a model made elsewhere.
    foreign
        What a model made elsewhere takes and gives; ``None`` for one of ours.
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
    foreign: Description | None = None

    @property
    def author(self) -> Author:
        return Author.model(self.name, self.digest)

    @property
    def task(self) -> Task:
        return _task(self.config, self.legend, self.fitted, self.foreign)

    @property
    def history(self) -> list[dict[str, float]]:
        """The curves of its training, one mapping per epoch."""
        path = self.folder / HISTORY
        found: list[dict[str, float]] = json.loads(path.read_text("utf-8")) if path.is_file() else []
        return found

    @property
    def weights(self) -> Path:
        """The file of its weights."""
        return self.folder / weights_of(self.manifest)

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Check a model folder and read everything but the weights.

        Raises
        ------
        ModelError
            It is no model, a file is missing or was changed, or it asks for what is not on the allow-list.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        check_sums(folder, manifest)
        try:
            config = TrainingConfig.from_document(manifest["config"])
            foreign = manifest.get("foreign")
            described = None if foreign is None else Description.from_document(foreign)
            if described is None:
                definition = read_document(folder / INFERENCE)["network_def"]
                network, arguments = read_definition(config.task, definition)
                # The network that is built is the one of the bundle, whatever the configuration says.
                config = config.changed(network=network, network_arguments=arguments)
            preset = PixelPreset.from_document(manifest["preset"])
            legend = tuple(LearntLabel.from_document(label) for label in manifest["legend"])
            fitted, metrics = dict(manifest["fitted"]), dict(manifest["metrics"])
            name, digest = str(manifest["name"]), str(manifest["digest"])
            _check_legend(config, legend, name)
            _task(config, legend, fitted, described)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            words = f"its description has no {error}" if isinstance(error, KeyError) else str(error)
            raise ModelError(f"The model {folder} is refused: {words}") from error
        if digest != manifest["sums"][weights_of(manifest)]:
            raise ModelError(f"The model {folder} is refused: its identity is not the SHA-256 of its weights.")
        labels = tuple(label.name for label in legend)
        network, arguments = config.network, dict(config.network_arguments)
        return cls(
            folder,
            name,
            digest,
            config,
            labels,
            preset,
            network,
            arguments,
            legend,
            fitted,
            metrics,
            manifest,
            described,
        )

    def network(self, device: str = "cpu") -> torch.nn.Module:
        """The network with its weights, ready for inference; :class:`ModelError` where they do not fit each other.

        One made elsewhere takes and gives what a network of its task does.
        """
        import torch
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        if self.foreign is not None:
            from XRayAILib.learning.models.adapter import adapted_network

            network = adapted_network(self.task, self.foreign, self.weights)
        else:
            check_weights(self.weights, self.task.network)
            network = self.task.network()
            try:
                network.load_state_dict(load_file(str(self.weights)))
            except (RuntimeError, SafetensorError, OSError) as error:
                raise ModelError(f"The weights of {self.folder} do not fit its network: {error}") from error
        return network.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)

    def check_schema(self, schema: LabelSchema) -> None:
        """Raise :class:`ModelError` where the schema lacks what the model finds, or a person draws it otherwise."""
        task = self.task
        for entry in self.legend:
            if entry.name not in schema:
                raise ModelError(
                    f"The model '{self.name}' finds '{entry.name}', which is not in the project's schema "
                    f"'{schema.name}'. Add the label to the schema, or use another model."
                )
            label = schema[entry.name]
            if label.tool not in task.tools:
                raise ModelError(
                    f"The model '{self.name}' gives '{entry.name}' as {entry.tool.value}, but the project draws it as "
                    f"{label.tool.value}."
                )
            strange = [option for option in entry.options if label.options and option not in label.options]
            if strange:
                raise ModelError(
                    f"The model '{self.name}' answers '{entry.name}' with '{strange[0]}', which is none of the "
                    f"schema's options ({', '.join(label.options)}). Add the option to the label, or use another model."
                )
            if entry.options and entry.multiple and not label.multiple:
                raise ModelError(
                    f"The model '{self.name}' may give several answers to '{entry.name}', of which the project's "
                    "schema allows one. Set 'multiple' of the label, or use another model."
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

    with new_folder(models_folder, config.name) as folder:
        working = folder.working
        for name in ("configs", "models", "docs"):
            (working / name).mkdir()
        save_tensors(working / WEIGHTS, weights, {"format": "pt"})
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "name": config.name,
            "digest": file_digest(working / WEIGHTS),
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
            INFERENCE: {"network_def": network_definition(task)},
            METADATA: metadata(manifest, task, output_shapes(task, config.size)),
            HISTORY: history,
        }
        write_documents(working, manifest, documents, model_card(manifest, history))
    return Model.load(folder.final)


def write_documents(folder: Path, manifest: dict[str, Any], documents: Mapping[str, Any], card: str) -> None:
    """Write what stands beside the weights, and last the manifest with the sums of every file there is."""
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document, indent=1), "utf-8")
    (folder / CARD).write_text(card, "utf-8")
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    manifest["sums"] = {name: file_digest(folder / name) for name in files if name != MANIFEST}
    write_manifest(folder, manifest)


def list_models(models_folder: Path) -> tuple[list[Model], list[tuple[Path, str]]]:
    """The models of a folder, the newest first, and those that are refused with the reason."""
    good: list[Model] = []
    refused: list[tuple[Path, str]] = []
    folders = sorted(p for p in models_folder.iterdir() if p.is_dir()) if models_folder.is_dir() else []
    for path in (p for p in folders if p.suffix != ".part"):
        try:
            good.append(Model.load(path))
        except ModelError as error:
            refused.append((path, str(error)))
    good.sort(key=lambda m: str(m.manifest.get("created", "")), reverse=True)
    return good, refused


def _task(config: TrainingConfig, legend: Legend, fitted: Mapping[str, Any], foreign: Description | None) -> Task:
    if foreign is None:
        return make_task(config, legend, fitted)
    from XRayAILib.learning.models.foreign_task import foreign_task

    return foreign_task(config, legend, fitted, foreign)


def _check_legend(config: TrainingConfig, legend: Legend, name: str) -> None:
    """That the labels make sense together; ValueError says what does not."""
    # The name becomes a folder, and an author of findings.
    config.changed(name=name)
    if not legend:
        raise ValueError("it finds no label.")
    names = [label.name for label in legend]
    if len(set(names)) < len(names):
        raise ValueError("its legend names a label twice.")
    for label in legend:
        if not 0 <= label.mirror < len(legend):
            raise ValueError(f"the mirror of '{label.name}' is no position in its legend.")
