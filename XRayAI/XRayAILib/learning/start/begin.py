"""The weights that a training begins with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.start.grey import SCALES, Scale, grey_stem
from XRayAILib.learning.start.layers import Layers, layers_of
from XRayAILib.learning.start.matching import Alignment, align
from XRayAILib.learning.start.weights import StartWeights, weights_of
from XRayAILib.learning.task import Task, make_task
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    import torch

LEAST = 0.75
"""Part of the encoder's weights that a start has to fill; below, it would be a random start with another name."""
PRETRAINING = "pretraining"


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Attributes
    ----------
    weights
        By their names in the network, for ``load_state_dict(weights, strict=False)``.
    report
        Where they come from and what became of them, as plain values for the model's manifest: ``origin``, ``sha256``,
        ``licence``, ``names`` (whose words the file's names are), ``taken``, ``random`` (names of what starts at
        random), ``left_out`` (reason -> names in the file), ``encoder`` (part of the encoder that was filled),
        ``notes``.
    """

    weights: Mapping[str, torch.Tensor]
    report: Mapping[str, Any]

    def network(self, task: Task) -> torch.nn.Module:
        """The task's network, with random weights by the configuration's seed where it does not start from these."""
        import torch

        torch.manual_seed(task.config.seed)
        network = task.network()
        network.load_state_dict(dict(self.weights), strict=False)
        return network

    @property
    def text(self) -> str:
        """What a person wants to know of it."""
        report = self.report
        left = sum(len(names) for names in report["left_out"].values())
        text = (
            f"Starts from {report['origin']}: {report['taken']} weights taken "
            f"({report['encoder']:.0%} of the encoder), {left} left out, {len(report['random'])} start at random."
        )
        reasons = [f"{reason}: {len(names)}, such as {names[0]}" for reason, names in report["left_out"].items()]
        return " ".join([text, *(f"{line}." for line in reasons), *report["notes"]])


def begun(
    task: Task,
    project: Project,
    note: Path,
    resumed: bool,
    consent: bool = False,
    emit: Callable[[dict[str, Any]], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Start | None:
    """As :func:`start_weights`, for a job: said to the person, and noted for when the job is gone on with.

    Parameters
    ----------
    note
        File in the job's folder for the report.
    resumed
        The job has a checkpoint, whose weights count; the ones that it started from need not be there any more.
    """
    if resumed and note.is_file():
        return Start({}, json.loads(note.read_text("utf-8")))
    start = start_weights(task, project, consent, emit, cancelled)
    if start is not None:
        temporary = note.with_name(note.name + ".part")
        temporary.write_text(json.dumps(dict(start.report), indent=1), "utf-8")
        temporary.replace(note)
        emit({"event": "note", "message": start.text})
    return start


def start_weights(
    task: Task,
    project: Project,
    consent: bool = False,
    emit: Callable[[dict[str, Any]], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Start | None:
    """What ``task.config.start`` names, fitted to the task's network; ``None`` for a random start.

    Of a model of another task only the encoder is taken; of one with other labels everything but the output.

    Parameters
    ----------
    consent
        Whether somebody agreed to a download.

    Raises
    ------
    TrainingError
        There are no such weights, they may not be read, or hardly any of them fit the network.
    """
    if not task.config.start:
        return None
    return fitted_to(task, weights_of(task.config.start, project, consent, emit, cancelled))


def fitted_to(task: Task, given: StartWeights) -> Start:
    """These weights, in the places of the task's network where they fit."""
    import torch

    network = task.network()
    target = dict(network.state_dict())
    layers = layers_of(network, task.table_size)
    found = align(given.tensors, target, layers.stem)
    words = {place: given.tensors[name] for place, name in found.pairs.items()}
    notes = [f"Not quite the same network: {found.key_map.note}."] if found.key_map.note else []
    # A network that cuts the image into channels takes nothing but its own kind's first layer, as it is.
    if f"{layers.stem}.weight" in words and target[f"{layers.stem}.weight"].shape[1] == 1:
        scale = _scale(words[f"{layers.stem}.weight"], given)
        words, note = grey_stem(words, layers.stem, layers.norm, scale, layers.given)
        notes.insert(0, note)
    weights = {}
    reasons: dict[str, list[str]] = {}
    for name in given.tensors:
        if name not in found.pairs.values():
            reason = "of another shape in the network" if name in found.other_shape else "not in the network"
            reasons.setdefault(reason, []).append(name)
    for place, tensor in words.items():
        reason = _reason(place, layers, task, given)
        if reason:
            reasons.setdefault(reason, []).append(found.pairs[place])
            continue
        if not torch.isfinite(tensor.float()).all():
            raise TrainingError(
                f"start: {given.origin} is damaged: '{found.pairs[place]}' has values that are no numbers."
            )
        weights[place] = tensor.reshape(target[place].shape).to(target[place].dtype).contiguous()
    weights |= _missing_biases(weights, target, given)
    share = _share(weights, target, layers)
    if share < LEAST:
        raise TrainingError(_misfit(task, given, found, share))
    random = [name for name in target if name not in weights and not name.endswith("num_batches_tracked")]
    report = {
        "origin": given.origin,
        "sha256": given.digest,
        "licence": given.licence,
        "names": found.key_map.title,
        "taken": len(weights),
        "random": random,
        "left_out": reasons,
        "encoder": round(share, 4),
        "notes": [note for note in notes if note],
    }
    return Start(weights, report)


