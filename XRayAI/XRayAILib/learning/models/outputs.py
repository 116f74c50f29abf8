"""What a network made elsewhere says, in the words of the task that decodes it.

Each task has one function here that makes a function from named outputs (B, ...) to what a network of the task gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.models.description import Description
from XRayAILib.learning.task import Task

if TYPE_CHECKING:
    import torch

Spoken = Callable[[Mapping[str, "torch.Tensor"], int], Any]
"""From named outputs, and the edge of the square, to what the task decodes."""
LEAST = 1e-6
"""A probability is kept this far from 0 and 1, where its logit is no number."""
SURE = 20.0
"""Logit of a point that is there, where nothing says whether it is."""
FAINT = 0.05
"""Part of a heatmap's peak below which it is taken for noise: networks that learnt a Gaussian by its squared error have
some everywhere."""


def spoken(task: Task, description: Description) -> Spoken:
    """How the outputs are put; :class:`ModelError` where the task cannot be spoken."""
    kinds: dict[str, Callable[[Task, Description], Spoken]] = {
        "segmentation": _segmentation,
        "classification": _classification,
        "landmarks": _landmarks,
        "detection": _detection,
    }
    if description.task not in kinds:
        raise ModelError(f"A model of {description.task} cannot be taken over from elsewhere.")
    return kinds[description.task](task, description)


def chosen(outputs: Mapping[str, torch.Tensor], name: str) -> torch.Tensor:
    """The output of this name, or the first one for an empty name."""
    if not name:
        return next(iter(outputs.values()))
    if name not in outputs:
        raise ModelError(f"output.name: the model has no output '{name}'; it has {', '.join(outputs)}.")
    return outputs[name]


def log_odds(values: torch.Tensor, description: Description) -> torch.Tensor:
    """Logits, each against everything else, of outputs (B, C, ...) in any form that a description names."""
    import torch

    output = description.output
    if output.kind == "probabilities":
        return torch.logit(values.float(), LEAST)
    if output.activation == "sigmoid":
        return values.float()
    logs = values.float().log_softmax(dim=1)
    return logs - torch.log(-torch.expm1(logs.clamp(max=-LEAST)))


def thresholds_of(description: Description) -> list[float]:
    """One for each output."""
    given = description.output.thresholds
    return list(given) * (len(description.labels) if len(given) == 1 else 1) or [0.5] * len(description.labels)


def _channels(values: torch.Tensor, description: Description, dimensions: int) -> torch.Tensor:
    """(B, C, ...) with as many channels as there are labels; :class:`ModelError` where there are not."""
    if dimensions == 4 and description.output.layout == "channels_last" and values.ndim == 4:
        values = values.permute(0, 3, 1, 2)
    if dimensions == 2 and values.ndim > 2:
        values = values.flatten(1)
    wanted = len(description.labels)
    if values.ndim != dimensions or values.shape[1] != wanted:
        shape = " x ".join(str(extent) for extent in values.shape)
        raise ModelError(
            f"The model's output is {shape}, but the description has {wanted} labels: there must be an entry for each "
            "of its channels, null for those that are not wanted."
        )
    return values


def _segmentation(task: Task, description: Description) -> Spoken:
    import torch
    import torch.nn.functional as F

    wanted = [number for number, label in enumerate(description.labels) if label is not None]
    edges = [thresholds_of(description)[number] for number in wanted]
    # Masks are drawn where the logit is above 0.
    shift = torch.tensor([math.log(edge / (1 - edge)) for edge in edges]).view(1, -1, 1, 1)

    def speak(outputs: Mapping[str, torch.Tensor], size: int) -> torch.Tensor:
        values = _channels(chosen(outputs, description.output.name), description, 4)
        logits = log_odds(values, description)[:, wanted] - shift.to(values.device)
        if logits.shape[-2:] != (size, size):
            logits = F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
        return logits

    return speak


def _classification(task: Task, description: Description) -> Spoken:
    import torch

    questions = getattr(task, "questions", ())
    places = {
        (label.label, label.answer): number for number, label in enumerate(description.labels) if label is not None
    }

    def speak(outputs: Mapping[str, torch.Tensor], size: int) -> torch.Tensor:
        values = _channels(chosen(outputs, description.output.name), description, 2)
        logits = log_odds(values, description)
        chances = logits.sigmoid()
        columns = []
        for question in questions:
            own = [places.get((question.name, value)) for value in question.values]
            there = [number for number in own if number is not None]
            rest = (1 - chances[:, there].sum(dim=1)).clamp(LEAST, 1.0)
            for number in own:
                if number is None:
                    # The one value that has no output is what is left.
                    columns.append(rest.log())
                elif not question.exclusive or (question.open and len(question.values) == 1):
                    columns.append(logits[:, number])
                else:
                    logarithm = torch.nn.functional.logsigmoid(logits[:, number])
                    columns.append(logarithm - rest.log() if question.open else logarithm)
        return torch.stack(columns, dim=1)

    return speak


def _landmarks(task: Task, description: Description) -> Spoken:
    import torch
    import torch.nn.functional as F

    wanted = [number for number, label in enumerate(description.labels) if label is not None]
    stride, sigma = int(task.options.stride), float(task.options.sigma)
    kind = description.output.kind

    def speak(outputs: Mapping[str, torch.Tensor], size: int) -> dict[str, torch.Tensor]:
        values = chosen(outputs, description.output.name).float()
        cells = size // stride
        if kind in ("pixels", "fractions"):
            points = _channels(values.reshape(len(values), -1, 2), description, 3)[:, wanted]
            maps = _hills(points * size - 0.5 if kind == "fractions" else points, cells, stride, sigma)
        else:
            maps = _channels(values, description, 4)[:, wanted]
            if kind == "heatmaps":
                peak = maps.amax(dim=(2, 3), keepdim=True).clamp(min=LEAST)
                maps = torch.where(maps > FAINT * peak, maps / peak, torch.full_like(maps, LEAST)).clamp(LEAST).log()
            if maps.shape[-2:] != (cells, cells):
                maps = F.interpolate(maps, (cells, cells), mode="bilinear", align_corners=False)
        presence = torch.full(maps.shape[:2], SURE, device=maps.device)
        return {"heatmaps": maps, "presence": presence}

    return speak


def _hills(points: torch.Tensor, cells: int, stride: int, sigma: float) -> torch.Tensor:
    """Logits (B, N, cells, cells) of Gaussians at points (B, N, 2), in pixels of the square."""
    import torch

    places = (torch.arange(cells, device=points.device) + 0.5) * stride - 0.5
    x = (places[None, None] - points[..., 0, None]) ** 2
    y = (places[None, None] - points[..., 1, None]) ** 2
    return -(y[..., :, None] + x[..., None, :]) / (2 * sigma**2)


def _detection(task: Task, description: Description) -> Spoken:
    import torch

    output = description.output

    def speak(outputs: Mapping[str, torch.Tensor], size: int) -> dict[str, torch.Tensor]:
        edges = chosen(outputs, output.boxes).float().reshape(-1, 4)
        scores = chosen(outputs, output.scores).float().reshape(-1)
        numbers = chosen(outputs, output.classes).float().reshape(-1) - output.first
        if not len(edges) == len(scores) == len(numbers):
            raise ModelError(f"The model gives {len(edges)} boxes, {len(scores)} scores and {len(numbers)} classes.")
        if len(edges) and float(edges.abs().max()) <= 1.5:
            edges = edges * size
        if output.kind == "centres":
            half = edges[:, 2:] / 2
            edges = torch.cat([edges[:, :2] - half, edges[:, :2] + half], dim=1)
        # Ours count from the centre of the first pixel.
        rows = torch.cat([edges - 0.5, scores[:, None], numbers[:, None]], dim=1)
        return {"found": rows[None]}

    return speak
