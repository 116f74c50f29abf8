"""The point that a heatmap means, between its cells, and how sure it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch

PART = 0.9
"""Part of the probability that a peak's radius holds."""
_BINS = 4
"""Of the distance, per pixel of the square, where the radius is searched."""


class Peak(NamedTuple):
    """Where a heatmap has its mode.

    Attributes
    ----------
    x, y
        In pixels of the network's square, centres at integers.
    mass
        Part of the probability within three standard deviations of the taught Gaussian around it: near 1 where the
        heatmap has one clear place, less where others compete or where it is broad.
    radius
        Of the circle around it that holds :data:`PART` of the probability, in pixels of the square.
    """

    x: float
    y: float
    mass: float
    radius: float


def peak(logits: np.ndarray, stride: int, sigma: float) -> Peak:
    """The mode of a softmax heatmap from its logits (rows, columns).

    The mode is where most probability lies together, not the one brightest cell. Around it the logarithm of a Gaussian
    is a parabola; its vertex is the point. This is the idea of DARK (Zhang et al., CVPR 2020, arXiv 1910.06278), which
    takes the derivatives at one cell. Here the parabola is fitted to all cells around, weighted by their probability
    squared (Guo, *IEEE Signal Process. Mag.* 28(5), 2011), which also holds at the border, where a mean of the cells
    would be drawn inwards.
    """
    from scipy.ndimage import uniform_filter

    logits = np.asarray(logits, np.float64)
    probability = np.exp(logits - logits.max())
    probability /= probability.sum()
    reach = _reach(logits.shape, stride, sigma)
    # Twice the mean of a square weighs the cell in the middle most, so that one cell alone is its own mode.
    width = 2 * (reach // 2) + 1
    together = uniform_filter(uniform_filter(probability, width, mode="constant"), width, mode="constant")
    row, column = np.unravel_index(int(together.argmax()), logits.shape)
    top, left = (
        max(0, min(int(at) - reach, n - 2 * reach - 1)) for at, n in zip((row, column), logits.shape, strict=True)
    )
    window = (slice(top, top + 2 * reach + 1), slice(left, left + 2 * reach + 1))
    y, x = (first + at for first, at in zip((top, left), vertex(logits[window]), strict=True))
    place = (np.array([x, y]) + 0.5) * stride - 0.5
    return Peak(float(place[0]), float(place[1]), *_spread(probability, place, stride, sigma))


def places(logits: torch.Tensor, stride: int, sigma: float) -> np.ndarray:
    """(B, N, 2): x, y of the peaks of many heatmaps (B, N, rows, columns), as :func:`peak` has them.

    All but the last step is done where the heatmaps are; a validation on a GPU does not wait for them to be copied.
    """
    import torch
    import torch.nn.functional as F

    logits = logits.detach().float()
    rows, columns = logits.shape[-2:]
    reach = _reach((rows, columns), stride, sigma)
    width = 2 * (reach // 2) + 1
    probability = logits.flatten(2).softmax(dim=-1).view_as(logits)
    for _ in range(2):
        probability = F.avg_pool2d(probability, width, stride=1, padding=width // 2)
    mode = probability.flatten(2).argmax(dim=-1)
    top = (mode // columns - reach).clamp(max=rows - 2 * reach - 1).clamp(min=0)
    left = (mode % columns - reach).clamp(max=columns - 2 * reach - 1).clamp(min=0)
    along = torch.arange(2 * reach + 1, device=logits.device)
    down, across = top[..., None] + along, left[..., None] + along
    image, point = (torch.arange(n, device=logits.device) for n in logits.shape[:2])
    windows = logits[image[:, None, None, None], point[None, :, None, None], down[..., :, None], across[..., None, :]]
    corners = torch.stack([top, left], dim=-1).cpu().numpy()
    found = np.array([[vertex(window) for window in one] for one in windows.double().cpu().numpy()])
    whole: np.ndarray = ((found.reshape(corners.shape) + corners + 0.5) * stride - 0.5)[..., ::-1]
    return whole


def _reach(shape: tuple[int, ...], stride: int, sigma: float) -> int:
    """Cells on each side of the mode that the parabola is fitted to."""
    return min(max(1, math.ceil(1.5 * sigma / stride)), (min(shape) - 1) // 2)


def vertex(logits: np.ndarray) -> tuple[float, float]:
    """(row, column) of the vertex of a parabola through the logits of a window around a mode.

    Where they do not form a hill with its top in the window or one cell around it, their mean place by probability.
    """
    rows, columns = logits.shape
    weight = np.exp(logits - logits.max())
    row, column = np.mgrid[:rows, :columns].astype(float)
    middle_row, middle_column = (float((weight * at).sum() / weight.sum()) for at in (row, column))
    y, x = (row - middle_row).ravel(), (column - middle_column).ravel()
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)
    scaled = weight.ravel()[:, None]
    _, a, b, c, d, e = np.linalg.lstsq(terms * scaled, logits.ravel() * scaled[:, 0], rcond=None)[0]
    determinant = 4 * c * e - d * d
    if c < 0 and determinant > 0:
        found = middle_row + (d * a - 2 * c * b) / determinant, middle_column + (d * b - 2 * e * a) / determinant
        if all(-1 <= at <= n for at, n in zip(found, (rows, columns), strict=True)):
            return float(found[0]), float(found[1])
    return middle_row, middle_column


def _spread(probability: np.ndarray, place: np.ndarray, stride: int, sigma: float) -> tuple[float, float]:
    rows, columns = probability.shape
    y = ((np.arange(rows) + 0.5) * stride - 0.5 - place[1]) ** 2
    x = ((np.arange(columns) + 0.5) * stride - 0.5 - place[0]) ** 2
    distance = np.sqrt(y[:, None] + x[None, :])
    mass = float(probability[distance <= 3 * sigma].sum())
    sums = np.cumsum(np.bincount((distance * _BINS).astype(np.intp).ravel(), probability.ravel()))
    radius = np.interp(PART * sums[-1], [0.0, *sums], np.arange(len(sums) + 1) / _BINS)
    return min(mass, 1.0), float(radius)
