"""The networks that may be built, by name, from plain arguments.

A model from outside names one of these. Nothing else is ever instantiated: MONAI's own bundle parser would run code
that stands in the configuration. Each task says which networks it allows, with the arguments that a person may set and
their values where nobody sets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

U_NETS: dict[str, dict[str, object]] = {
    "UNet": {
        "channels": [16, 32, 64, 128, 256],
        "strides": [2, 2, 2, 2],
        "kernel_size": 3,
        "up_kernel_size": 3,
        "num_res_units": 2,
        "act": "PRELU",
        "norm": "BATCH",
        "dropout": 0.0,
    },
    "BasicUNet": {"features": [16, 16, 32, 64, 128, 16], "norm": "BATCH", "act": "LEAKYRELU", "dropout": 0.0},
    "DynUNet": {
        "filters": [16, 32, 64, 128, 256],
        "kernel_size": [3, 3, 3, 3, 3],
        "strides": [1, 2, 2, 2, 2],
        "upsample_kernel_size": [2, 2, 2, 2],
        "norm_name": "BATCH",
        "res_block": False,
    },
    "SegResNet": {
        "init_filters": 16,
        "blocks_down": [1, 2, 2, 4],
        "blocks_up": [1, 1, 1],
        "norm": "BATCH",
        "dropout_prob": 0.0,
    },
    "FlexibleUNet": {"backbone": "efficientnet-b0", "decoder_channels": [256, 128, 64, 32, 16]},
    "MedNeXt": {
        "init_filters": 16,
        "encoder_expansion_ratio": 2,
        "decoder_expansion_ratio": 2,
        "bottleneck_expansion_ratio": 2,
        "kernel_size": 3,
        "blocks_down": [1, 1, 1, 1],
        "blocks_bottleneck": 1,
        "blocks_up": [1, 1, 1, 1],
    },
    "AttentionUnet": {"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "dropout": 0.0},
}
"""Networks of MONAI from an image to maps of its size."""


def allowed(task: str) -> Mapping[str, Mapping[str, object]]:
    """The networks of a task: name -> arguments with their usual values."""
    from XRayAILib.learning.task import task_class

    return task_class(task).networks


def problem_of(task: str, name: object, arguments: object) -> str:
    """Why this network is not built, as a sentence; empty where it may be."""
    known = allowed(task)
    if not isinstance(name, str) or name not in known:
        return f"'{name}' is none of the networks that may be built for {task}: {', '.join(known)}."
    if not isinstance(arguments, Mapping):
        return f"the arguments of {name} are no mapping."
    for key, value in arguments.items():
        if key not in known[name]:
            return f"{name} takes no argument '{key}' here; it takes {', '.join(known[name])}."
        usual = known[name][key]
        if not _plain(value) or isinstance(value, (list, tuple)) != isinstance(usual, (list, tuple)):
            return f"the argument '{key}' of {name} is {value!r}; it must be of the kind {usual!r}."
    return ""


def _plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return 0 < len(value) <= 16 and all(isinstance(v, int) and 0 < v <= 4096 for v in value)
    if isinstance(value, str):
        return value.replace("-", "").replace("_", "").isalnum() and len(value) < 32
    return isinstance(value, (bool, int, float)) and 0 <= value <= 4096


def whole_arguments(task: str, name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """Every argument of a network, those of the allow-list included; :class:`TrainingError` where it is not on it."""
    reason = problem_of(task, name, arguments)
    if reason:
        raise TrainingError(f"The network cannot be built: {reason}")
    return {**allowed(task)[name], **arguments}


def build(task: str, name: str, inputs: int, outputs: int, arguments: Mapping[str, object]) -> torch.nn.Module:
    """A network of MONAI with random weights; it maps (B, inputs, S, S) to (B, outputs, ...)."""
    import monai.networks.nets

    whole = {
        "spatial_dims": 2,
        "in_channels": inputs,
        "out_channels": outputs,
        **whole_arguments(task, name, arguments),
    }
    if name == "FlexibleUNet":
        # It would fetch weights from the network; where they come from is a setting of its own.
        whole["pretrained"] = False
    try:
        network: torch.nn.Module = getattr(monai.networks.nets, name)(**whole)
    except (TypeError, ValueError, AssertionError, KeyError, IndexError) as error:
        raise TrainingError(f"{name} does not take these arguments together: {error}") from error
    return network
