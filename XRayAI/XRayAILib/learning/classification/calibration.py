"""Whether a probability of 0.8 means that it holds in 8 of 10 images."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided

BINS = 10


def calibration_parts(truth: np.ndarray, probability: np.ndarray, bins: int = BINS) -> np.ndarray:
    """What each image adds to its bin, (N, bins, 3): its probability, its truth, and 1.

    Bins are equally wide; one holds its lower edge, the last one both (as in scikit-learn's ``calibration_curve``).
    """
    probability = np.asarray(probability, float)
    place = np.clip((probability * bins).astype(int), 0, bins - 1)
    parts = np.zeros((len(probability), bins, 3))
    rows = np.arange(len(probability))
    parts[rows, place, 0] = probability
    parts[rows, place, 1] = np.asarray(truth) == 1
    parts[rows, place, 2] = 1
    return parts


def expected_calibration_error(sums: np.ndarray) -> np.ndarray:
    """ECE from sums (..., bins, 3) of :func:`calibration_parts`: the mean distance of probability and frequency.

    Naeini, Cooper and Hauskrecht, AAAI 2015; NaN where there is no image.
    """
    return divided(np.abs(sums[..., 0] - sums[..., 1]).sum(axis=-1), sums[..., 2].sum(axis=-1))


def reliability(truth: np.ndarray, probability: np.ndarray, bins: int = BINS) -> list[dict[str, Any]]:
    """The points of a reliability plot, one for each bin that holds images.

    Each has ``low``, ``high``, ``count``, the mean ``probability``, and the ``frequency`` of the truth with its 95 %
    interval ``frequency_low`` and ``frequency_high`` (Wilson, *JASA* 1927).
    """
    sums = calibration_parts(truth, probability, bins).sum(axis=0)
    points = []
    for number, (expected, held, count) in enumerate(sums):
        if count:
            low, high = wilson(held, count)
            points.append(
                {
                    "low": number / bins,
                    "high": (number + 1) / bins,
                    "count": int(count),
                    "probability": float(expected / count),
                    "frequency": float(held / count),
                    "frequency_low": low,
                    "frequency_high": high,
                }
            )
    return points


def wilson(held: float, count: float, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion."""
    part = held / count
    middle = part + z * z / (2 * count)
    spread = z * np.sqrt(part * (1 - part) / count + z * z / (4 * count * count))
    below = 1 + z * z / count
    # At 0 and 1 the bound is the proportion itself; rounding must not put it on the other side.
    low, high = min(part, (middle - spread) / below), max(part, (middle + spread) / below)
    return float(max(0.0, low)), float(min(1.0, high))
