"""The moving average of a network's weights: smoother than the last step, and what is validated and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class WeightAverage:
    """An exponential moving average of ``network`` in ``self.network``; without decay, that is the network itself.

    The decay starts low and rises to its value within the first steps, so that the random start is soon forgotten.
    """

    def __init__(self, network: torch.nn.Module, decay: float) -> None:
        import copy

        self._source = network
        self._decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False) if decay else network

    def update(self, step: int) -> None:
        """Take in the weights after ``step`` (from 1). Running statistics are averaged with the weights."""
        import torch

        if not self._decay:
            return
        part = 1 - min(self._decay, (step + 1) / (step + 10))
        with torch.no_grad():
            source = self._source.state_dict()
            for name, value in self.network.state_dict().items():
                if value.is_floating_point():
                    value.lerp_(source[name], part)
                else:
                    value.copy_(source[name])
