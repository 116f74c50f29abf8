"""How many epochs fit, measured before the training starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from XRayAILib.learning.batch_size import BatchSize
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import Device, duration_text

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
    batch_size
        Images in a step, over all processes.
    at_once
        Of them through the network of one process together, when it started.
    rate
        Factor of the learning rate for this batch, see :class:`BatchSize`.
    automatic
        The memory at hand chose the batch, so the result depends on it.
    """

    epochs: int
    steps: int
    every: int
    seconds: float
    shortened: bool
    batch_size: int = 0
    at_once: int = 0
    rate: float = 1.0
    automatic: bool = False

    def document(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Plan:
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in document.items() if name in known})

    def text(self, device: Device) -> str:
        """One line for the person, before it starts."""
        line = (
            f"{_many(self.epochs, 'epoch')} of {_many(self.steps, 'step')} with {_many(self.batch_size, 'image')} each "
            f"on {device.description}: "
            f"about {duration_text(self.seconds)}"
        )
        return line + (" (fewer epochs than asked for, to keep the time limit)" if self.shortened else "")

    def notes(self, processes: int) -> list[str]:
        """What else the person should know of it."""
        found = []
        if self.automatic:
            rate = f", with {self.rate:.2f} times the learning rate" if self.rate != 1 else ""
            found.append(f"The memory at hand allows {self.batch_size} images in a step{rate}.")
        each = self.batch_size // processes
        if self.at_once < each:
            found.append(
                f"Of the {each} images of a step, {self.at_once} go through the network at once, because more do not "
                "fit into the memory; their gradients are added up, which takes longer."
            )
        return found


def make_plan(
    config: TrainingConfig, steps: int, batch: BatchSize, validation_images: int, seconds_per_step: float
) -> Plan:
    """Fit the epochs into the time limit, at a speed that was measured."""

    def total(epochs: int) -> float:
        validations = -(-epochs // _every(epochs))
        validation = validation_images / batch.images * VALIDATION_COST * seconds_per_step
        return epochs * steps * seconds_per_step + validations * validation

    epochs = config.epochs
    limit = config.minutes * 60 * PLANNED
    if limit and total(epochs) > limit:
        epochs = max(1, int(epochs * limit / total(epochs)))
    return Plan(
        epochs,
        steps,
        _every(epochs),
        total(epochs),
        epochs < config.epochs,
        batch.images,
        batch.at_once,
        batch.rate,
        not config.batch_size,
    )


def _many(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _every(epochs: int) -> int:
    return max(1, epochs // VALIDATIONS)
