"""The steps that an enhancement is made of: one class each, with its parameters and their ranges.

All work on display values, float32 (rows, columns) in 0..1, and say nothing of pixels that are no image. Sizes are
shares of the image, never pixels, so a preview of fewer pixels looks like the whole.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from XRayAILib.pixels import histogram


def _number(default: Any, low: float, high: float, meaning: str) -> Any:
    """A parameter with its range and what it means to a person."""
    return field(default=default, metadata={"low": low, "high": high, "meaning": meaning})


@dataclass(frozen=True)
class Step(ABC):
    """One step. ``kind`` is its name in documents, ``title`` the one for a person."""

    kind: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        """The image after this step, any range; ``inside`` (bool) is what is image, ``None`` for all of it."""

    def problems(self) -> list[str]:
        """A sentence for every parameter that makes no sense."""
        found = []
        for item in fields(self):
            if "low" not in item.metadata:
                continue
            value, low, high = getattr(self, item.name), item.metadata["low"], item.metadata["high"]
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole and (item.type == "int" or not isinstance(value, float)):
                what = "whole number" if item.type == "int" else "number"
                found.append(f"{self.kind}.{item.name}: {value!r} is no {what}.")
            elif not low <= value <= high:
                found.append(f"{self.kind}.{item.name}: {value} must lie in {low:g} to {high:g}.")
        return found

    def document(self) -> dict[str, Any]:
        """Name and parameters, as plain values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {"step": self.kind, **{k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}}


@dataclass(frozen=True)
class Collimation(Step):
    """Leave out what the collimator or a shutter covered (:mod:`XRayAILib.pixels.collimation`).

    The enhancement itself cuts, before all other steps, so that they look at the exposed part only.
    """

    kind = "collimation"
    title = "Crop to the collimation"

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        return image


@dataclass(frozen=True)
class Percentiles(Step):
    """Stretch two percentiles of the image to black and white."""

    kind = "percentiles"
    title = "Stretch percentiles"
    low: float = _number(0.5, 0.0, 49.0, "percentile that becomes black")
    high: float = _number(99.5, 51.0, 100.0, "percentile that becomes white")

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from XRayAILib.pixels.resample import normalise

        return normalise(image, self.low, self.high, inside)


@dataclass(frozen=True)
class Histogram(Step):
    """Give the image the histogram of a reference, so that images of several devices look alike.

    Attributes
    ----------
    quantiles
        Of the reference, from 0 to 100 % in equal steps (:data:`histogram.COUNT` values, 0..1).
    source
        Whose histogram it is, in words.
    """

    kind = "histogram"
    title = "Match a histogram"
    strength: float = _number(1.0, 0.0, 1.0, "how far the greys are moved")
    quantiles: tuple[float, ...] = ()
    source: str = ""

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        return histogram.matched(image, inside, np.array(self.quantiles), self.strength)

    def problems(self) -> list[str]:
        found = super().problems()
        values = self.quantiles
        if len(values) != histogram.COUNT or not all(isinstance(v, (int, float)) for v in values):
            found.append(
                f"histogram.quantiles: a reference has {histogram.COUNT} values; this one has {len(values)}. "
                "Make one from the images of a project or of a device."
            )
        elif list(values) != sorted(values) or not 0 <= values[0] <= values[-1] <= 1:
            found.append("histogram.quantiles: the values must rise, and lie in 0 to 1.")
        if not isinstance(self.source, str):
            found.append(f"histogram.source: {self.source!r} is no text.")
        return found


@dataclass(frozen=True)
class Wavelet(Step):
    """Take noise away by soft thresholds on wavelet coefficients (BayesShrink: Chang, Yu and Vetterli, IEEE
    Transactions on Image Processing 9, 2000), at a multiple of the noise that the image itself shows.
    """

    kind = "wavelet"
    title = "Denoise (wavelet)"
    strength: float = _number(1.0, 0.0, 4.0, "in multiples of the noise found")

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from skimage.restoration import denoise_wavelet

        sigma = self.strength * _noise(image)
        if sigma <= 0 or min(image.shape) < 16:
            return image
        shown: np.ndarray = denoise_wavelet(image, sigma, wavelet="db2", mode="soft", method="BayesShrink")
        return shown


@dataclass(frozen=True)
class NonLocalMeans(Step):
    """Take noise away by averaging places that look alike (Buades, Coll and Morel, CVPR 2005). Slow."""

    kind = "nonlocal"
    title = "Denoise (non-local means)"
    strength: float = _number(0.8, 0.0, 4.0, "in multiples of the noise found")

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from skimage.restoration import denoise_nl_means

        sigma = _noise(image)
        if self.strength <= 0 or sigma <= 0 or min(image.shape) < 16:
            return image
        shown: np.ndarray = denoise_nl_means(
            image, patch_size=5, patch_distance=5, h=self.strength * sigma, sigma=sigma, fast_mode=True
        )
        return shown.astype(np.float32)


