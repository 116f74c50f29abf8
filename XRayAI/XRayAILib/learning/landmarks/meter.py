"""The mean radial error while a validation runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.landmarks.peaks import peak

if TYPE_CHECKING:
    import torch


class RadialErrorMeter:
    """How far the peaks lie from the points that are in the image, in per cent of the edge of the network's square.

    The longer side of the radiograph fills that edge, so these are the per cent that are told of the test images.
    """

    def __init__(self, classes: Sequence[str], stride: int, sigma: float) -> None:
        self._stride, self._sigma = stride, sigma
        self._errors: dict[str, list[float]] = {name: [] for name in classes}

    def add(self, output: dict[str, torch.Tensor], target: torch.Tensor) -> None:
        """``heatmaps`` (B, N, rows, columns) and targets (B, N, 3)."""
        maps, points = output["heatmaps"].float().cpu().numpy(), target.cpu().numpy()
        for image, places in zip(maps, points, strict=True):
            for errors, logits, (x, y, state) in zip(self._errors.values(), image, places, strict=True):
                if state == 1:
                    found = peak(logits, self._stride, self._sigma)
                    errors.append(100 * float(np.hypot(found.x - x, found.y - y)) / (len(logits) * self._stride))

    def scores(self) -> dict[str, float]:
        return {name: float(np.mean(errors)) for name, errors in self._errors.items() if errors}
