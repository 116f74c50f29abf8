"""MONAI's RetinaNet in two dimensions, with a residual network of MONAI as its encoder.

Lin et al., *Focal Loss for Dense Object Detection* (RetinaNet), ICCV 2017; Lin et al., *Feature Pyramid Networks for
Object Detection*, CVPR 2017; He et al., *Deep Residual Learning for Image Recognition*, CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.errors import TrainingError

if TYPE_CHECKING:
    import torch

# Name -> kind of block and how many there are in each of the four layers.
_ENCODERS: dict[str, tuple[str, list[int]]] = {
    "RetinaNet-ResNet10": ("basic", [1, 1, 1, 1]),
    "RetinaNet-ResNet18": ("basic", [2, 2, 2, 2]),
    "RetinaNet-ResNet34": ("basic", [3, 4, 6, 3]),
    "RetinaNet-ResNet50": ("bottleneck", [3, 4, 6, 3]),
}
_EXPANSION = {"basic": 1, "bottleneck": 4}
_USUAL: dict[str, object] = {
    # Channels of the encoder's four layers.
    "planes": [64, 128, 256, 512],
    # Of these the pyramid is built, with one coarser level added; layer k has a pixel for 2 ** (k + 1) of the image.
    "levels": [2, 3, 4],
    # Channels of the pyramid and of both heads, a multiple of 8.
    "channels": 256,
    # Edge of a level's smallest anchor, in its pixels; sizes from there to the next level's.
    "anchor": 4,
    "octave": 2,
    # Height by width of the anchors, in percent.
    "ratios": [50, 100, 200],
}
NETWORKS: Mapping[str, Mapping[str, object]] = {
    "RetinaNet-ResNet10": {**_USUAL, "planes": [32, 64, 128, 256], "channels": 64, "octave": 1},
    "RetinaNet-ResNet18": {**_USUAL, "channels": 128},
    "RetinaNet-ResNet34": _USUAL,
    "RetinaNet-ResNet50": _USUAL,
}
"""What may be built, with the arguments that may be set."""


@dataclass(frozen=True, eq=False)
class Anchors:
    """The boxes from which a network's regression starts; in a square input they are the same for every image.

    Attributes
    ----------
    edges
        (A, 4) float32 as x0, y0, x1, y1 of outer edges, 0 at the square's upper left corner.
    levels
        Places on each level of the pyramid.
    each
        Anchors at each place.
    """

    edges: np.ndarray
    levels: tuple[int, ...]
    each: int


def anchors_of(size: int, arguments: Mapping[str, Any]) -> Anchors:
    """The anchors of a network for inputs of ``size`` pixels."""
    levels, ratios = tuple(arguments["levels"]), tuple(arguments["ratios"])
    return _anchors(size, levels, int(arguments["anchor"]), int(arguments["octave"]), ratios)


@lru_cache(maxsize=8)
def _anchors(size: int, levels: tuple[int, ...], anchor: int, octave: int, ratios: tuple[int, ...]) -> Anchors:
    import torch
    from monai.apps.detection.utils.anchor_utils import AnchorGenerator

    edges = [size // 2 ** (level + 1) for level in levels]
    # The level that is added has every second pixel of the coarsest one.
    edges.append(-(-edges[-1] // 2))
    sizes = [[anchor * (size // edge) * 2 ** (step / octave) for step in range(octave)] for edge in edges]
    # Cartesian: x comes first.
    generator = AnchorGenerator(sizes, [[ratio / 100 for ratio in ratios]] * len(edges), indexing="xy")
    maps = [torch.zeros(1, 1, edge, edge) for edge in edges]
    found = generator(torch.zeros(1, 1, size, size), maps)[0].numpy()
    found.setflags(write=False)
    return Anchors(found, tuple(edge * edge for edge in edges), len(ratios) * octave)


def box_network(name: str, classes: int, arguments: Mapping[str, Any]) -> torch.nn.Module:
    """A RetinaNet with random weights for images (B, 1, S, S), S a multiple of 32.

    It gives ``class_logits`` (B, A, classes) and ``box_regression`` (B, A, 4), both in the order of :func:`anchors_of`
    and in single precision.

    The encoder's weights bear torchvision's names, below ``retinanet.feature_extractor.body.``, and have its shapes,
    but for the one channel that goes in.
    """
    import torch

    network = _retinanet(name, classes, arguments)

    class BoxNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.retinanet = network

        def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
            extractor: Any = self.retinanet.feature_extractor
            head: Any = self.retinanet.classification_head
            shift: Any = self.retinanet.regression_head
            features = extractor.body(images)
            kind = images.device.type
            half = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
            # Half precision overflows in the pyramid and its heads (MONAI issue 6478); bfloat16 has the range.
            with torch.autocast(kind, enabled=False) if half else nullcontext():
                if half:
                    features = {key: value.float() for key, value in features.items()}
                levels = list(extractor.fpn(features).values())
                # The heads' own forward looks for NaN at every level and raises; the loss says more of it.
                logits = [_rows(head.cls_logits(head.conv(level)), classes) for level in levels]
                shifts = [_rows(shift.bbox_reg(shift.conv(level)), 4) for level in levels]
            return {
                "class_logits": torch.cat(logits, dim=1).float(),
                "box_regression": torch.cat(shifts, dim=1).float(),
            }

    return BoxNetwork()


def _rows(level: torch.Tensor, channels: int) -> torch.Tensor:
    """A level's map (B, anchors * channels, H, W) as (B, H * W * anchors, channels)."""
    batch, _, height, width = level.shape
    apart = level.reshape(batch, -1, channels, height, width)
    return apart.permute(0, 3, 4, 1, 2).reshape(batch, -1, channels)


def _require_torchvision() -> None:
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        # The second where it was built for another torch: "operator torchvision::nms does not exist".
        raise TrainingError(
            f"Detection needs torchvision, which cannot be used here ({error}). "
            "Install both together, so that they fit each other: pip install --upgrade torch torchvision"
        ) from error


def _retinanet(name: str, classes: int, arguments: Mapping[str, Any]) -> torch.nn.Module:
    _require_torchvision()
    from monai.apps.detection.networks.retinanet_network import RetinaNet
    from monai.networks.blocks.backbone_fpn_utils import BackboneWithFPN
    from monai.networks.nets.resnet import ResNet

    planes, levels, channels = list(arguments["planes"]), list(arguments["levels"]), int(arguments["channels"])
    block, layers = _ENCODERS[name]
    if len(planes) != len(layers):
        raise TrainingError(f"network: planes of {name} must be {len(layers)} numbers, one for each layer.")
    if sorted(set(levels)) != levels or not set(levels) <= {1, 2, 3, 4}:
        raise TrainingError(f"network: levels of {name} are {levels}; they must rise and lie in 1 to 4.")
    if channels % 8:
        raise TrainingError(f"network: channels of {name} are {channels}; they must be a multiple of 8.")
    encoder = ResNet(
        block,
        layers,
        planes,
        spatial_dims=2,
        n_input_channels=1,
        conv1_t_size=7,
        conv1_t_stride=2,
        feed_forward=False,
        # As torchvision has it.
        bias_downsample=False,
    )
    widths = [planes[level - 1] * _EXPANSION[block] for level in levels]
    names = {f"layer{level}": str(number) for number, level in enumerate(levels)}
    extractor = BackboneWithFPN(encoder, names, widths, channels, spatial_dims=2)
    each = len(arguments["ratios"]) * int(arguments["octave"])
    return RetinaNet(spatial_dims=2, num_classes=classes, num_anchors=each, feature_extractor=extractor)
