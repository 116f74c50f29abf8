"""How many epochs fit, measured before the training starts."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device, duration_text

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.batches import TrainingBatches
    from XRayAILib.learning.task import Task

# Part of the time limit that is planned for; a machine that gets busier still finishes in time.
PLANNED = 0.85
# A validation image costs about a third of a training image: there is no way back through the network.
VALIDATION_COST = 1 / 3
VALIDATIONS = 40


@dataclass(frozen=True)
class Plan:
    """What a training is going to do.

    Attributes
    ----------
    epochs
        As asked for, or fewer where the time limit asks for it.
    steps
        Steps in an epoch.
    every
        Epochs from one validation to the next.
    seconds
        Expected for the whole training.
    shortened
        The time limit made the epochs fewer, so the result depends on this machine's speed.
    """

    epochs: int
    steps: int
    every: int
    seconds: float
    shortened: bool

    def document(self) -> dict[str, object]:
        return asdict(self)

    def text(self, device: Device) -> str:
        """One line for the person, before it starts."""
        line = (
            f"{self.epochs} epochs of {self.steps} steps on {device.description}: about {duration_text(self.seconds)}"
        )
        return line + (" (fewer epochs than asked for, to keep the time limit)" if self.shortened else "")


def make_plan(config: TrainingConfig, steps: int, batch: int, validation_images: int, seconds_per_step: float) -> Plan:
    """Fit the epochs into the time limit, at a speed that was measured."""

    def total(epochs: int) -> float:
        validations = -(-epochs // _every(epochs))
        validation = validation_images / batch * VALIDATION_COST * seconds_per_step
        return epochs * steps * seconds_per_step + validations * validation

    epochs = config.epochs
    limit = config.minutes * 60 * PLANNED
    if limit and total(epochs) > limit:
        epochs = max(1, int(epochs * limit / total(epochs)))
    return Plan(epochs, steps, _every(epochs), total(epochs), epochs < config.epochs)


def _every(epochs: int) -> int:
    return max(1, epochs // VALIDATIONS)


def measured_step(
    network: torch.nn.Module, task: Task, batches: TrainingBatches, config: TrainingConfig, device: Device
) -> float:
    """Seconds of one training step, by a few steps of a copy of the network on real batches."""
    import copy

    import torch

    twin = copy.deepcopy(network).train()
    optimizer = torch.optim.AdamW(twin.parameters(), config.learning_rate)
    seconds = []
    for batch in batches:
        start = time.perf_counter()
        image = batch["image"].to(device.kind, memory_format=torch.channels_last)
        with torch.autocast("cuda", enabled=config.mixed_precision and device.mixed_precision):
            more = [batch["table"].to(device.kind)] if "table" in batch else []
            loss = task.loss(twin(image, *more), batch["label"].to(device.kind))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Reading the number waits for the device.
        float(loss.detach())
        seconds.append(time.perf_counter() - start)
        if len(seconds) >= 4 or sum(seconds) > 10:
            break
    batches.position = 0
    # The first steps pay for memory and kernels.
    return min(seconds)