def _scale(kernel: torch.Tensor, given: StartWeights) -> Scale:
    """What the first layer was trained on."""
    if given.manifest:
        return _scale_of_model(given)
    # Three channels are pictures scaled as everybody does; torchxrayvision stores thresholds with its weights.
    usual = "imagenet" if kernel.shape[1] == 3 else "xrv" if "op_threshs" in given.tensors else "unit"
    return SCALES[given.scale or usual]


def _scale_of_model(given: StartWeights) -> Scale:
    """What the network of a model of X-Ray AI makes of an image before its first layer."""
    manifest = given.manifest
    try:
        config = TrainingConfig.from_document(manifest["config"])
        legend = tuple(LearntLabel.from_document(label) for label in manifest["legend"])
        task = make_task(config, legend, manifest.get("fitted", {}))
        factor, offset = layers_of(task.network(), task.table_size).given
    except (KeyError, TypeError, ValueError) as error:
        raise TrainingError(f"start: the description of the {given.origin} is not complete ({error}).") from error
    return (-offset / factor,), (1 / factor,)


def _reason(place: str, layers: Layers, task: Task, given: StartWeights) -> str:
    """Why a weight that fits is not taken all the same; empty where it is."""
    if given.task == task.name:
        return "" if place not in layers.output or given.classes == task.classes else "for the outputs of other labels"
    if given.task and given.task != PRETRAINING and place not in layers.encoder:
        return "behind the encoder, for another task"
    return "for the outputs of another task" if place in layers.output else ""


def _missing_biases(
    weights: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], given: StartWeights
) -> dict[str, torch.Tensor]:
    """Zeros for the biases of layers that have none in the file."""
    import torch

    found = {}
    for name, value in target.items():
        stem, _, kind = name.rpartition(".")
        if kind == "bias" and name not in weights and f"{stem}.weight" in weights and not given.task:
            found[name] = torch.zeros_like(value)
    return found


def _share(weights: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor], layers: Layers) -> float:
    """Part of the numbers in the encoder's kernels that is filled."""
    kernels = {name: value.numel() for name, value in target.items() if name in layers.encoder and value.ndim > 1}
    return sum(count for name, count in kernels.items() if name in weights) / max(1, sum(kernels.values()))


def _misfit(task: Task, given: StartWeights, found: Alignment, share: float) -> str:
    text = (
        f"start: {given.origin} does not fit the network {task.config.network}: only {share:.0%} of its encoder "
        f"would be filled, and {LEAST:.0%} are needed."
    )
    config = given.manifest.get("config", {})
    if config:
        arguments = ", ".join(f"{name} {value}" for name, value in config.get("network_arguments", {}).items())
        text += f" It is of a {config.get('network')} with {arguments or 'its usual arguments'}."
    else:
        for name, (mine, theirs) in list(found.other_shape.items())[:1]:
            text += f" For instance '{name}' is {_edges(mine)} there and {_edges(theirs)} in the network."
    if not found.pairs and not found.other_shape:
        text += f" No name agrees; the file has for instance '{next(iter(given.tensors), '')}'."
    return text + " Choose the network, or the network_arguments, that these weights were trained with."


def _edges(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"
