"""Trial: training steps on a copy of the network before the real ones, to see how long they take and what fits."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.batches import Batch, TrainingBatches
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.device import Device
    from XRayAILib.learning.task import Task

STEPS = 3
SECONDS = 1.0
"""Spent on measuring after the first step, which pays for memory and kernels."""


class Trial:
    """A copy of a network that is thrown away afterwards; the network itself stays as it is."""

    def __init__(
        self, network: torch.nn.Module, task: Task, batches: TrainingBatches, config: TrainingConfig, device: Device
    ) -> None:
        import torch

        self._network = copy.deepcopy(network).train()
        self._optimizer = torch.optim.AdamW(self._network.parameters(), config.learning_rate)
        self._task, self._batches, self._config, self._device = task, batches, config, device
        self.unused = False

    def step(self, count: int) -> float:
        """One step with so many images; its seconds. What torch says of too little memory is raised."""
        batch = self._batches.some(count)
        begun = time.perf_counter()
        self._optimizer.zero_grad(set_to_none=True)
        image, more = placed(batch, self._device)
        with self._device.precision(self._config.mixed_precision):
            loss = self._task.loss(self._network(image, *more), batch["label"].to(self._device.kind))
        loss.backward()
        self._optimizer.step()
        # Reading the number waits for the device.
        float(loss.detach())
        self.unused = any(p.requires_grad and p.grad is None for p in self._network.parameters())
        return time.perf_counter() - begun

    def seconds(self, count: int) -> float:
        """Of a step with so many images, once it runs in."""
        first = self.step(count)
        found: list[float] = []
        while len(found) < STEPS and sum(found) < SECONDS:
            if first > SECONDS * 4 and not found:
                # A step that takes so long is hardly longer for being the first one.
                return first
            found.append(self.step(count))
        return min(found)


def placed(batch: Batch, device: Device) -> tuple[torch.Tensor, list[Any]]:
    """The images, and what else goes into the network, on the device."""
    import torch

    image = batch["image"].to(device.kind, memory_format=torch.channels_last, non_blocking=True)
    return image, [batch["table"].to(device.kind, non_blocking=True)] if "table" in batch else []
