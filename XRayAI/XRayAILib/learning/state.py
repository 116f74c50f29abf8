"""RunState: everything of a training that changes while it runs, and its way into a checkpoint and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.learning.average import WeightAverage
from XRayAILib.learning.checkpoint import Checkpoint
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.plan import Plan

if TYPE_CHECKING:
    import torch


@dataclass
class Progress:
    """What changes during a run besides tensors."""

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_score: float | None = None
    stopped: str = ""
    seconds: float = 0.0
    loss_sum: float = 0.0
    loss_count: int = 0
    at_once: int = 0
    patience: dict[str, Any] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)


class RunState:
    """The state of a training.

    Attributes
    ----------
    network, average, optimizer
        What is trained.
    best
        The weights that were best on the validation part, by ``state_dict`` name.
    plan
        ``None`` until the speed is measured.
    step
        Steps that are done.
    """

    def __init__(
        self, network: torch.nn.Module, average: WeightAverage, optimizer: torch.optim.Optimizer, identity: object
    ) -> None:
        self.network, self.average, self.optimizer = network, average, optimizer
        self._identity = identity
        self.best: dict[str, torch.Tensor] = {}
        self.progress = Progress()
        self.plan: Plan | None = None
        self.step = 0

    @property
    def needed_bytes(self) -> int:
        """Of a checkpoint on the disk, roughly: the weights, their average, the best, two moments of the optimiser."""
        return 5 * sum(value.numel() * value.element_size() for value in self.network.state_dict().values())

    def keep_best(self) -> None:
        """The averaged weights of now are the best so far."""
        self.best = {name: value.detach().clone() for name, value in self.average.network.state_dict().items()}

    def write(self, path: Path) -> None:
        """Write a checkpoint; :class:`TrainingError` where the disk is full, and the earlier file stands."""
        assert self.plan is not None
        state = {
            "identity": self._identity,
            "step": self.step,
            "plan": self.plan.document(),
            "progress": vars(self.progress),
        }
        checkpoint = Checkpoint(state=state)
        checkpoint.put("network", self.network.state_dict())
        checkpoint.put("average", self.average.network.state_dict() if self._averages else {})
        checkpoint.put("best", self.best)
        checkpoint.put_optimizer(self.optimizer)
        checkpoint.write(path)

    def read(self, path: Path) -> None:
        """Go back to a checkpoint; :class:`TrainingError` where it is of another training."""
        checkpoint = Checkpoint.read(path)
        state = checkpoint.state
        if state["identity"] != self._identity:
            raise TrainingError(
                f"{path} belongs to a training with other settings, labels or images. "
                "Start the training anew, in a new job."
            )
        self.network.load_state_dict(checkpoint.get("network"))
        if self._averages:
            self.average.network.load_state_dict(checkpoint.get("average"))
        place = next(self.network.parameters()).device
        self.best = {name: value.to(place) for name, value in checkpoint.get("best").items()}
        checkpoint.load_optimizer(self.optimizer)
        self.progress = Progress(**_known(state["progress"]))
        self.plan = Plan.from_document(state["plan"])
        self.step = int(state["step"])

    @property
    def _averages(self) -> bool:
        return self.average.network is not self.network


def _known(progress: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a checkpoint's progress; one of an earlier version lacks some, of a later one has more."""
    names = Progress.__dataclass_fields__
    return {name: value for name, value in progress.items() if name in names}
