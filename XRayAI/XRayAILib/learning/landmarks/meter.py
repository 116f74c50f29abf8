"""The mean radial error while a validation runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.landmarks.peaks import places

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
        edge = output["heatmaps"].shape[-1] * self._stride
        truth, found = target.cpu().numpy(), places(output["heatmaps"], self._stride, self._sigma)
        away = 100 * np.hypot(*np.moveaxis(found - truth[..., :2], -1, 0)) / edge
        for number, errors in enumerate(self._errors.values()):
            errors += away[truth[:, number, 2] == 1, number].tolist()

    def scores(self) -> dict[str, float]:
        return {name: float(np.mean(errors)) for name, errors in self._errors.items() if errors}
