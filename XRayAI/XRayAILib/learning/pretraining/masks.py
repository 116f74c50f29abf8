"""Which patches of an image are hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def patches(size: int, patch: int) -> int:
    """Patches along the edge of an image; the last may be cut off."""
    return -(-size // patch)


def hidden_patches(chance: torch.Tensor, part: float, size: int, patch: int) -> torch.Tensor:
    """Masks (B, 1, size, size), 1 where a pixel is hidden.

    Parameters
    ----------
    chance
        A random number for each patch, (B, n, n) with n of :func:`patches`: those with the smallest are hidden, as many
        in every image.
    """
    import torch

    flat = chance.flatten(1)
    count = max(1, round(part * flat.shape[1]))
    hidden = torch.zeros_like(flat)
    hidden.scatter_(1, flat.argsort(dim=1)[:, :count], 1.0)
    grid = hidden.reshape(len(chance), 1, *chance.shape[1:])
    return grid.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :size, :size]


def covered(images: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """The images (B, 1, S, S) with the mean grey of what is seen in the place of what is hidden."""
    seen = 1 - hidden
    mean = (images * seen).sum(dim=(1, 2, 3), keepdim=True) / seen.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1)
    return images * seen + mean * hidden


def fixed_chance(count: int, edge: int) -> torch.Tensor:
    """Random numbers (count, edge, edge) that are the same every time, so that validations can be compared."""
    import torch

    generator = torch.Generator().manual_seed(0)
    # One image's do not depend on how many others there are.
    return torch.stack([torch.rand(edge, edge, generator=generator) for _ in range(count)])
