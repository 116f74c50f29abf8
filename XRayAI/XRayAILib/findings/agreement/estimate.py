"""Estimate: a figure, how sure it is, and in words why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % confidence interval.

    Attributes
    ----------
    value
        ``None`` where the figure is not defined; ``reason`` says why.
    low, high
        Bounds of the interval; ``None`` where there is none, because there are too few patients to draw from.
    n
        How many things it was computed from: images, boxes, points.
    reason
        In words for a person: why there is no figure, or what to bear in mind with this one.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    reason: str = ""

    def text(self, digits: int = 2) -> str:
        """``0.83 (0.79 to 0.87)``, ``0.83``, or the reason."""
        if self.value is None:
            return self.reason
        bounds = "" if self.low is None or self.high is None else f" ({self.low:.{digits}f} to {self.high:.{digits}f})"
        return f"{self.value:.{digits}f}{bounds}"


def estimate(value: float, n: int, undefined: str, interval: tuple[float, float] | None = None) -> Estimate:
    """An estimate of a value that may be NaN, which becomes the reason ``undefined``."""
    if not math.isfinite(value):
        return Estimate(None, n=n, reason=undefined)
    low, high = interval or (None, None)
    return Estimate(float(value), low, high, n)
