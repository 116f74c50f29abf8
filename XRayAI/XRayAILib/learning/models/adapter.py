"""A network made elsewhere that speaks as ours do: (B, 1, S, S) in 0..1 goes in, what the task decodes comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.models.description import Description
from XRayAILib.learning.models.foreign_networks import build_foreign
from XRayAILib.learning.models.onnx_network import onnx_network
from XRayAILib.learning.models.outputs import Spoken, spoken
from XRayAILib.learning.models.weights_file import check_weights
from XRayAILib.learning.task import Task

if TYPE_CHECKING:
    import torch


def adapted_network(task: Task, description: Description, weights: Path) -> torch.nn.Module:
    """The network of a model made elsewhere, with its weights, between an adapter of its input and one of its output.

    Raises
    ------
    ModelError
        The weights do not fit the network that the description names, or onnxruntime does not take the model.
    """
    inner = onnx_network(weights.read_bytes()) if weights.suffix == ".onnx" else _with_weights(description, weights)
    return adapter(description, inner, spoken(task, description))


def _with_weights(description: Description, weights: Path) -> torch.nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_weights(weights, lambda: build_foreign(description))
    network = build_foreign(description)
    try:
        network.load_state_dict(load_file(str(weights)))
    except (RuntimeError, SafetensorError, OSError) as error:
        raise ModelError(f"The weights {weights} do not fit {description.task}: {error}") from error
    return network


def adapter(description: Description, inner: torch.nn.Module, speak: Spoken) -> torch.nn.Module:
    """``inner`` between what the description says of its input, and ``speak``, which makes its output the task's."""
    import torch

    source = description.input
    black, white = source.range
    mean, std = source.mean or (0.0,), source.std or (1.0,)

    class Adapter(torch.nn.Module):
        mean: torch.Tensor
        std: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.inner = inner
            # Of the picture, not of the weights: they are in no file.
            self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
            self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

        def forward(self, images: torch.Tensor) -> Any:
            values = images * (white - black) + black
            values = (values.expand(-1, source.channels, -1, -1) - self.mean) / self.std
            if source.layout == "channels_last":
                values = values.permute(0, 2, 3, 1)
            return speak(named_outputs(self.inner(values.contiguous())), images.shape[-1])

    return Adapter()


def named_outputs(found: Any) -> dict[str, torch.Tensor]:
    """A network's outputs by name; those without one are numbered."""
    if isinstance(found, Mapping):
        return {str(name): value for name, value in found.items() if hasattr(value, "shape")}
    if isinstance(found, Sequence):
        return {str(number): value for number, value in enumerate(found) if hasattr(value, "shape")}
    return {"0": found}
