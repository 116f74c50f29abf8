"""What to say when the loss is no longer a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def what_was_seen(what: str, trainer: Any, network: torch.nn.Module, optimizer: torch.optim.Optimizer) -> str:
    """Where it happened, which tensors were bad, and the likely way out; ``what`` such as ``The loss became nan``."""
    import torch

    state = trainer.state
    image, target, output = (_whole(state.output[key]) for key in ("image", "label", "pred"))
    weights = [name for name, value in network.named_parameters() if not bool(torch.isfinite(value).all())]
    rate = max(group["lr"] for group in optimizer.param_groups)
    seen = (
        f"{what} at step {state.iteration} (epoch {state.epoch}, learning rate {rate:.2g}). "
        f"Images lay in {_range(image)}, targets in {_range(target)}, the network's output in {_range(output)}; "
    )
    if not bool(torch.isfinite(image).all()):
        return (
            seen + "the images themselves hold values that are no numbers: delete the project's cache and train again."
        )
    if weights:
        return seen + f"{len(weights)} weight tensors are no numbers ({weights[0]}): choose a lower learning rate."
    return (
        seen + "the weights are still numbers: choose a lower learning rate or, where the device computes in half "
        "precision, set mixed_precision to false."
    )


def _whole(values: Any) -> torch.Tensor:
    """A tensor, or all tensors of a mapping in one."""
    import torch

    if isinstance(values, dict):
        return torch.cat([value.detach().float().flatten() for value in values.values()])
    whole: torch.Tensor = values.detach()
    return whole


def _range(tensor: torch.Tensor) -> str:
    import torch

    bad = int((~torch.isfinite(tensor)).sum())
    good = tensor[torch.isfinite(tensor)]
    span = f"{float(good.min()):.3g} to {float(good.max()):.3g}" if len(good) else "nothing finite"
    return span + (f" with {bad} values that are no numbers" if bad else "")
