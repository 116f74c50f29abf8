"""How many images a step learns from, and how many of them go through the network at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.memory import images_at_once, too_small
from XRayAILib.learning.processes import Processes

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.trial import Trial


@dataclass(frozen=True)
class BatchRange:
    """How many images a step of a preset is made for, and how many it takes at most where the memory allows."""

    usual: int
    largest: int


RANGES = {"quick": BatchRange(8, 8), "standard": BatchRange(8, 32), "best": BatchRange(16, 64)}
OF_TASK = {
    "classification": {"quick": BatchRange(16, 16), "standard": BatchRange(16, 64), "best": BatchRange(32, 128)},
}
"""Where a task's networks are made for other numbers."""
FEWEST_STEPS = 10
"""An epoch of fewer steps than this is not worth a larger batch."""


@dataclass(frozen=True)
class BatchSize:
    """What was chosen.

    Attributes
    ----------
    images
        In a step, over all processes.
    at_once
        Through the network of one process together; where they are fewer than its part, gradients add up.
    rate
        Factor of the configuration's learning rate. It is meant for the usual batch of the preset, or for the one that
        the configuration names; for AdamW it grows with the square root of the batch (Malladi et al., "On the SDEs and
        Scaling Rules for Adaptive Gradient Algorithms", 2022).
    """

    images: int
    at_once: int
    rate: float = 1.0


def choose_batch(
    config: TrainingConfig,
    images: int,
    images_per_epoch: int,
    network: torch.nn.Module,
    trial: Trial,
    device: Device,
    processes: Processes,
) -> BatchSize:
    """The batch that the configuration asks for or, where it leaves that open, the largest that fits.

    Parameters
    ----------
    images, images_per_epoch
        Of the training part.

    Raises
    ------
    TrainingError
        Not even one image fits, or the batch cannot be dealt out to the processes evenly.
    """
    span = range_of(config)
    wanted = wanted_batch(config, images, images_per_epoch, processes.size, device.kind)
    each = wanted // processes.size
    at_once = processes.least(images_at_once(network, trial.step, device, each))
    if not at_once:
        raise too_small(device, config.size, config.network)
    if config.batch_size:
        return BatchSize(wanted, at_once)
    fitting = at_once * processes.size
    usual = min(span.usual, wanted)
    usual = max(1, usual // processes.size) * processes.size
    if fitting <= usual:
        return BatchSize(usual, at_once)
    return BatchSize(fitting, at_once, math.sqrt(fitting / span.usual) if fitting > span.usual else 1.0)


def range_of(config: TrainingConfig) -> BatchRange:
    """The batches of a task's preset."""
    return OF_TASK.get(config.task, RANGES)[config.preset]


def wanted_batch(config: TrainingConfig, images: int, images_per_epoch: int, processes: int, kind: str) -> int:
    """Images of a step, if they fit: as many in each process.

    ``kind`` is the device's: a CPU is not faster for having more of them at once.
    """
    if config.batch_size:
        if config.batch_size % processes:
            raise TrainingError(
                f"batch_size: {config.batch_size} images cannot be dealt out evenly to {processes} processes; choose a "
                f"multiple of {processes}, or 0 for as many as fit."
            )
        wanted = min(config.batch_size, images)
    else:
        span = range_of(config)
        largest = span.usual if kind == "cpu" else span.largest
        wanted = min(largest, images, max(span.usual, images_per_epoch // FEWEST_STEPS))
        # A power of two, so that halves and quarters of it are whole.
        wanted = 2 ** int(math.log2(wanted))
    if wanted < processes:
        raise TrainingError(
            f"There are {processes} processes for steps of {wanted} images; each needs at least one. Start fewer."
        )
    return wanted // processes * processes
