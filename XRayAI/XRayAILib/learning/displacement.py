"""Displacement: where things of an image go when it is turned, scaled, shifted, bent and mirrored.

One displacement moves the pixels (:meth:`Displacement.grid`) and the points (:meth:`Displacement.points`) of a batch,
so that masks, boxes and landmarks stay where they belong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.augment import Augmentation
    from XRayAILib.learning.draws import Draws

NODES = 5
"""Of the coarse grid of the elastic part, along each edge."""
STEPS = 12
"""Of the search for the place that a point goes to; the bends are gentle, so each step gains more than a digit."""


@dataclass(frozen=True)
class Displacement:
    """A change of geometry for each image of a batch, in a square of ``size`` pixels.

    Coordinates within are -1..1 from edge to edge, x to the right, y down, as ``grid_sample`` has them with
    ``align_corners=False``.

    Attributes
    ----------
    theta
        (B, 2, 3): from places of the changed image to those of the original, before the elastic part.
    bend
        (B, 2, NODES, NODES): x and y that are added then, in between bicubic; ``None`` for none.
    flipped
        (B,) bool: which images are mirrored, as part of ``theta``.
    """

    theta: torch.Tensor
    bend: torch.Tensor | None
    flipped: torch.Tensor
    size: int

    def grid(self, device: torch.device | str | None = None) -> torch.Tensor:
        """(B, size, size, 2): where every pixel of the changed images comes from."""
        import torch
        import torch.nn.functional as F

        # Both parts are sums of products of something down and something across, so one product of matrices does it.
        theta = self.theta.to(device)
        straight = F.pad(torch.stack([theta[:, :, 2:], theta[:, :, 1:2]], dim=2), (0, 1))
        straight[:, :, 0, 1] = theta[:, :, 0]
        lines = _weights(2, self.size, "linear", str(theta.device))
        if self.bend is None:
            moved = lines @ straight @ lines.T
        else:
            bend = self.bend.to(device)
            both = F.pad(straight, (0, NODES, 0, NODES))
            both[:, :, 2:, 2:] = bend
            lines = torch.cat([lines, _weights(NODES, self.size, "bicubic", str(theta.device))], dim=1)
            moved = lines @ both @ lines.T
        return moved.permute(0, 2, 3, 1)

    def points(self, points: torch.Tensor) -> torch.Tensor:
        """Where points go.

        Parameters
        ----------
        points
            (B, N, 2) x, y in pixels of the square, centres at integers; NaN stays NaN.
        """
        import torch

        theta = self.theta.to(points)
        places = (points + 0.5) * (2 / self.size) - 1
        inverse, offset = torch.linalg.inv(theta[:, :, :2]), theta[:, :, 2]

        def undone(wanted: torch.Tensor) -> torch.Tensor:
            return torch.einsum("bij,bnj->bni", inverse, wanted - offset[:, None])

        moved = undone(places)
        if self.bend is not None:
            field = self._field(points.device).to(points)
            # The bend is added at the place that is looked for, so that is found step by step (fixed point).
            for _ in range(STEPS):
                moved = undone(places - _sampled(field, moved))
        return (moved + 1) * (self.size / 2) - 0.5

    def _field(self, device: torch.device | str | None) -> torch.Tensor:
        assert self.bend is not None
        return enlarged(self.bend.to(device), self.size, "bicubic")


def enlarged(nodes: torch.Tensor, size: int, mode: str) -> torch.Tensor:
    """What ``torch.nn.functional.interpolate`` makes of a few nodes (..., N, N): (..., size, size), much faster."""
    weights = _weights(nodes.shape[-1], size, mode, str(nodes.device))
    return weights @ nodes @ weights.T


@lru_cache(maxsize=16)
def _weights(nodes: int, size: int, mode: str, device: str) -> torch.Tensor:
    """(size, nodes): how much of each node is in each place of a line; for ``linear``, ones and the places."""
    import torch
    import torch.nn.functional as F

    if mode == "linear":
        places = (torch.arange(size) + 0.5) * (2 / size) - 1
        return torch.stack([torch.ones(size), places], dim=1).to(device)
    lines = torch.eye(nodes).reshape(1, nodes, nodes, 1)
    return F.interpolate(lines, size=(size, 1), mode=mode, align_corners=False)[0, :, :, 0].T.contiguous().to(device)


def _sampled(field: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """A field (B, 2, S, S) at places (B, N, 2) of -1..1, as (B, N, 2)."""
    import torch.nn.functional as F

    found = F.grid_sample(field, places[:, :, None], mode="bilinear", padding_mode="border", align_corners=False)
    return found[..., 0].transpose(1, 2)


def displacement(strengths: Augmentation, draws: Draws, size: int) -> Displacement:
    """A random displacement for each image."""
    import torch

    turn = math.radians(strengths.rotation)
    angle = draws.uniform(-turn, turn)
    grown, drawn_out = math.log1p(strengths.scale), math.log1p(strengths.stretch)
    zoom = torch.exp(draws.uniform(-grown, grown))
    stretch = torch.exp(draws.uniform(-drawn_out, drawn_out) / 2)
    shift = draws.uniform(-2 * strengths.shift, 2 * strengths.shift, 2)
    flipped = draws.chance(strengths.flip)
    across, down = zoom * stretch, zoom / stretch
    mirrored = torch.where(flipped, -across, across)
    theta = torch.stack(
        [
            torch.stack([mirrored * angle.cos(), -down * angle.sin(), shift[:, 0]], dim=1),
            torch.stack([mirrored * angle.sin(), down * angle.cos(), shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    bend = draws.normal(2 * strengths.elastic, 2, NODES, NODES) if strengths.elastic else None
    return Displacement(theta, bend, flipped, size)
