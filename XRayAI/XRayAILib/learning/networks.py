"""The networks that may be built, by name, from plain arguments.

A model from outside names one of these. Nothing else is ever instantiated: MONAI's own bundle parser would run code
that stands in the configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

# Name in monai.networks.nets -> (arguments that a person may set, their values where nobody sets them).
_SEGMENTATION: dict[str, dict[str, object]] = {
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
    "AttentionUnet": {"channels": [16, 32, 64, 128, 256], "strides": [2, 2, 2, 2], "dropout": 0.0},
}


def names() -> list[str]:
    """The networks to choose from."""
    return list(_SEGMENTATION)


def problem_of(name: object, arguments: object) -> str:
    """Why this network is not built, as a sentence; empty where it may be."""
    if not isinstance(name, str) or name not in _SEGMENTATION:
        return f"'{name}' is none of the networks that may be built: {', '.join(_SEGMENTATION)}."
    if not isinstance(arguments, Mapping):
        return f"the arguments of {name} are no mapping."
    for key, value in arguments.items():
        if key not in _SEGMENTATION[name]:
            return f"{name} takes no argument '{key}' here; it takes {', '.join(_SEGMENTATION[name])}."
        usual = _SEGMENTATION[name][key]
        if not _plain(value) or isinstance(value, (list, tuple)) != isinstance(usual, list):
            return f"the argument '{key}' of {name} is {value!r}; it must be of the kind {usual!r}."
    return ""


def _plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return 0 < len(value) <= 16 and all(isinstance(v, int) and 0 < v <= 4096 for v in value)
    if isinstance(value, str):
        return value.isalpha() and len(value) < 32
    return isinstance(value, (bool, int, float)) and 0 <= value <= 4096


def arguments_of(name: str, inputs: int, outputs: int, arguments: Mapping[str, object]) -> dict[str, object]:
    """Every argument of the network, preset values included, as they stand in a model's ``inference.json``."""
    reason = problem_of(name, arguments)
    if reason:
        raise TrainingError(f"The network cannot be built: {reason}")
    return {"spatial_dims": 2, "in_channels": inputs, "out_channels": outputs, **_SEGMENTATION[name], **arguments}


def build(name: str, inputs: int, outputs: int, arguments: Mapping[str, object]) -> torch.nn.Module:
    """A new network with random weights; its input is (B, inputs, S, S), its output logits (B, outputs, S, S)."""
    import monai.networks.nets

    whole = arguments_of(name, inputs, outputs, arguments)
    try:
        network: torch.nn.Module = getattr(monai.networks.nets, name)(**whole)
    except (TypeError, ValueError, AssertionError, KeyError, IndexError) as error:
        raise TrainingError(f"{name} does not take these arguments together: {error}") from error
    return network
