"""What else the same radiograph could have looked like: other positioning, exposure, noise, scatter, collimation.

Whole batches are changed at once in torch; every number comes from the :class:`Draws` that are handed in, so that a
resumed run sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from XRayAILib.learning.displacement import enlarged

if TYPE_CHECKING:
    import torch

    from XRayAILib.learning.draws import Draws


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the changes; 0 turns one off.

    Attributes
    ----------
    rotation
        Largest turn, in degrees.
    scale
        Largest change of size: 0.2 means 1/1.2 to 1.2.
    shift
        Largest shift, as a part of the edge.
    stretch
        Largest difference of the two axes' scales.
    elastic
        Standard deviation of a smooth displacement, as a part of the edge.
    gamma
        Standard deviation of log2 of the exponent.
    exposure
        Standard deviation of gain and of offset of the grey values.
    noise
        Largest standard deviation of white noise (quantum and electronic noise after the log).
    scatter
        Largest weight of a broad veil that lowers contrast locally.
    blur
        Probability that an image is softened or sharpened.
    collimation
        Probability that a border is cut off.
    flip
        Probability of a mirrored image. Labels with sides are swapped with it by the schema's ``mirror``. Off unless
        asked for: heart and stomach tell left from right, and a mirrored patient is a rarity.
    """

    rotation: float = 10.0
    scale: float = 0.18
    shift: float = 0.08
    stretch: float = 0.08
    elastic: float = 0.012
    gamma: float = 0.4
    exposure: float = 0.12
    noise: float = 0.06
    scatter: float = 0.25
    blur: float = 0.3
    collimation: float = 0.15
    flip: float = 0.0

    def document(self) -> dict[str, float]:
        """The strengths as a plain mapping."""
        return asdict(self)

    @classmethod
    def none(cls) -> Augmentation:
        """No change at all."""
        return cls(*(0.0 for _ in asdict(cls())))


def exposed(strengths: Augmentation, images: torch.Tensor, draws: Draws) -> torch.Tensor:
    """The images (B, 1, S, S) in 0..1 as another exposure, detector and collimator would have shown them."""
    import torch
    import torch.nn.functional as F

    size, device = images.shape[-1], images.device

    def normal(deviation: float) -> torch.Tensor:
        return draws.normal(deviation, 1, 1, 1).to(device)

    def part() -> torch.Tensor:
        return draws.uniform(0, 1, 1, 1, 1).to(device)

    outside = images < 1e-3
    # From here on it is a copy, which can be changed in place: memory is what this is waiting for.
    images = images.clamp(0, 1).pow_(torch.exp2(normal(strengths.gamma)))
    if strengths.scatter:
        veil = enlarged(draws.uniform(0, 1, 1, 4, 4).to(device), size, "bilinear")
        images.lerp_(veil, strengths.scatter * part())
    if strengths.blur:
        chosen = draws.chance(strengths.blur).nonzero()[:, 0].to(device)
        amount = part() * 2 - 1
        if len(chosen):
            sharp = images[chosen]
            soft = F.avg_pool2d(sharp, 3, stride=1, padding=1, count_include_pad=False)
            images[chosen] = torch.lerp(sharp, soft, amount[chosen])
    if strengths.noise:
        images.addcmul_(draws.noise(images), strengths.noise * part() ** 2)
    gain, offset = torch.exp(normal(strengths.exposure)), normal(strengths.exposure)
    images.mul_(gain).add_(0.5 * (1 - gain) + offset).clamp_(0, 1)
    # What lies outside the radiograph stays black, as it is when the network is used.
    images.masked_fill_(outside, 0)
    if strengths.collimation:
        images = _collimated(strengths.collimation, images, draws)
    return images


def _collimated(probability: float, images: torch.Tensor, draws: Draws) -> torch.Tensor:
    import torch

    size = images.shape[-1]
    cut = draws.uniform(0, 1, 4) ** 2 * 0.12 * size
    cut = cut * (draws.uniform(0, 1, 4) < 0.5)
    cut = (cut * draws.chance(probability)[:, None]).to(images.device)
    place = torch.arange(size, device=images.device).float()
    rows = (place >= cut[:, 0:1]) & (place < size - cut[:, 1:2])
    columns = (place >= cut[:, 2:3]) & (place < size - cut[:, 3:4])
    return images.mul_(rows[:, None, :, None] & columns[:, None, None, :])
