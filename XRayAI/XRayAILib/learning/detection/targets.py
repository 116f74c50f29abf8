"""The boxes of an image as rows of numbers, and where they go when the image is changed.

A target is (rows, 5): x0, y0, x1, y1 in pixels of the network's square, as outer edges with pixel centres at integers,
and the position of the label. A row of NaN is none. A row of a label without edges says that nobody looked for this
label here: its absence is not taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.findings import Findings
from XRayAILib.learning.detection.edges import KINDS, drawn, edges_array
from XRayAILib.learning.errors import TrainingError
from XRayAILib.pixels.resample import Letterbox

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.displacement import Displacement

OUTLINE = 32
"""Points of the ellipse in a box that are moved with the image; a multiple of 4, so that it touches every edge."""
SMALLEST = 2.0
"""Pixels of the square; a box that is narrower has nothing in it that could be learnt."""


def known_labels(findings: Findings, labels: Sequence[str], missing: str) -> list[bool]:
    """For each label, whether the findings say where it is and where it is not.

    They do of a label that was drawn, of every label where ``missing`` is ``absent``, and of every label where somebody
    decided that there is nothing at all.
    """
    if missing == "absent" or not findings.objects:
        return [True] * len(labels)
    said = {item.label for item in findings if isinstance(item, KINDS)}
    return [label in said for label in labels]


def target_rows(
    findings: Findings, labels: Sequence[str], missing: str, letterbox: Letterbox, count: int
) -> np.ndarray:
    """The target of an image, float32 (count + labels, 5).

    Raises
    ------
    TrainingError
        There are more than ``count`` boxes.
    """
    target = np.full((count + len(labels), 5), np.nan, np.float32)
    row = 0
    for position, label in enumerate(labels):
        edges = edges_array(drawn(findings, label))
        if row + len(edges) > count:
            number = sum(len(drawn(findings, name)) for name in labels)
            raise TrainingError(
                f"The image {findings.radiograph_uid} has {number} boxes to learn, and options.max_boxes is {count}: "
                f"raise it to {number} or more."
            )
        corners = letterbox.points_forward(edges.reshape(-1, 2)).reshape(-1, 4)
        # What lies outside of what the network sees cannot be learnt.
        corners = np.clip(corners, -0.5, letterbox.size - 0.5)
        seen = (corners[:, 2:] - corners[:, :2] > 0).all(axis=1)
        target[row : row + seen.sum(), :4] = corners[seen]
        target[row : row + seen.sum(), 4] = position
        row += int(seen.sum())
    for position, known in enumerate(known_labels(findings, labels, missing)):
        if not known:
            target[count + position, 4] = position
    return target


def moved(targets: torch.Tensor, displacement: Displacement, mirrors: Sequence[int], visible: float) -> torch.Tensor:
    """Targets (B, rows, 5) of images that were changed.

    Not the corners of a box are moved but the ellipse in it: a turned box would otherwise grow with every turn, though
    what it holds, which seldom reaches its corners, does not (Kalra et al., *Towards Rotation Invariance in Object
    Detection*, ICCV 2021). What leaves the image is cut off; a box of which less than the part ``visible`` is left is
    gone. In a mirrored image a label becomes its mirror.
    """
    import torch

    size = displacement.size
    # Most rows are empty in all images of a batch.
    used = ~targets[..., 0].isnan().all(dim=0)
    edges = targets[:, used, :4]
    batch, rows = edges.shape[:2]
    turn = torch.arange(OUTLINE, device=targets.device, dtype=targets.dtype) * (2 * torch.pi / OUTLINE)
    centre, half = (edges[..., :2] + edges[..., 2:]) / 2, (edges[..., 2:] - edges[..., :2]) / 2
    outline = centre[:, :, None] + half[:, :, None] * torch.stack([turn.cos(), turn.sin()], dim=-1)
    went = displacement.points(outline.flatten(1, 2)).reshape(batch, rows, OUTLINE, 2)
    whole = torch.cat([went.amin(dim=2), went.amax(dim=2)], dim=-1)
    cut = whole.clamp(-0.5, size - 0.5)
    gone = (_area(cut) / _area(whole) < visible) | ((cut[..., 2:] - cut[..., :2]).amin(dim=-1) < SMALLEST)
    changed = targets.clone()
    changed[:, used, :4] = cut
    labels = targets[..., 4]
    order = torch.tensor(mirrors, device=labels.device)
    mirrored = torch.where(labels.isnan(), labels, order[labels.nan_to_num().long()].to(labels))
    changed[..., 4] = torch.where(displacement.flipped.to(labels.device)[:, None], mirrored, labels)
    changed[:, used] = changed[:, used].masked_fill(gone[..., None], torch.nan)
    return changed


def _area(edges: torch.Tensor) -> torch.Tensor:
    return (edges[..., 2:] - edges[..., :2]).prod(dim=-1)
