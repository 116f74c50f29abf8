"""Segmentation: one mask per structure. Structures may overlap, so each has a channel and a sigmoid of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.findings.agreement.region import region
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask, Polygon
from XRayAILib.learning.augment import displacement, exposed
from XRayAILib.learning.task import Task
from XRayAILib.pixels.components import solid
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

FULL = 254
UNKNOWN = 255


class Segmentation(Task):
    """Masks from logits (B, labels, S, S).

    A cached target is the coverage of each pixel by each structure, 0 to 254; a channel of 255 is a structure that
    nobody drew in this image, which takes no part in the loss. As a tensor: 0 to 1, and -1.
    """

    name = "segmentation"
    score_name = "dice"

    @property
    def outputs(self) -> int:
        return len(self.labels)

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

    def augmented(
        self, images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        import torch
        import torch.nn.functional as F

        strengths = self.config.augmentation
        size = images.shape[-1]
        grid, flipped = displacement(strengths, len(images), size, generator, images.device)
        known = known_channels(targets)
        both = torch.cat([images, targets], dim=1)
        moved = F.grid_sample(both, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        images, targets = moved[:, :1], moved[:, 1:]
        if bool(flipped.any()):
            mirrored, order = flipped.to(targets.device), list(self.mirrors)
            targets = torch.where(mirrored[:, None, None, None], targets[:, order], targets)
            known = torch.where(mirrored[:, None], known[:, order], known)
        targets = torch.where(known[:, :, None, None], targets, torch.full_like(targets, -1.0))
        return exposed(strengths, images, generator), targets

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
        return ((dice + entropy) * known).sum() / known.sum().clamp(min=1.0)

    def score_metric(self) -> Any:
        from monai.handlers import MeanDice

        return MeanDice(include_background=True, output_transform=_binary, save_details=True)

    def decode(self, output: np.ndarray, letterbox: Letterbox, uid: str, author: Author) -> Findings:
        """Masks at probability 0.5, with the mean probability inside as score; an empty one is left out.

        Pieces and holes are settled on the network's grid, where that is cheap, before going to the radiograph's.
        """
        objects = []
        for label, logits in zip(self.labels, output, strict=True):
            probability = 1 / (1 + np.exp(-np.clip(logits.astype(np.float32), -30, 30)))
            if self.config.components:
                kept = solid(probability > 0.5, self.config.components)
                inside = np.where(probability > 0.5, probability, 1 - probability)
                probability = np.where(kept, inside, np.minimum(probability, 1 - inside))
            whole = letterbox.back(probability)
            mask = whole > 0.5
            if mask.any():
                score = float(np.clip(whole[mask].mean(), 0, 1))
                objects.append(Mask.from_array(mask, label=label, author=author, score=round(score, 4)))
        return Findings(uid, (letterbox.rows, letterbox.columns), author, tuple(objects))

    def measure(self, prediction: Findings, reference: Findings) -> dict[str, dict[str, float]]:
        """Dice and IoU per structure that the reference has; both empty is 1."""
        import torch
        from monai.metrics import compute_dice, compute_iou

        found: dict[str, dict[str, float]] = {}
        for label in self.labels:
            truth = drawn_mask(reference, label)
            if truth is None:
                continue
            seen = drawn_mask(prediction, label)
            seen = np.zeros_like(truth) if seen is None else seen
            mine, theirs = (torch.from_numpy(array)[None, None].float() for array in (seen, truth))
            found[label] = {
                "dice": float(compute_dice(mine, theirs, ignore_empty=False)),
                "iou": float(compute_iou(mine, theirs, ignore_empty=False)),
            }
        return found


def known_channels(targets: torch.Tensor) -> torch.Tensor:
    """(B, C) bool: which structures were drawn; the others are -1 throughout."""
    return targets.flatten(2).amax(dim=2) >= 0


def drawn_mask(findings: Findings, label: str) -> np.ndarray | None:
    """All masks and polygons of a label together as one bool array (rows, columns), or ``None`` where there is none."""
    areas = [item for item in findings if item.label == label and isinstance(item, Mask | Polygon)]
    return region(areas, findings.shape).array() if areas else None


def _binary(output: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(prediction, truth) as 0 and 1 for MONAI's Dice; what nobody drew is empty there, which it leaves out."""
    return (output["pred"] > 0).float(), (output["label"] > 0.5).float()
