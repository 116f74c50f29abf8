"""Pretraining: to draw the hidden part of an image. It learns from no label, so every image teaches it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.augment import exposed
from XRayAILib.learning.displacement import displacement
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.networks import U_NETS, build
from XRayAILib.learning.pretraining.masks import covered, hidden_patches, patches
from XRayAILib.learning.pretraining.network import drawing_network
from XRayAILib.learning.task import Figures, Output, Task
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws

IMAGE = "image"
"""The one class there is."""


@dataclass(frozen=True)
class Options:
    """Settings of pretraining.

    Attributes
    ----------
    hidden
        Part of each image that is hidden.
    patch
        Edge of the patches that are hidden, in pixels of the network's input.
    """

    hidden: float = 0.6
    patch: int = 16

    def problems(self) -> list[str]:
        found = [] if 0.05 <= self.hidden <= 0.95 else [f"hidden: {self.hidden} must lie in 0.05 to 0.95."]
        return found if 2 <= self.patch <= 512 else [*found, f"patch: {self.patch} must lie in 2 to 512."]


class Pretraining(Task):
    """Grey values (B, 1, S, S) of what is hidden.

    Nothing is cached beside the images. The target of a changed batch is (B, 2, S, S): the images before anything was
    hidden, and 1 where it was.
    """

    name = "pretraining"
    title = "Pretraining"
    tools: ClassVar[frozenset[Tool]] = frozenset()
    score = Metric("error", "Error of hidden pixels", better="lower", digits=4)
    metrics = (score,)
    networks = U_NETS
    Options = Options

    @classmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        return frozenset()

    @classmethod
    def teaches(cls, reference: Findings, labels: Collection[str], missing: str) -> bool:
        return True

    @property
    def classes(self) -> tuple[str, ...]:
        return (IMAGE,)

    def target_shape(self, size: int) -> tuple[int, ...]:
        return (1,)

    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        return np.zeros(1, np.uint8)

    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        import torch

        return torch.zeros(len(targets), 2, 1, 1)

    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        import torch.nn.functional as F

        size, strengths = images.shape[-1], self.config.augmentation
        grid = displacement(strengths, draws, size).grid(images.device)
        moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        whole = exposed(strengths, moved, draws)
        edge = patches(size, self.options.patch)
        chance = draws.uniform(0, 1, edge, edge)
        hidden = hidden_patches(chance, self.options.hidden, size, self.options.patch).to(images.device)
        return covered(whole, hidden), torch.cat([whole, hidden], dim=1)

    def network(self) -> torch.nn.Module:
        body = build(self.name, self.config.network, 1, 1, self.config.network_arguments)
        return drawing_network(body, self.options.hidden, self.options.patch)

    def loss(self, output: Mapping[str, torch.Tensor], target: torch.Tensor) -> torch.Tensor:
        """Mean absolute error of the hidden pixels; each image counts alike."""
        return _errors(output, target).mean()

    def meter(self) -> ErrorMeter:
        return ErrorMeter()

    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """None: it finds nothing."""
        return Findings(uid, (letterbox.rows, letterbox.columns), author, ())

    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        return {}

    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        return {"labels": {}, "overall": {}}


class ErrorMeter:
    """The mean error over the images of a validation."""

    def __init__(self) -> None:
        self._total, self._images = 0.0, 0

    def add(self, output: Mapping[str, torch.Tensor], target: torch.Tensor) -> None:
        errors = _errors(output, target)
        self._total, self._images = self._total + float(errors.sum()), self._images + len(errors)

    def scores(self) -> dict[str, float]:
        return {IMAGE: self._total / self._images} if self._images else {}


def _errors(output: Mapping[str, torch.Tensor], target: torch.Tensor) -> torch.Tensor:
    """(B,) mean absolute error of the hidden pixels."""
    whole, hidden = output.get("whole"), output.get("hidden")
    if whole is None or hidden is None:
        whole, hidden = target[:, :1], target[:, 1:]
    difference = (output["drawn"].float() - whole.float()).abs() * hidden
    return difference.sum(dim=(1, 2, 3)) / hidden.sum(dim=(1, 2, 3)).clamp(min=1)


TASK = Pretraining
