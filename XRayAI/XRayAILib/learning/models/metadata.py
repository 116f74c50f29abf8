"""``configs/metadata.json``: what MONAI's bundle specification asks a model to say of itself.

https://docs.monai.io/en/latest/mb_specification.html, "metadata.json File".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from XRayAILib.learning.task import Task


def metadata(manifest: Mapping[str, Any], task: Task, outputs: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The mandatory fields and some others.

    Parameters
    ----------
    outputs
        Shape of each output without the batch, see :func:`output_shapes`.
    """
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
        "channel_def": {"0": "radiograph, black 0 and white 1"},
    }
    inputs: dict[str, Any] = {"image": image}
    if task.table_size:
        inputs["table"] = _tensor("tuples", "magnitude", (task.table_size,), {})
    return {
        "version": "1.0.0",
        "changelog": {"1.0.0": "as trained"},
        "monai_version": versions["monai"],
        "pytorch_version": versions["torch"],
        "numpy_version": versions["numpy"],
        # The specification's name for it, and the one that monai.bundle now writes.
        "optional_packages_version": {},
        "required_packages_version": {"safetensors": versions["safetensors"]},
        "name": manifest["name"],
        "task": f"Radiograph {manifest['task']}",
        "description": f"Finds {', '.join(task.labels)} in radiographs.",
        "authors": "",
        "copyright": "",
        "intended_use": "Research only; not a medical device.",
        "data_type": "DICOM (CR, DX)",
        "network_data_format": {
            "inputs": inputs,
            "outputs": {name: _output(task, name, shape) for name, shape in outputs.items()},
        },
    }


def output_shapes(task: Task, size: int) -> dict[str, tuple[int, ...]]:
    """The shapes of what a task's network gives for one image of ``size`` pixels."""
    try:
        # Without values nothing is computed.
        found = _output_on("meta", task, size)
    except (RuntimeError, NotImplementedError):
        # Some operators, such as autocast, do not know that device.
        found = _output_on("cpu", task, size)
    named = found if isinstance(found, dict) else {"pred": found}
    return {name: tuple(value.shape[1:]) for name, value in named.items()}


def _output_on(device: str, task: Task, size: int) -> Any:
    import torch

    with torch.device(device), torch.no_grad():
        more = (torch.zeros(1, task.table_size),) if task.table_size else ()
        return task.network().eval()(torch.zeros(1, 1, size, size), *more)


def _output(task: Task, name: str, shape: tuple[int, ...]) -> dict[str, Any]:
    names = task.classes if shape and shape[0] == len(task.classes) else ()
    channels = {str(number): f"{label}, logit" for number, label in enumerate(names)}
    if len(shape) == 3:
        # Channels that may hold together, which the specification calls "classes" and not "labels".
        return _tensor("image", "classes", shape, channels)
    if len(shape) == 1:
        return _tensor("probabilities", "classes", shape, channels)
    return _tensor("tuples", "magnitude", shape, channels or {"0": name})


def _tensor(kind: str, form: str, shape: tuple[int, ...], channels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": kind,
        "format": form,
        "modality": "n/a",
        "num_channels": shape[0] if shape else 1,
        "spatial_shape": list(shape[1:]),
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": False,
        "channel_def": dict(channels),
    }
