"""What an image looks like to a network: the means of its deepest maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.start.layers import layers_of

if TYPE_CHECKING:
    import torch

COARSE = 12
"""Edge of the small picture that describes an image where the network has no layers to look into."""


class Look:
    """What the deepest layer of the encoder gave for the image that went through last."""

    def __init__(self) -> None:
        self._maps: Any = None

    def take(self, module: torch.nn.Module, given: Any, result: Any) -> None:
        """A hook on each layer of the last stage; the one that runs last stays."""
        if getattr(result, "ndim", 0) == 4:
            self._maps = result

    def features(self, square: np.ndarray) -> np.ndarray:
        """(F,) means of the maps over the image, without an encoder those of its own parts."""
        if self._maps is None:
            return coarse(square)
        found: np.ndarray = self._maps[0].float().mean(dim=(1, 2)).cpu().numpy()
        return found


@contextmanager
def looking_into(network: torch.nn.Module, table_size: int = 0) -> Iterator[Look]:
    """``look.features(square)`` after an image went through the network is its description.

    A network that runs elsewhere, such as one in ONNX, has no layers here; then the image describes itself.
    """
    look = Look()
    hooks = []
    try:
        layers = layers_of(network, table_size) if any(True for _ in network.parameters()) else None
    except (ModelError, RuntimeError, ValueError):
        # A network made elsewhere may take no small grey image.
        layers = None
    if layers is not None:
        deepest = {name.rpartition(".")[0] for name, stage in layers.stages.items() if stage == layers.last - 1}
        hooks = [network.get_submodule(name).register_forward_hook(look.take) for name in sorted(deepest)]
    try:
        yield look
    finally:
        for hook in hooks:
            hook.remove()


def coarse(square: np.ndarray) -> np.ndarray:
    """(COARSE * COARSE,) means of the parts of a square image."""
    edges = np.linspace(0, square.shape[0], COARSE + 1).astype(int)
    rows = np.add.reduceat(np.asarray(square, np.float64), edges[:-1], axis=0)
    parts = np.add.reduceat(rows, edges[:-1], axis=1)
    found: np.ndarray = (parts / (np.diff(edges)[:, None] * np.diff(edges)[None])).ravel()
    return found
