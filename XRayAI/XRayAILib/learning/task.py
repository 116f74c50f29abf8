"""What a kind of learning has to say of itself; everything else is the same for all kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch


class Task(ABC):
    """A kind of learning: how findings become targets, and how a network's output becomes findings.

    Attributes
    ----------
    labels
        In the order of the network's output.
    mirrors
        For each label, the position of the label it becomes in a mirrored image.
    """

    name: ClassVar[str]
    # The metric, higher being better, by which the best weights are chosen.
    score_name: ClassVar[str]

    def __init__(self, labels: Sequence[str], mirrors: Sequence[int], config: TrainingConfig) -> None:
        self.labels = tuple(labels)
        self.mirrors = tuple(mirrors)
        self.config = config

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Channels of the network's output."""

    @abstractmethod
    def target_shape(self, size: int) -> tuple[int, ...]:
        """Shape of one cached target (uint8)."""

    @abstractmethod
    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        """What is to be learnt of one image, uint8 of :meth:`target_shape`."""

    @abstractmethod
    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        """Cached targets (B, ...) as the loss takes them."""

    @abstractmethod
    def augmented(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch (B, 1, S, S) and its targets, changed together."""

    @abstractmethod
    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of a batch, a scalar."""

    @abstractmethod
    def score_metric(self) -> Any:
        """A fresh MONAI metric handler for the validation part; it keeps details per image and label."""

    @abstractmethod
    def decode(self, output: np.ndarray, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """Findings on the radiograph's own grid from one output (channels, S, S) of the network."""

    @abstractmethod
    def measure(self, prediction: Findings, reference: Findings) -> dict[str, dict[str, float]]:
        """How well a prediction agrees with the reference, ``{label: {metric: value}}``, on the radiograph's grid."""


def mirrors_of(labels: Sequence[str], schema: LabelSchema | None) -> list[int]:
    """For each label, the position of the label it becomes in a mirrored image; itself where the schema names none."""
    names = list(labels)
    found = []
    for position, name in enumerate(names):
        other = schema[name].mirror if schema is not None and name in schema else ""
        found.append(names.index(other) if other in names else position)
    return found


def make_task(
    config: TrainingConfig, labels: Sequence[str], schema: LabelSchema | None = None, mirrors: Sequence[int] = ()
) -> Task:
    """The task that a configuration names."""
    from XRayAILib.learning.segmentation import Segmentation

    kinds: Mapping[str, type[Task]] = {Segmentation.name: Segmentation}
    if config.task not in kinds:
        raise TrainingError(f"There is no task '{config.task}'; there are {', '.join(kinds)}.")
    return kinds[config.task](labels, mirrors or mirrors_of(labels, schema), config)
