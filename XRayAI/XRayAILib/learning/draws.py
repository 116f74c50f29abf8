"""Draws: the random numbers of a batch, those of each image from a seed of its own.

So an image changes in the same way whatever batch, process or device it is in. The numbers are drawn on the CPU; only
whole images of noise are drawn where the images are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Draws:
    """Random numbers for a batch of ``len(seeds)`` images."""

    def __init__(self, seeds: Sequence[int]) -> None:
        import torch

        self._seeds = list(seeds)
        self._generators = [torch.Generator().manual_seed(seed) for seed in self._seeds]

    def __len__(self) -> int:
        return len(self._seeds)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """(B, *shape) in low..high."""
        import torch

        return self._each(lambda g: torch.rand(shape, generator=g)) * (high - low) + low

    def normal(self, deviation: float, *shape: int) -> torch.Tensor:
        """(B, *shape) around 0."""
        import torch

        return self._each(lambda g: torch.randn(shape, generator=g)) * deviation

    def chance(self, probability: float) -> torch.Tensor:
        """(B,) bool, true with this probability."""
        return self.uniform(0, 1) < probability

    def noise(self, like: torch.Tensor) -> torch.Tensor:
        """White noise of deviation 1 in the shape and on the device of ``like`` (B, ...)."""
        import torch

        if like.device.type == "cpu":
            return self.normal(1.0, *like.shape[1:])
        filled = torch.empty_like(like)
        for one, generator in zip(filled, self._generators, strict=True):
            seed = int(torch.randint(2**31 - 1, (), generator=generator))
            one.normal_(generator=torch.Generator(like.device).manual_seed(seed))
        return filled

    def _each(self, draw: Callable[[torch.Generator], torch.Tensor]) -> torch.Tensor:
        import torch

        return torch.stack([draw(generator) for generator in self._generators])
