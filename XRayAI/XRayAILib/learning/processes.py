"""Processes: the ranks of one training that ``torchrun`` started, on one machine or on several.

Each rank learns from its part of every batch; what they found is put together so that all of them hold the same
network. Rank 0 alone writes and speaks. A training that nobody started with ``torchrun`` is one process, and everything
here does nothing for it.
"""

from __future__ import annotations

import json
import os
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
PATIENCE = timedelta(days=1)
"""Rank 0 may fill a cache or test a model meanwhile; a rank that died is noticed by ``torchrun``."""


class Processes:
    """This process among those of the training.

    Attributes
    ----------
    rank, size
        Number of this process, from 0, and how many there are.
    """

    def __init__(self, rank: int = 0, size: int = 1, device: str = "cpu") -> None:
        self.rank, self.size, self._device = rank, size, device

    @classmethod
    def join(cls, device: str) -> Processes:
        """Meet the others, where ``torchrun`` has set ``WORLD_SIZE``; ``device`` is ``cpu`` or ``cuda``."""
        rank, size = rank_and_size()
        if size == 1:
            return cls()
        import torch
        import torch.distributed as dist

        if device not in ("cpu", "cuda"):
            raise TrainingError(f"Several processes cannot train on the device '{device}'; choose 'cuda' or 'cpu'.")
        if device == "cuda":
            torch.cuda.set_device(local_rank())
        if not dist.is_initialized():
            _count_alone()
            # Plain values travel by gloo, and only tensors on a GPU by NCCL.
            dist.init_process_group("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo", timeout=PATIENCE)
        return cls(rank, size, device)

    def leave(self) -> None:
        """Part from the others."""
        if self.size > 1:
            import torch.distributed as dist

            dist.destroy_process_group()

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """The part of a batch of ``count`` images that is this process's; they are equally large."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def shared(self, value: T) -> T:
        """Rank 0's plain value (as JSON has them) at every rank; the others' is not looked at."""
        if self.size == 1:
            return value
        import numpy as np
        import torch
        import torch.distributed as dist

        text = json.dumps(value).encode() if self.leads else b""
        length = torch.tensor([len(text)])
        dist.broadcast(length, 0)
        block = torch.zeros(int(length), dtype=torch.uint8)
        if self.leads:
            block = torch.from_numpy(np.frombuffer(text, np.uint8).copy())
        dist.broadcast(block, 0)
        found: T = json.loads(block.numpy().tobytes())
        return found

    def least(self, value: int) -> int:
        """The smallest of a whole number over all ranks."""
        if self.size == 1:
            return value
        import torch
        import torch.distributed as dist

        both = torch.tensor([value])
        dist.all_reduce(both, dist.ReduceOp.MIN)
        return int(both)

    def mean(self, value: float) -> float:
        """The mean of a number over all ranks."""
        if self.size == 1:
            return value
        import torch
        import torch.distributed as dist

        total = torch.tensor([value], dtype=torch.float64)
        dist.all_reduce(total)
        return float(total) / self.size

    def gathered(self, output: Any) -> Any:
        """A tensor, or a mapping of tensors, of equal shape at every rank: one after the other, by rank."""
        if self.size == 1:
            return output
        import torch
        import torch.distributed as dist

        if isinstance(output, dict):
            return {name: self.gathered(value) for name, value in output.items()}
        parts = [torch.empty_like(output, memory_format=torch.contiguous_format) for _ in range(self.size)]
        dist.all_gather(parts, output.contiguous())
        return torch.cat(parts)

    def spread(self, network: torch.nn.Module) -> None:
        """Give rank 0's weights to every rank."""
        if self.size == 1:
            return
        import torch.distributed as dist

        for value in network.state_dict().values():
            # Some backends take contiguous tensors only, and convolutions lie in another order.
            plain = value.contiguous()
            dist.broadcast(plain, 0)
            value.copy_(plain)

    def joined(self, network: torch.nn.Module, unused: bool = False) -> torch.nn.Module:
        """The network with gradients that are averaged over all processes, and the statistics of batch normalisation
        taken over the whole batch; its parameters are the same objects.

        Parameters
        ----------
        unused
            Some parameters take no part in every loss.
        """
        if self.size == 1:
            return network
        import torch

        from XRayAILib.learning.normalisation import share_statistics

        share_statistics(network)
        place = [torch.cuda.current_device()] if self._device == "cuda" else None
        with warnings.catch_warnings():
            # The newest torch has a new name for it, which the others do not know.
            warnings.filterwarnings("ignore", message=".*broadcast_buffers")
            return torch.nn.parallel.DistributedDataParallel(
                network, device_ids=place, broadcast_buffers=False, find_unused_parameters=unused
            )


def _count_alone() -> None:
    """Keep the metrics of MONAI from putting together what all processes counted, as they do through ignite wherever
    they see several: here, rank 0 counts alone, with the outputs of all."""
    import ignite.distributed.utils as ignite_processes

    ignite_processes._need_to_sync = False


def rank_and_size() -> tuple[int, int]:
    """Of this process, as ``torchrun`` says; (0, 1) where nobody did."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def local_rank() -> int:
    """Number of this process on its machine, and of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))
