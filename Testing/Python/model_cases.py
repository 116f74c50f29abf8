"""Models to import, export and do harm to: untrained ones of ours, and small ones made elsewhere."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.model import MANIFEST, Model, write_model
from XRayAILib.learning.models.manifest import write_manifest
from XRayAILib.learning.task import make_task

SCHEMA = LabelSchema(
    "models",
    (
        Label("left_lung", "Left lung", Tool.MASK, "#ff0000", mirror="right_lung"),
        Label("right_lung", "Right lung", Tool.MASK, "#ff0000", mirror="left_lung"),
        Label("apex", "Apex", Tool.LANDMARK, "#ff0000"),
        Label("hilum", "Hilum", Tool.LANDMARK, "#00ff00"),
        Label("nodule", "Nodule", Tool.BOX, "#0000ff"),
        # What MONAI's configuration would take for an expression, a reference and a macro.
        Label("pneumonia", "$pneumonia", Tool.IMAGE, "#ffff00", options=("no", "yes")),
        Label("devices", "Devices", Tool.IMAGE, "#ffff00", options=("$wire", "@tube", "%clip"), multiple=True),
    ),
)
LABELS = {
    "segmentation": ("left_lung", "right_lung"),
    "landmarks": ("apex", "hilum"),
    "detection": ("nodule",),
    "classification": ("pneumonia", "devices"),
}
SMALL: dict[str, dict[str, Any]] = {
    "segmentation": {"network_arguments": {"channels": [4, 8, 16], "strides": [2, 2]}},
    "landmarks": {"network": "UNet", "network_arguments": {"channels": [4, 8, 16], "strides": [2, 2]}},
    "classification": {"network": "resnet18", "network_arguments": {}},
    "detection": {},
}


def untrained(models: Path, task: str = "segmentation", name: str = "", **figures: Any) -> Model:
    """A model of ours that has learnt nothing; ``figures`` are its metrics."""
    labels = LABELS[task]
    config = TrainingConfig.from_preset("quick", task, name=name or task, size=64, **SMALL[task])
    made = make_task(config, legend_of(labels, SCHEMA))
    parts = {"train": 8, "validation": 2, "test": 2}
    versions = dict.fromkeys(("torch", "monai", "numpy", "safetensors"), "1.0")
    training = {"created": "2026-01-01T00:00:00+00:00", "images": parts, "patients": parts, "left_out": 0, "epochs": 4}
    training |= {"stopped": "finished", "best_epoch": 4, "device": "CPU", "seconds": 12.0, "versions": versions}
    training["snapshot"] = "0123"
    history = [{"epoch": n + 1, "loss/train": 1 / (n + 1)} for n in range(30)]
    metrics = figures or {"labels": {}, "overall": {}}
    return write_model(models, config, made, made.network().state_dict(), history, metrics, training)


def sign(folder: Path, name: str, is_weights: bool = False) -> None:
    """Put the present sum of a file into the manifest, as somebody would who tampers with care."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    manifest["sums"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    if is_weights:
        manifest["digest"] = manifest["sums"][name]
    write_manifest(folder, manifest)


def change(folder: Path, **values: Any) -> None:
    """Change the manifest of a model."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    write_manifest(folder, {**manifest, **values})


def bright_onnx(path: Path, channels: int = 1, size: int | None = 32, **more: Any) -> Path:
    """An ONNX file with one convolution: output 0 is the input's first channel less 0.5, output 1 its negative."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    kernel = np.zeros((2, channels, 1, 1), np.float32)
    kernel[0, 0], kernel[1, 0] = 1, -1
    weights = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.array([-0.5, 0.5], np.float32), "bias"),
    ]
    edge: Any = size or "edge"
    source = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", channels, edge, edge])
    result = helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["batch", 2, edge, edge])
    nodes = [helper.make_node("Conv", ["image", "kernel", "bias"], ["maps"])]
    graph = helper.make_graph(more.pop("nodes", nodes), "bright", [source], [result], weights)
    model = helper.make_model(graph, opset_imports=more.pop("opsets", [helper.make_opsetid("", 17)]), ir_version=8)
    onnx.save(model, str(path), **more)
    return path


BRIGHT: dict[str, Any] = {
    "name": "bright",
    "task": "segmentation",
    "labels": ["left_lung", "right_lung"],
    "input": {"size": 32, "contrast": "display"},
    "output": {"kind": "logits"},
}
"""What :func:`bright_onnx` takes and gives."""


def describe(path: Path, **changes: Any) -> Path:
    """A description of :func:`bright_onnx`, with some fields of it changed."""
    path.write_text(json.dumps({**BRIGHT, **changes}), "utf-8")
    return path


def constant_onnx(path: Path, **outputs: Any) -> Path:
    """An ONNX file for one image of 32 pixels that gives these arrays whatever it sees."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    source = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 32, 32])
    arrays = {name: np.asarray(value) for name, value in outputs.items()}
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name))
        for name, array in arrays.items()
    ]
    results = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in arrays.items()
    ]
    graph = helper.make_graph(nodes, "constant", [source], results)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path
