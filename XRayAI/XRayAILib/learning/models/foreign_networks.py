"""The networks whose weights may come from elsewhere: those of MONAI that a task allows, and some of torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.errors import ModelError, TrainingError
from XRayAILib.learning.models.description import Description
from XRayAILib.learning.networks import allowed, build, problem_of, whole_arguments

if TYPE_CHECKING:
    import torch

TORCHVISION: Mapping[str, tuple[str, ...]] = {
    "classification": (
        *("resnet18", "resnet34", "resnet50", "resnet101", "densenet121", "densenet161", "densenet169", "densenet201"),
        *("efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"),
        *("convnext_tiny", "convnext_small", "mobilenet_v3_large", "mobilenet_v3_small"),
    ),
    "segmentation": ("fcn_resnet50", "deeplabv3_resnet50", "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large"),
}
"""Task -> networks of torchvision; in a description with ``torchvision.`` before the name."""
PREFIX = "torchvision."


def network_problem(description: Description) -> str:
    """Why the network that a description names is not built, as a sentence; empty where it may be."""
    network = description.network
    if network is None:
        return "a file of weights needs 'network' with a name, such as DenseNet121 or torchvision.densenet121."
    known = TORCHVISION.get(description.task, ())
    if network.name.startswith(PREFIX):
        if network.name[len(PREFIX) :] not in known:
            listed = ", ".join(PREFIX + name for name in known) or "none"
            return f"network.name: '{network.name}' is none of those of torchvision for {description.task}: {listed}."
        if network.arguments:
            return f"network.arguments: {network.name} takes none here."
        return ""
    if description.task not in ("segmentation", "classification"):
        return f"network: weights for {description.task} come as ONNX, which brings its network along."
    return problem_of(description.task, network.name, network.arguments)


def build_foreign(description: Description) -> torch.nn.Module:
    """The network with random weights: (B, channels, H, W) to an output for each entry of ``labels``.

    Raises
    ------
    ModelError
        It is on no allow-list, or does not take its arguments.
    """
    reason = network_problem(description)
    if reason or description.network is None:
        raise ModelError(f"The network cannot be built: {reason}")
    name, outputs, inputs = description.network.name, len(description.labels), description.input.channels
    if name.startswith(PREFIX):
        return _torchvision(description.task, name[len(PREFIX) :], inputs, outputs)
    arguments = dict(description.network.arguments)
    try:
        if description.task == "classification":
            return _classifier(name, inputs, outputs, arguments)
        return build(description.task, name, inputs, outputs, arguments)
    except TrainingError as error:
        raise ModelError(str(error)) from error


def definition_of(description: Description) -> dict[str, Any]:
    """The network for ``configs/inference.json``, plain, as MONAI writes it; empty where MONAI could not build it."""
    network = description.network
    if network is None or (network.name.startswith(PREFIX) and description.input.channels != 3):
        # torchvision has none for grey pictures; the description in the manifest says what it is.
        return {}
    if network.name.startswith(PREFIX):
        family = "models.segmentation." if description.task == "segmentation" else "models."
        target = f"torchvision.{family}{network.name[len(PREFIX) :]}"
        return {"_target_": target, "weights": None, "num_classes": len(description.labels)}
    shape = {"spatial_dims": 2, "in_channels": description.input.channels, "out_channels": len(description.labels)}
    arguments = whole_arguments(description.task, network.name, network.arguments)
    return {"_target_": f"monai.networks.nets.{network.name}", **shape, **arguments}


def _torchvision(task: str, name: str, inputs: int, outputs: int) -> torch.nn.Module:
    import torchvision

    if task == "segmentation":
        extra = {} if name.startswith("lraspp") else {"aux_loss": None}
        maker = getattr(torchvision.models.segmentation, name)
        network: torch.nn.Module = maker(weights=None, weights_backbone=None, num_classes=outputs, **extra)
    else:
        network = getattr(torchvision.models, name)(weights=None, num_classes=outputs)
    return network if inputs == 3 else _with_stem(network, inputs)


def _with_stem(network: torch.nn.Module, inputs: int) -> torch.nn.Module:
    """The network with a first convolution for another number of channels."""
    import torch

    for path, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            parent, _, last = path.rpartition(".")
            stem = torch.nn.Conv2d(
                inputs,
                module.out_channels,
                module.kernel_size,  # type: ignore[arg-type]
                module.stride,  # type: ignore[arg-type]
                module.padding,  # type: ignore[arg-type]
                bias=module.bias is not None,
            )
            setattr(network.get_submodule(parent), last, stem)
            return network
    raise ModelError("The network has no convolution.")


def _classifier(name: str, inputs: int, outputs: int, arguments: dict[str, object]) -> torch.nn.Module:
    """MONAI's own network of this name, with MONAI's own values: ours has another stem and another last layer."""
    import monai.networks.nets

    whole: dict[str, Any] = {**allowed("classification")[name], **arguments, "spatial_dims": 2}
    if name.lower().startswith("resnet"):
        whole |= {"n_input_channels": inputs, "num_classes": outputs}
    elif name.startswith("DenseNet"):
        whole |= {"in_channels": inputs, "out_channels": outputs}
    else:
        whole |= {"in_channels": inputs, "num_classes": outputs}
    if name == "EfficientNetBN":
        whole["pretrained"] = False
    try:
        network: torch.nn.Module = getattr(monai.networks.nets, name)(**whole)
    except (TypeError, ValueError, AssertionError, KeyError, IndexError) as error:
        raise ModelError(f"{name} does not take these arguments together: {error}") from error
    return network
