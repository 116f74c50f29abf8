"""First layers that were trained on colour pictures, made into such that take a radiograph from 0 to 1.

A radiograph given to a colour network would be repeated three times and scaled per channel, ``(x - mean) / deviation``.
The first layer is linear, so the same comes out of the sum of its three kernels, each divided by its deviation, on the
radiograph itself; what the means add is a constant per channel, which goes into the mean of the normalisation behind
it. This is exact but for the border, where padding with zeros no longer stands for the mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

Scale = tuple[tuple[float, ...], tuple[float, ...]]

SCALES: dict[str, Scale] = {
    # (mean, deviation) per channel, for values from 0 to 1.
    "unit": ((0.0,), (1.0,)),
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,), (0.5,)),
    # torchxrayvision: -1024 to 1024.
    "xrv": ((0.5,), (1 / 2048,)),
}
"""What was done to the values before the first layer, by name."""


def grey_stem(
    weights: Mapping[str, torch.Tensor],
    stem: str,
    norm: str,
    scale: Scale,
    given: tuple[float, float] = (1.0, 0.0),
) -> tuple[dict[str, torch.Tensor], str]:
    """The weights with their first layer as the network needs it, and what was done, as a sentence.

    Parameters
    ----------
    stem
        Name of the first convolution; its kernel is (outputs, channels, k, k) and becomes (outputs, 1, k, k).
    norm
        Name of the batch normalisation behind it; without one the means cannot be taken in.
    scale
        (mean, deviation) per channel of what the kernel was trained on, for values from 0 to 1.
    given
        (factor, offset) of what the network itself makes of an image from 0 to 1 before this layer.
    """
    import torch

    kernel = weights[f"{stem}.weight"].double()
    channels = kernel.shape[1]
    factor, offset = given
    means, deviations = (torch.tensor((values * channels)[:channels], dtype=torch.float64) for values in scale)
    means, deviations = offset + factor * means, factor * deviations
    scaled = kernel / deviations[None, :, None, None]
    constant = -(scaled * means[None, :, None, None]).sum(dim=(1, 2, 3))
    changed, done = {**weights, f"{stem}.weight": scaled.sum(1, keepdim=True).float()}, []
    if channels > 1:
        done.append(f"its {channels} colour channels were summed to grey")
    if bool((means != 0).any()):
        name = f"{norm}.running_mean"
        if norm and name in weights:
            changed[name] = (weights[name].double() - constant).float()
            done.append("the scale of the values that it was trained on was taken in")
        else:
            done.append("the mean of the values that it was trained on could not be taken in")
    elif bool((deviations != 1).any()):
        done.append("the scale of the values that it was trained on was taken in")
    return changed, f"First layer: {', '.join(done)}." if done else ""
