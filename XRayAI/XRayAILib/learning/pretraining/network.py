"""A U-Net that draws what is hidden; in a validation it hides it itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from XRayAILib.learning.pretraining.masks import covered, fixed_chance, hidden_patches, patches

if TYPE_CHECKING:
    import torch


def drawing_network(body: torch.nn.Module, part: float, patch: int) -> torch.nn.Module:
    """Wrap a U-Net with one output channel; (B, 1, S, S) goes in.

    Out comes ``drawn`` (B, 1, S, S). While it learns, the images come with patches hidden. Otherwise it hides them, the
    same ones every time, and also gives ``whole`` and ``hidden``, the image as it was and where it was hidden.
    """
    import torch

    class DrawingNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            if self.training:
                return {"drawn": self.body(images)}
            size = images.shape[-1]
            hidden = hidden_patches(fixed_chance(len(images), patches(size, patch)), part, size, patch).to(
                images.device
            )
            return {"drawn": self.body(covered(images, hidden)), "whole": images, "hidden": hidden}

    return DrawingNetwork()
