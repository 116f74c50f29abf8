"""What the peers of the quality benchmark are given, and how they are measured: the same as ours, by the same code."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.learning.cache import build_cache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.examples import Example, gather
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.splits import kept_apart, split
from XRayAILib.learning.task import Task, make_task
from XRayAILib.pixels.resample import Letterbox
from XRayAILib.project.project import Project

AUTHOR = Author.model("peer", "test")


@dataclass(frozen=True)
class Case:
    """One image of the set.

    Attributes
    ----------
    image
        float32 (size, size), 0..1: the whole radiograph in a square, its 1st to 99th percentile stretched.
    target
        As the library's task has it for this square.
    view
        As the header says, for the groups of a classification.
    """

    uid: str
    patient: str
    part: str
    image: np.ndarray
    target: np.ndarray
    letterbox: Letterbox
    reference: Findings
    spacing: Spacing
    view: str


@dataclass(frozen=True)
class Material:
    """All images of a task in their parts, decoded and resized.

    Attributes
    ----------
    task
        Of the library; without anything fitted.
    cores
        That training may use.
    """

    task: Task
    cases: tuple[Case, ...]
    size: int
    seed: int
    cores: int

    def part(self, *names: str) -> list[Case]:
        return [case for case in self.cases if case.part in names]

    def figures(self, cases: Sequence[Case], read: Callable[[Case], Findings], task: Task | None = None) -> Any:
        """What the library measures of what ``read`` finds in images; with groups by view for a classification."""
        task = task or self.task
        # In one order, as in the library: the draws of the intervals go by it.
        cases = sorted(cases, key=lambda case: case.uid)
        facts = [task.case(read(case), case.reference, case.spacing) for case in cases]
        found: dict[str, Any] = dict(task.figures(facts, [case.patient for case in cases], self.seed))
        if task.name == "classification":
            found["groups"] = {
                view: task.figures(
                    [fact for case, fact in zip(cases, facts, strict=True) if case.view == view],
                    [case.patient for case in cases if case.view == view],
                )
                for view in sorted({case.view for case in cases})
            }
        return found


@dataclass
class Clock:
    """The wall-clock that a training has, from the moment it is made."""

    minutes: float
    begun: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """The part of it that is over, 0 to 1 and beyond."""
        return (time.monotonic() - self.begun) / (60 * self.minutes)

    @property
    def over(self) -> bool:
        return self.spent >= 1


@dataclass(frozen=True)
class Trained:
    """What a peer made of its time: how it reads an image, and what is to be said of it.

    Attributes
    ----------
    task
        With what was fitted on the validation part, where the peer's figures need a threshold.
    """

    read: Callable[[Case], Findings]
    note: str
    task: Task | None = None


def prepare(task: str, project: Project, seed: int, size: int) -> Material:
    """Deal the images as our training with this seed does, and decode them into a square of ``size``."""
    config = TrainingConfig.from_preset("quick", task, seed=seed, device="cpu", size=size)
    labels, examples = gather(project, config)
    examples = list(split(project, examples, config).examples)
    learnt = make_task(config, legend_of(labels, project.schema))
    cache = build_cache(project, examples, learnt, config.pixel_preset, lambda event: None)
    prints = dict(zip(cache.rows, cache.prints, strict=True))
    examples, _ = kept_apart([e for e in examples if e.uid in cache.rows], prints)
    cases = tuple(
        _case(project, example, cache.images[cache.rows[example.uid]], cache.targets[cache.rows[example.uid]], size)
        for example in examples
    )
    cache.close()
    return Material(learnt, cases, size, seed, choose_device("cpu").threads)


def _case(project: Project, example: Example, image: np.ndarray, target: np.ndarray, size: int) -> Case:
    radiograph, reference = project.radiograph(example.uid), project.reference(example.uid)
    assert reference is not None
    return Case(
        example.uid,
        str(example.patient),
        example.part,
        np.array(image, np.float32),
        np.array(target),
        Letterbox(*reference.shape, size),
        reference,
        radiograph.spacing,
        radiograph.header.view,
    )


def weights_of(network: Any) -> dict[str, Any]:
    """A copy of a network's weights, to go back to."""
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def start(material: Material) -> None:
    """Let torch use all cores, and draw the same random numbers in every run of a split."""
    import torch
    from monai.utils import set_determinism

    set_determinism(material.seed)
    # It also asks for deterministic algorithms, which are slower and which nobody here needs.
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(material.cores)


def stacked(cases: Sequence[Case]) -> Any:
    """Images (B, 1, S, S) as a tensor."""
    import torch

    return torch.from_numpy(np.stack([case.image for case in cases]))[:, None]


def overall(figures: Mapping[str, Any], task: Task) -> float:
    """The score that the library chooses weights by, the higher the better; minus infinity where it is not defined."""
    value = figures["overall"].get(task.score.name, {}).get("value")
    if value is None:
        return float("-inf")
    return float(value) if task.score.better == "higher" else -float(value)
