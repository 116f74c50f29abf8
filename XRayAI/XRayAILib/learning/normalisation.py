"""What is normalised by a whole batch, also where the batch lies in several processes: batch normalisation, and losses.

torch's own ``SyncBatchNorm`` needs a GPU; this one works wherever the processes can add numbers up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_sharing = False


def over_batch(count: torch.Tensor) -> torch.Tensor:
    """What a loss of a batch is to be divided by, where that depends on the batch: known pixels, boxes, labels.

    In one process it is ``count`` itself. In each of several it is the mean of their counts: gradients are averaged
    over processes, so the whole becomes what one process would have had. A task's loss has to ask for it equally often
    in every process, whatever its images show::

        return (loss * known).sum() / over_batch(known.sum()).clamp(min=1.0)
    """
    if not _sharing:
        return count
    import torch.distributed as dist

    total = count.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


@contextmanager
def sharing(on: bool) -> Iterator[None]:
    """While every process is at its part of the same batch."""
    global _sharing
    before, _sharing = _sharing, on
    try:
        yield
    finally:
        _sharing = before


def share_statistics(network: torch.nn.Module) -> None:
    """Let every batch normalisation of a network take mean and variance over all processes, in place.

    The modules stay the same objects with the same weights, and a copy of the network made before stays as it was.
    """
    import torch
    from torch.nn.modules.batchnorm import _BatchNorm

    for module in network.modules():
        own = (torch.nn.SyncBatchNorm, *_classes.values())
        if isinstance(module, _BatchNorm) and not isinstance(module, own):
            module.__class__ = _shared_class(type(module))


_classes: dict[type, type] = {}


def _shared_class(kind: Any) -> type:
    if kind not in _classes:

        def forward(self: Any, images: torch.Tensor) -> torch.Tensor:
            return _over_processes(self, images) if self.training and _sharing else kind.forward(self, images)

        _classes[kind] = type(f"Shared{kind.__name__}", (kind,), {"forward": forward})
    return _classes[kind]


def _over_processes(layer: Any, images: torch.Tensor) -> torch.Tensor:
    """Batch normalisation (B, C, ...) with the statistics of all processes."""
    import torch

    axes = [0, *range(2, images.dim())]
    shape = [1, -1, *[1] * (images.dim() - 2)]
    values = images.float()
    # The mean first and then what lies around it: the difference of two large sums would lose the digits.
    sums: torch.Tensor = _sum(torch.cat([values.sum(axes), values.new_tensor([values[:, 0].numel()])]))
    count = sums[-1].detach()
    mean = sums[:-1] / count
    around = values - mean.view(shape)
    variance: torch.Tensor = _sum((around * around).sum(axes)) / count
    if layer.running_mean is not None:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            part = 1.0 / float(layer.num_batches_tracked) if layer.momentum is None else layer.momentum
            layer.running_mean.lerp_(mean.to(layer.running_mean), part)
            layer.running_var.lerp_((variance * count / (count - 1)).to(layer.running_var), part)
    normal = around * torch.rsqrt(variance + layer.eps).view(shape)
    if layer.weight is not None:
        normal = normal * layer.weight.view(shape) + layer.bias.view(shape)
    return normal.to(images.dtype)


def _sum(values: torch.Tensor) -> torch.Tensor:
    """The sum over all processes; the way back sums the gradients of all of them."""
    found: torch.Tensor = _summing().apply(values)
    return found


@cache
def _summing() -> Any:
    import torch
    import torch.distributed as dist

    class Summing(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, mine: torch.Tensor) -> torch.Tensor:
            total = mine.clone()
            dist.all_reduce(total)
            return total

        @staticmethod
        def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
            total = gradient.contiguous().clone()
            dist.all_reduce(total)
            return total

    return Summing
