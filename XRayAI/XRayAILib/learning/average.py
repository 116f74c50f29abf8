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
            pairs = [
                (mine, theirs.detach())
                for mine, theirs in zip(
                    self.network.state_dict().values(), self._source.state_dict().values(), strict=True
                )
            ]
            # One call for all of them: a GPU would wait for hundreds of small ones.
            floating = [pair for pair in pairs if pair[0].is_floating_point()]
            torch._foreach_lerp_([mine for mine, _ in floating], [theirs for _, theirs in floating], part)
            for mine, theirs in pairs:
                if not mine.is_floating_point():
                    mine.copy_(theirs)
