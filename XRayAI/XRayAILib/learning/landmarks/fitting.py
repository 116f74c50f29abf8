"""What is chosen on the validation part: from which presence on a point is said to be there, and the uncertainty.

A heatmap's radius says which points are surer than others, but a network is too sure of itself, or not sure enough. So
it is multiplied by the factor with which, on the validation part, the wanted part of the true points lies within: split
conformal prediction with the radius as the scale (Lei et al., *J. Am. Stat. Assoc.* 113, 2018, 5.2). What it promises
holds for images like those of the validation part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.landmarks.peaks import peak

if TYPE_CHECKING:
    import torch

LEAST_EACH = 5
"""Of images with and without a point, for a threshold of its own; fewer are judged together with the other points."""
THRESHOLD = 0.5


def fitted_to(
    outputs: Mapping[str, torch.Tensor],
    targets: torch.Tensor,
    classes: Sequence[str],
    stride: int,
    sigma: float,
    coverage: float,
) -> dict[str, Any]:
    """``thresholds`` by class, ``radius_factor``, and ``points``, the number of points that these come from.

    Parameters
    ----------
    outputs, targets
        Of the validation part, as the loss takes them.
    coverage
        Part of the true points that lie within the uncertainty.
    """
    maps, presence = (outputs[name].float().cpu().numpy() for name in ("heatmaps", "presence"))
    truth = targets.cpu().numpy()
    state, probability = truth[:, :, 2], 1 / (1 + np.exp(-presence.astype(float)))
    ratios = []
    for image, point in zip(*np.nonzero(state == 1), strict=True):
        found = peak(maps[image, point], stride, sigma)
        x, y, _ = truth[image, point]
        ratios.append(math.hypot(found.x - x, found.y - y) / found.radius)
    together = threshold(probability[state == 1], probability[state == 0])
    thresholds = {}
    for number, name in enumerate(classes):
        there, gone = (probability[state[:, number] == value, number] for value in (1, 0))
        enough = min(len(there), len(gone)) >= LEAST_EACH
        thresholds[name] = threshold(there, gone) if enough else together
    return {"thresholds": thresholds, "radius_factor": conformal(ratios, coverage), "points": len(ratios)}


def threshold(there: np.ndarray, gone: np.ndarray) -> float:
    """The presence that tells best which points are there: the largest sum of both rates (Youden, *Cancer* 3, 1950).

    In the middle of all that do so equally well; 0.5 where there is nothing to tell apart.
    """
    if not len(there) or not len(gone):
        return THRESHOLD
    values = np.unique(np.concatenate([there, gone, [0.0, 1.0]]))
    between = (values[1:] + values[:-1]) / 2
    right = (there[None] >= between[:, None]).mean(axis=1) + (gone[None] < between[:, None]).mean(axis=1)
    best = np.flatnonzero(right >= right.max() - 1e-12)
    return round(float((values[best[0]] + values[best[-1] + 1]) / 2), 4)


def conformal(ratios: Sequence[float], coverage: float) -> float:
    """The factor on the radius: of n values of error / radius, that of rank ceil((n + 1) * coverage).

    1, the radius as the heatmap has it, where there are too few points for this rank: fewer than 9 for 0.9.
    """
    rank = math.ceil((len(ratios) + 1) * coverage - 1e-9)
    if rank > len(ratios):
        return 1.0
    return round(float(np.sort(np.asarray(ratios, float))[rank - 1]), 4)
