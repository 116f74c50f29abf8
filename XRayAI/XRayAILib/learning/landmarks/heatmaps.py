"""Heatmaps: where a landmark may be, as one probability over the whole image.

Coordinates are pixels of the network's square, centres at integers. A cell of a heatmap covers ``stride`` x ``stride``
of them, so that cell *i* is centred at ``(i + 0.5) * stride - 0.5``.

A network's heatmap of a point is a softmax over all cells, and it is taught by the divergence from a Gaussian around
the point. The Gaussian is computed where the point is, between pixels; none is ever rounded to a cell. Of the losses in
use (mean squared error to a Gaussian, adaptive wing, coordinates by soft-argmax) this one has no background that
outweighs the few bright cells, needs no tuned weight, has a gradient at every cell from the first step on, and what
comes out is a distribution, from which the uncertainty can be read (compare McCouat and Voiculescu, "Contour-hugging
heatmaps for landmark detection", CVPR 2022).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def cells(count: int, stride: int, like: torch.Tensor) -> torch.Tensor:
    """Centres (count,) of the cells of one axis, in pixels of the square."""
    import torch

    return (torch.arange(count, device=like.device, dtype=torch.float32) + 0.5) * stride - 0.5


def gaussians(
    points: torch.Tensor, shape: tuple[int, int], stride: int, sigma: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gaussians around points (..., 2) as their two factors, (..., rows) and (..., columns), each with the sum 1.

    Their outer product is the heatmap. At a border the Gaussian is cut and what is left sums to 1.

    Parameters
    ----------
    sigma
        Standard deviation in pixels of the square.
    """
    rows, columns = shape

    def factor(places: torch.Tensor, count: int) -> torch.Tensor:
        distance = (cells(count, stride, points) - places.float()[..., None]) / sigma
        # A softmax of the exponent is the normalised Gaussian, and does not vanish far outside the square either.
        return (-0.5 * distance**2).softmax(dim=-1)

    return factor(points[..., 1], rows), factor(points[..., 0], columns)


def divergence(logits: torch.Tensor, points: torch.Tensor, stride: int, sigma: float) -> torch.Tensor:
    """Kullback-Leibler divergence (B, N) of softmax heatmaps (B, N, rows, columns) from Gaussians at (B, N, 2)."""
    import torch

    logits = logits.float()
    down, across = gaussians(points, (logits.shape[-2], logits.shape[-1]), stride, sigma)
    expected = torch.einsum("bnyx,bny,bnx->bn", logits, down, across)
    entropy = -sum((part * part.clamp(min=1e-30).log()).sum(dim=-1) for part in (down, across))
    found: torch.Tensor = logits.flatten(2).logsumexp(dim=-1) - expected - entropy
    return found
