"""A U-Net that answers two questions for each landmark: where it would be, and whether it is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def heatmap_network(body: torch.nn.Module, points: int, stride: int) -> torch.nn.Module:
    """Wrap a U-Net with ``stride ** 2`` input and ``2 * points`` output channels; (B, 1, S, S) goes in.

    Blocks of ``stride`` x ``stride`` pixels become channels (Shi et al., arXiv 1609.05158, read backwards), so that
    nothing of the image is lost, while the U-Net works, and writes heatmaps, at S / stride: with 2 it takes a quarter
    of the time, and the place between the cells comes from decoding.

    Out come ``heatmaps``, logits (B, points, S / stride, S / stride), and ``presence``, logits (B, points): the mean of
    a second map under the heatmap's probability. So presence is judged by what is seen where the point would be. No
    gradient of it reaches the heatmap, which would otherwise learn to look where presence is easily judged.
    """
    import torch

    class HeatmapNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = torch.nn.PixelUnshuffle(stride) if stride > 1 else torch.nn.Identity()
            self.body = body

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            maps = self.body(self.blocks(images)).float()
            heatmaps, evidence = maps[:, :points], maps[:, points:]
            attention = heatmaps.detach().flatten(2).softmax(dim=-1)
            return {"heatmaps": heatmaps, "presence": (attention * evidence.flatten(2)).sum(dim=-1)}

    return HeatmapNetwork()


def halving(name: str, arguments: Mapping[str, Any]) -> int:
    """By how much a U-Net of the allow-list makes an image smaller on its way down; its edge must be a multiple."""
    if "strides" in arguments:
        return math.prod(int(stride) for stride in arguments["strides"])
    if name == "SegResNet":
        return int(2 ** (len(arguments["blocks_down"]) - 1))
    if name == "MedNeXt":
        return int(2 ** len(arguments["blocks_down"]))
    return {"BasicUNet": 16, "FlexibleUNet": 32}.get(name, 1)
