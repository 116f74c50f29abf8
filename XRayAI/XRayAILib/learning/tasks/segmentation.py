"""Segmentation: one mask per structure. Structures may overlap, so each has a channel and a sigmoid of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.region import region
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.augment import exposed
from XRayAILib.learning.displacement import displacement
from XRayAILib.learning.evaluation.overlap import DICE, METRICS, overlap_badness, overlap_case, overlap_figures
from XRayAILib.learning.networks import U_NETS
from XRayAILib.learning.normalisation import over_batch
from XRayAILib.learning.task import Figures, Output, Task
from XRayAILib.pixels.components import solid
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws

FULL = 254
UNKNOWN = 255


@dataclass(frozen=True)
class Options:
    """Settings of segmentation.

    Attributes
    ----------
    components
        Largest connected pieces kept of each structure in a prediction; 0 for all.
    mirror
        A trained model looks at every image in a mirror too, where it learnt from mirrored ones: twice the time, and
        some tenths of a percent of Dice.
    """

    components: int = 1
    mirror: bool = True

    def problems(self) -> list[str]:
        return [] if 0 <= self.components <= 100 else [f"components: {self.components} must lie in 0 to 100."]


class Segmentation(Task):
    """Masks from logits (B, labels, S, S).

    A cached target is the coverage of each pixel by each structure, 0 to 254; a channel of 255 is a structure that
    nobody drew in this image, which takes no part in the loss. As a tensor: 0 to 1, and -1.
    """

    name = "segmentation"
    title = "Segmentation"
    tools = frozenset({Tool.MASK, Tool.POLYGON})
    score = DICE
    metrics = METRICS
    networks = U_NETS
    Options = Options

    @classmethod
    def said(cls, reference: Findings, labels: Collection[str]) -> frozenset[str]:
        return frozenset(o.label for o in reference if isinstance(o, (Mask, Polygon)) and o.label in labels)

    def target_shape(self, size: int) -> tuple[int, ...]:
        return len(self.labels), size, size

    def target(self, findings: Findings, letterbox: Letterbox) -> np.ndarray:
        channels = np.zeros(self.target_shape(letterbox.size), np.uint8)
        for channel, label in zip(channels, self.labels, strict=True):
            drawn = drawn_mask(findings, label)
            if drawn is not None:
                channel[...] = np.rint(letterbox.forward(drawn) * FULL)
            elif self.config.missing == "unknown":
                channel[...] = UNKNOWN
        return channels

    def tensors(self, targets: np.ndarray) -> torch.Tensor:
        import torch

        stored = torch.from_numpy(np.ascontiguousarray(targets))
        return torch.where(stored == UNKNOWN, torch.tensor(-1.0), stored.float() / FULL)

    def objects(self, target: np.ndarray, author: Author) -> tuple[FindingObject, ...]:
        areas = zip(self.labels, target > 0.5, strict=True)
        return tuple(Mask.from_array(area, label=label, author=author) for label, area in areas if area.any())

    def augmented(self, images: torch.Tensor, targets: torch.Tensor, draws: Draws) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        import torch.nn.functional as F

        strengths = self.config.augmentation
        moving = displacement(strengths, draws, images.shape[-1])
        flipped = moving.flipped
        known = known_channels(targets)
        both = torch.cat([images, targets], dim=1)
        moved = F.grid_sample(
            both, moving.grid(images.device), mode="bilinear", padding_mode="zeros", align_corners=False
        )
        images, targets = moved[:, :1], moved[:, 1:]
        if bool(flipped.any()):
            mirrored, order = flipped.to(targets.device), list(self.mirrors)
            targets = torch.where(mirrored[:, None, None, None], targets[:, order], targets)
            known = torch.where(mirrored[:, None], known[:, order], known)
        targets = torch.where(known[:, :, None, None], targets, torch.full_like(targets, -1.0))
        return exposed(strengths, images, draws), targets

    def read(self, network: torch.nn.Module, images: torch.Tensor, *more: torch.Tensor) -> torch.Tensor:
        """Logits; where mirrored images were learnt from, the mean with what is seen in the mirror."""
        plain: torch.Tensor = network(images)
        if not self.config.augmentation.flip or not self.options.mirror:
            return plain
        turned: torch.Tensor = network(images.flip(3)).flip(3)
        return (plain + turned[:, list(self.mirrors)]) / 2

    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Mean of soft Dice loss and binary cross-entropy over the structures that are known."""
        import torch.nn.functional as F
        from monai.losses import DiceLoss

        # Half precision would overflow in the sums over a large image.
        output = output.float()
        known = known_channels(target).float()
        target = target.clamp(min=0)
        dice = DiceLoss(sigmoid=True, reduction="none", smooth_nr=1.0, smooth_dr=1.0)(output, target).flatten(1)
        entropy = F.binary_cross_entropy_with_logits(output, target, reduction="none").mean(dim=(2, 3))
        return ((dice + entropy) * known).sum() / over_batch(known.sum()).clamp(min=1.0)

    def meter(self) -> DiceMeter:
        return DiceMeter(self.classes)

    def decode(self, output: Output, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """Masks at probability 0.5, with the mean probability inside as score; an empty one is left out.

        Pieces and holes are settled on the network's grid, where that is cheap, before going to the radiograph's.
        """
        assert isinstance(output, np.ndarray)
        objects = []
        for label, logits in zip(self.labels, output, strict=True):
            probability = 1 / (1 + np.exp(-np.clip(logits.astype(np.float32), -30, 30)))
            if self.options.components:
                kept = solid(probability > 0.5, self.options.components)
                inside = np.where(probability > 0.5, probability, 1 - probability)
                probability = np.where(kept, inside, np.minimum(probability, 1 - inside))
            whole = letterbox.back(probability)
            mask = whole > 0.5
            if mask.any():
                score = float(np.clip(whole[mask].mean(), 0, 1))
                objects.append(Mask.from_array(mask, label=label, author=author, score=round(score, 4)))
        return Findings(uid, (letterbox.rows, letterbox.columns), author, tuple(objects))

    def uncertainty(self, views: Sequence[Output]) -> dict[str, float]:
        """1 less the Dice that is to be expected of each structure."""
        from XRayAILib.learning.selection.uncertainty import expected_loss_of_overlap, sigmoid

        mean = np.mean([sigmoid(np.asarray(view)) for view in views], axis=0)
        return {label: expected_loss_of_overlap(one) for label, one in zip(self.labels, mean, strict=True)}

    def case(self, prediction: Findings, reference: Findings, spacing: Spacing) -> dict[str, Any]:
        return overlap_case(prediction, reference, self.labels, spacing, self.config.missing == "absent")

    def figures(self, cases: Sequence[Mapping[str, Any]], patients: Sequence[str], seed: int = 0) -> Figures:
        return overlap_figures(cases, patients, self.labels, seed)

    def badness(self, case: Mapping[str, Any]) -> float:
        return overlap_badness(case)


class DiceMeter:
    """MONAI's Dice of each structure, over the images in which somebody drew it."""

    def __init__(self, classes: Sequence[str]) -> None:
        from monai.metrics import DiceMetric

        self._classes = classes
        self._metric = DiceMetric(include_background=True, reduction="mean_batch")

    def add(self, output: torch.Tensor, target: torch.Tensor) -> None:
        # What nobody drew is empty there, which it leaves out.
        self._metric(y_pred=(output > 0).float(), y=(target > 0.5).float())

    def scores(self) -> dict[str, float]:
        if not len(self._metric):
            return {}
        values = self._metric.get_buffer().cpu().numpy()
        means = [column[~np.isnan(column)] for column in values.T]
        return {name: float(v.mean()) for name, v in zip(self._classes, means, strict=True) if len(v)}


def known_channels(targets: torch.Tensor) -> torch.Tensor:
    """(B, C) bool: which structures were drawn; the others are -1 throughout."""
    return targets.flatten(2).amax(dim=2) >= 0


def drawn_mask(findings: Findings, label: str) -> np.ndarray | None:
    """All masks and polygons of a label together as one bool array (rows, columns), or ``None`` where there is none."""
    areas = [item for item in findings if item.label == label and isinstance(item, Mask | Polygon)]
    return region(areas, findings.shape).array() if areas else None


TASK = Segmentation