@dataclass(frozen=True)
class Multiscale(Step):
    """Lift weak detail of every size and hold back strong contrast, by the bands of a Laplacian pyramid.

    The idea of Vuylsteke and Schoeters (Multiscale image contrast amplification, SPIE 2167, 1994): each coefficient
    goes through a power function. Below a noise floor it is a straight line, so that noise is not lifted without end.
    """

    kind = "multiscale"
    title = "Multi-scale contrast"
    strength: float = _number(0.4, 0.0, 1.0, "from none to the most")

    _FLOOR: ClassVar[float] = 0.02
    # A coefficient that stays as it is: fixed, because the largest of an image is that of a letter or a clip.
    _STRONG: ClassVar[float] = 0.5

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from XRayAILib.pixels import pyramid

        exponent = 1 - 0.6 * self.strength
        bands, rest = pyramid.split(image, pyramid.levels_of((image.shape[0], image.shape[1])))
        for band in bands:
            band *= ((np.abs(band) + np.float32(self._FLOOR)) / np.float32(self._STRONG)) ** np.float32(exponent - 1)
        # The brightness that is left stays where the detail is lifted around it.
        return _fitted(pyramid.joined(bands, rest), image, inside)


@dataclass(frozen=True)
class LocalContrast(Step):
    """Contrast-limited adaptive histogram equalisation: see :mod:`XRayAILib.pixels.clahe`."""

    kind = "clahe"
    title = "Local contrast (CLAHE)"
    limit: float = _number(2.0, 1.0, 10.0, "largest gain of contrast")
    tiles: int = _number(8, 2, 32, "parts along the longest side")

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from XRayAILib.pixels.clahe import equalised

        return equalised(np.clip(image, 0, 1), inside, self.tiles, self.limit)


@dataclass(frozen=True)
class Edges(Step):
    """Emphasise bone and edges: unsharp masking on several scales at once, the bands of a Laplacian pyramid up to a
    size, each lifted by the same amount.
    """

    kind = "edges"
    title = "Bone and edges"
    amount: float = _number(0.6, 0.0, 4.0, "how much is added")
    size: float = _number(4.0, 0.5, 40.0, "largest structures, in thousandths of the image")

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        from XRayAILib.pixels import pyramid

        rows, columns = image.shape
        last = math.log2(max(self.size / 1000 * max(rows, columns), 1.0))
        bands, rest = pyramid.split(image, min(math.ceil(last + 1e-9) + 1, pyramid.levels_of((rows, columns))))
        for level, band in enumerate(bands):
            # Band n holds what is 2**n pixels wide; the last one counts in part, so that sizes change smoothly.
            band *= np.float32(1 + self.amount * min(1.0, max(0.0, last - level + 1)))
        return pyramid.joined(bands, rest)


@dataclass(frozen=True)
class Invert(Step):
    """Black becomes white."""

    kind = "invert"
    title = "Invert the greys"

    def apply(self, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
        return 1 - image


STEPS: tuple[type[Step], ...] = (
    Collimation,
    Percentiles,
    Histogram,
    Wavelet,
    NonLocalMeans,
    Multiscale,
    LocalContrast,
    Edges,
    Invert,
)
"""All there are, in the order in which they make most sense."""


def _noise(image: np.ndarray) -> float:
    """Standard deviation of the noise, by the finest wavelet coefficients (Donoho, Biometrika 81, 1994)."""
    from skimage.restoration import estimate_sigma

    if min(image.shape) < 4 or image.min() == image.max():
        return 0.0
    sigma = float(estimate_sigma(image))
    return sigma if math.isfinite(sigma) else 0.0


def _fitted(changed: np.ndarray, image: np.ndarray, inside: np.ndarray | None) -> np.ndarray:
    """``changed`` with its ends (1 and 99 %) where those of ``image`` were, by a straight line."""
    step = 4 if min(image.shape) > 1024 else 1
    part = (slice(None, None, step),) * 2
    chosen = (slice(None), slice(None)) if inside is None else inside[part]
    low, high = np.percentile(image[part][chosen], (1, 99))
    first, last = np.percentile(changed[part][chosen], (1, 99))
    if last <= first:
        return image
    fitted: np.ndarray = (changed - np.float32(first)) * np.float32((high - low) / (last - first)) + np.float32(low)
    return fitted
