"""What a network of anchors is taught: which of them hold an object, and where its edges are.

Anchors are matched by ATSS (Zhang et al., *Bridging the Gap Between Anchor-based and Anchor-free Detection via Adaptive
Training Sample Selection*, CVPR 2020), negatives are the hardest ones, three for each positive (Liu et al., *SSD*, ECCV
2016, 2.2), and edges are taught by generalised IoU (Rezatofighi et al., CVPR 2019). All three are MONAI's.

Every image weighs the same, so that a batch split over processes teaches what the whole batch would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.detection.network import Anchors

CANDIDATES = 4
"""Places on each level from which ATSS takes the positives of an object (the value of MONAI and nnDetection)."""
NEGATIVES = 3
"""For each positive."""
FEWEST = 32
"""Negatives in an image, also where there is no object."""
EDGES_WEIGHT = 2.0
"""Of the edges beside the classes, as in the paper of ATSS."""


class AnchorLoss:
    """Loss of a batch; call it with the network's output and targets as :mod:`targets` has them."""

    def __init__(self, anchors: Anchors) -> None:
        from monai.apps.detection.utils.ATSS_matcher import ATSSMatcher
        from monai.apps.detection.utils.box_coder import BoxCoder
        from monai.apps.detection.utils.hard_negative_sampler import HardNegativeSampler
        from monai.losses import BoxGIoULoss

        self._anchors = anchors
        self._matcher = ATSSMatcher(CANDIDATES, center_in_gt=False)
        # All positives, and a pool of negatives that is no larger than what is taken of it: so nothing is random here,
        # and a run that is gone on with is the same run.
        self._sampler = HardNegativeSampler(
            batch_size_per_image=1_000_000_000, positive_fraction=1 / (1 + NEGATIVES), min_neg=FEWEST, pool_size=1
        )
        self._coder = BoxCoder(weights=(1.0, 1.0, 1.0, 1.0))
        self._overlap = BoxGIoULoss(reduction="mean")
        self._placed: Any = None

    def __call__(self, output: dict[str, torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
        import torch

        logits, shifts = output["class_logits"].float(), output["box_regression"].float()
        if not bool(torch.isfinite(logits).all() and torch.isfinite(shifts).all()):
            # What the training says of a loss that is no number tells more than an error from within MONAI.
            return (logits.sum() + shifts.sum()) * torch.nan
        if self._placed is None or self._placed.device != logits.device:
            self._placed = torch.from_numpy(self._anchors.edges.copy()).to(logits.device)
        targets = targets.to(logits.device).float()
        return torch.stack([self._image(*one) for one in zip(logits, shifts, targets, strict=True)]).mean()

    def _image(self, logits: torch.Tensor, shifts: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The loss of an image from logits (A, classes), shifts (A, 4) and its target (rows, 5)."""
        import torch
        import torch.nn.functional as F

        named = ~target[:, 4].isnan()
        boxed = named & ~target[:, 0].isnan()
        # Anchors count from the corner of the square, targets from the centre of its first pixel.
        boxes, labels = target[boxed, :4] + 0.5, target[boxed, 4].long()
        known = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
        known[target[named & ~boxed, 4].long()] = False
        matches = torch.full((len(logits),), -1, dtype=torch.long, device=logits.device)
        if len(boxes):
            matches = self._matcher(boxes, self._placed, self._anchors.levels, self._anchors.each)[1]
        positive = matches >= 0
        wanted = torch.zeros_like(logits)
        wanted[positive, labels[matches[positive]]] = 1.0
        hardness = logits.detach().masked_fill(~known, -torch.inf).amax(dim=1)
        positives, negatives = self._sampler([matches + 1], hardness)
        chosen = (positives[0] + negatives[0]).bool()
        entropy = F.binary_cross_entropy_with_logits(logits[chosen], wanted[chosen], reduction="none")
        loss = (entropy * known).sum(dim=1).mean()
        if len(boxes):
            found = self._coder.decode_single(shifts[positive], self._placed[positive])
            loss = loss + EDGES_WEIGHT * self._overlap(found, boxes[matches[positive]])
        return loss
