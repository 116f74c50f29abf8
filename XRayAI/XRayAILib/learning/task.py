"""What a kind of learning has to say of itself; everything else is the same for all kinds.

A task is one file in :mod:`XRayAILib.learning.tasks` that ends with ``TASK = <its class>``; nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.legend import Legend
from XRayAILib.learning.metric import Meter, Metric
from XRayAILib.learning.settings import read_settings
from XRayAILib.learning.sides import cannot_mirror
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws
    from XRayAILib.learning.evaluation.comparable import Statistics
    from XRayAILib.learning.examples import Example

NOTHING: Mapping[str, Any] = MappingProxyType({})
Output = np.ndarray | dict[str, np.ndarray]
"""What a network gave for one image, without the batch axis."""
Figures = dict[str, Any]
"""``{"labels": {class: {metric: figure}}, "overall": {metric: figure}}`` with a figure ``{"value", "low", "high",
"count"}`` (95 % interval by bootstrap over patients, ``None`` where there is none) and, where they make sense, ``std``,
``median``, ``min``, ``max``, ``unit``, ``reason``."""


@dataclass(frozen=True)
class NoOptions:
    """The settings of a task without any of its own."""


class Task(ABC):
    """A kind of learning: how findings become targets, and how a network's output becomes findings.

    Parameters
    ----------
    legend
        What the outputs mean, in their order.
    fitted
        What :meth:`fit` found on the validation part, for a model that is trained.

    Attributes
    ----------
    name
        Key in a configuration; also the name of the file.
    tools
        The labels of a schema that it learns from are drawn with one of these.
    score
        What is measured on the validation part; the best weights are chosen by it.
    metrics
        The columns of a table of figures per class, the most important first.
    networks
        Names of networks that may be built, with the arguments that may be set and their usual values.
    target_type
        Of a cached target.
    unmirrored
        Why images are not mirrored although the configuration wants it, in a sentence; empty where they are.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    tools: ClassVar[frozenset[Tool]]
    score: ClassVar[Metric]
    metrics: ClassVar[tuple[Metric, ...]]
    networks: ClassVar[Mapping[str, Mapping[str, object]]]
    Options: ClassVar[type] = NoOptions
    target_type: ClassVar[str] = "uint8"

    def __init__(self, legend: Legend, config: TrainingConfig, fitted: Mapping[str, Any] = NOTHING) -> None:
        self.legend = tuple(legend)
        self.labels = tuple(label.name for label in legend)
        self.mirrors = tuple(label.mirror for label in legend)
        self.unmirrored = cannot_mirror(self.legend) if config.augmentation.flip else ""
        # Of every kind of change, this one alone may turn a label into another one.
        self.config = config.changed(augmentation=replace(config.augmentation, flip=0.0)) if self.unmirrored else config
        self.fitted = fitted
        self.options: Any = read_settings(self.Options, config.options, "options")

    # What is learnt from ----------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        """What an image teaches of these labels, to count and to spread evenly: names of classes."""

    @classmethod
    def teaches(cls, reference: Findings, labels: Collection[str], missing: str) -> bool:
        """Whether an image can be learnt from; ``missing`` as in the configuration."""
        return bool(cls.said(reference, labels))

    def problems(self, examples: Sequence[Example]) -> list[str]:
        """Why a training with these examples, in their parts, makes no sense: a sentence each, before it starts."""
        return []

    def notes(self, examples: Sequence[Example]) -> list[str]:
        """What is to be borne in mind of these examples, without being a reason not to start: a sentence each."""
        return []

    # Targets ----------------------------------------------------------------------------------------------------------

    @property
    def classes(self) -> tuple[str, ...]:
        """What is scored one by one."""
        return self.labels

    @property
    def outputs(self) -> int:
        """Channels of the network's output."""
        return len(self.classes)

    @abstractmethod
    def target_shape(self, size: int) -> tuple[int, ...]:
        """Shape of one cached target."""

    @abstractmethod
    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        """What is to be learnt of one image, of :attr:`target_type` and :meth:`target_shape`."""

    @abstractmethod
    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        """Cached targets (B, ...) as :meth:`augmented` and :meth:`loss` take them."""

    @abstractmethod
    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        """A batch (B, 1, S, S) in 0..1 and its targets, changed together."""

    def objects(self, target: np.ndarray, author: Author) -> tuple[FindingObject, ...]:
        """What a target teaches, changed or not, as objects on the network's square: for a person to see.

        Parameters
        ----------
        target
            Of one image, without the batch axis of :meth:`tensors`.
        """
        return ()

    @property
    def table_size(self) -> int:
        """Numbers that go into the network beside the image."""
        return 0

    def table(self, header: Header) -> np.ndarray:
        """Those numbers of one image: (table_size,) float32."""
        return np.zeros(0, np.float32)

    def learn(self, targets: np.ndarray, table: np.ndarray) -> dict[str, Any]:
        """What is to be known of the whole training part before it starts, such as how rare each class is.

        It goes into :attr:`fitted`, of this training and of the model.

        Parameters
        ----------
        targets, table
            Cached targets (N, ...) and numbers (N, table_size) of the training part.
        """
        return {}

    # The network ------------------------------------------------------------------------------------------------------

    def network(self) -> torch.nn.Module:
        """The configuration's network with random weights.

        It maps images (B, 1, S, S), and the numbers (B, table_size) where there are any, to a tensor or a mapping of
        tensors, the batch first in each.
        """
        from XRayAILib.learning.networks import build

        return build(self.name, self.config.network, 1, self.outputs, self.config.network_arguments)

    def read(self, network: torch.nn.Module, images: torch.Tensor, *more: torch.Tensor) -> Any:
        """What a trained network gives for images, where a task looks at them more than once; else its plain output."""
        return network(images, *more)

    @abstractmethod
    def loss(self, output: Any, target: torch.Tensor) -> torch.Tensor:
        """The loss of a batch, a scalar."""

    # What it found ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def meter(self) -> Meter:
        """Measures :attr:`score` of every class while a validation runs."""

    def fit(self, outputs: Any, targets: torch.Tensor, patients: Sequence[str]) -> dict[str, Any]:
        """What is chosen on the validation part once the weights stand, such as thresholds; stored in the model.

        Parameters
        ----------
        outputs
            Of the network, the whole validation part in one batch, on the CPU.
        """
        return {}

    @property
    def wants_fit(self) -> bool:
        """Whether :meth:`fit` does anything, so that the outputs are worth keeping."""
        return type(self).fit is not Task.fit

    @abstractmethod
    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """Findings on the radiograph's own grid from the output for one image."""

    def shown(self, findings: Findings) -> Findings:
        """What a person is shown of a prediction; a test looks at all of it."""
        return findings

    def uncertainty(self, views: Sequence[Output]) -> dict[str, float]:
        """How unsure the network is of each class in an image, 0 to 1, to choose what to label next.

        By default, how much the outputs differ.

        Parameters
        ----------
        views
            What it gave for the image and for small changes of it, see :mod:`XRayAILib.learning.selection.uncertainty`.
        """
        from XRayAILib.learning.selection.uncertainty import saturated

        plain = [list(view.values()) if isinstance(view, dict) else [view] for view in views]
        spreads = [np.stack(part).std(axis=0).mean() for part in zip(*plain, strict=True)]
        return {"": saturated(float(np.mean(spreads)))}

    @abstractmethod
    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        """What is to be known of one test image for every figure, ``{class: {name: plain value}}``."""

    @abstractmethod
    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        """How good these cases are together; ``patients`` has the patient of each."""

    def statistics(self, cases: Sequence[Mapping[str, Any]]) -> Statistics:
        """What is compared between groups of images; by default the means of the cases' own values of the score."""
        from XRayAILib.learning.evaluation.comparable import number_statistics

        return number_statistics(cases, self.classes, self.score.name)

    def truths(self, reference: Findings) -> dict[str, bool]:
        """Whether each class is there; one of which the reference says nothing is left out."""
        said = self.said(reference, self.labels)
        known = self.config.missing == "absent" or not reference.objects
        return {name: name in said for name in self.classes if known or name in said}

    def badness(self, case: Mapping[str, Any]) -> float:
        """To sort test images by, the worst first."""
        return 0.0


def task_names() -> tuple[str, ...]:
    """The tasks there are."""
    import XRayAILib.learning.tasks as package

    return tuple(sorted(module.name for module in pkgutil.iter_modules(package.__path__)))


def task_class(name: str) -> type[Task]:
    """The task of this name; :class:`TrainingError` names those there are."""
    if name not in task_names():
        raise TrainingError(f"There is no task '{name}'; there are {', '.join(task_names())}.")
    found: type[Task] = importlib.import_module(f"XRayAILib.learning.tasks.{name}").TASK
    return found


def make_task(config: TrainingConfig, legend: Legend, fitted: Mapping[str, Any] = NOTHING) -> Task:
    """The task that a configuration names."""
    return task_class(config.task)(legend, config, fitted)
