"""How gently weights that did not start at random are changed: learning rates by depth, and a frozen encoder.

Layer-wise learning rates as in Clark et al., ELECTRA (2020), and Bao et al., BEiT (2021), with the stages of a
convolutional encoder, which work at one resolution each, in the place of their blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from XRayAILib.learning.start.layers import layers_of

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.config import TrainingConfig


def parameter_groups(network: torch.nn.Module, config: TrainingConfig, table_size: int = 0) -> list[dict[str, Any]]:
    """Groups for the optimizer, the first layers first.

    Returns
    -------
    list
        ``{"params": [...], "lr": rate}``: ``config.learning_rate`` for the decoder and the heads, and for each stage
        before them ``config.layer_decay`` times that of the next.
    """
    if config.layer_decay == 1:
        return [{"params": list(network.parameters()), "lr": config.learning_rate}]
    layers = layers_of(network, table_size)
    groups: list[dict[str, Any]] = [
        {"params": [], "lr": config.learning_rate * config.layer_decay ** (layers.last - stage)}
        for stage in range(layers.last + 1)
    ]
    for name, parameter in network.named_parameters():
        groups[layers.stages[name]]["params"].append(parameter)
    return [group for group in groups if group["params"]]


def frozen(network: torch.nn.Module, config: TrainingConfig, epoch: int, table_size: int = 0) -> bool:
    """Hold or release the encoder for an epoch (from 1); whether it is held.

    To be called before each epoch, and with the epoch at hand after going on from a checkpoint. While it is held, its
    weights get no gradients and its normalisation keeps the running statistics that it came with.
    """
    held = epoch <= config.freeze
    if held == bool(getattr(network, "encoder_is_held", False)):
        return held
    if held:
        encoder = layers_of(network, table_size).encoder
        if not hasattr(network, "encoder_is_held"):
            network.register_forward_pre_hook(_hold)
        for prefix, module in network.named_modules():
            own = [name for name, value in module._parameters.items() if value is not None]
            own += [name for name, value in module._buffers.items() if value is not None]
            if own and (f"{prefix}.{own[0]}" if prefix else own[0]) in encoder:
                module.held = True  # type: ignore[assignment]
                module.requires_grad_(False)
    else:
        for module in network.modules():
            if getattr(module, "held", False):
                module.held = False  # type: ignore[assignment]
                module.requires_grad_(True)
    network.encoder_is_held = held  # type: ignore[assignment]
    return held


def _hold(network: torch.nn.Module, _: Any) -> None:
    """Before each forward pass, because the engine puts the whole network into training mode before it."""
    for module in network.modules():
        if getattr(module, "held", False):
            module.training = False
