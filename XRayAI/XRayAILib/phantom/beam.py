"""From attenuation to stored values: Beer-Lambert, scatter, collimation, quanta, detector, processing."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from XRayAILib.phantom.acquisition import Exposure
from XRayAILib.phantom.devices import marker

BITS = 12
LEAD = 4.0
"""Attenuation of a lead letter."""
LEAK = 0.0015
"""Share of the beam that passes the collimator's blades."""


@dataclass(frozen=True)
class Picture:
    """Stored pixels with their window.

    Attributes
    ----------
    stored
        uint16 (rows, columns), 12 bits; inverted for MONOCHROME1.
    window
        (center, width) for the stored values (PS3.3 C.11.2.1.2.1, function LINEAR).
    index
        The exposure index that the machine reports (IEC 62494-1): 100 times the detector dose in microgray.
    """

    stored: np.ndarray
    window: tuple[float, float]
    index: int


def expose(attenuation: np.ndarray, exposure: Exposure) -> Picture:
    """Take the image. ``attenuation`` is the integral of mu along every ray, (rows, columns)."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(exposure.seed)
    shape = exposure.shape
    field, open_field = field_of(exposure)
    total = attenuation * np.float32(exposure.hardness)
    if exposure.marker:
        _lay_marker(total, exposure)
    primary = np.exp(-total) * field
    inside = primary[open_field]
    # Scatter: what leaves the patient is spread over several centimetres; most comes from where the beam is stopped.
    share = exposure.scatter / (1 - exposure.scatter)
    source = np.sqrt(primary) * (total > 0.3) * field
    veil = _smooth(source, 45.0 / exposure.pitch)
    tissue = inside[(inside < 0.6) & (inside > 0)]
    typical = float(np.mean(tissue)) if tissue.size else 0.05
    veil *= np.float32(share * typical / max(float(veil[open_field].mean()), 1e-6))
    light = gaussian_filter(primary + veil, exposure.blur) * np.float32(exposure.counts)
    signal = rng.poisson(light).astype(np.float32) + rng.normal(0, 2.0, shape).astype(np.float32)
    log = -np.log(np.maximum(signal, 1.0) / np.float32(exposure.counts))
    if exposure.equalisation:
        coarse = _smooth(log, 55.0 / exposure.pitch)
        log = log - np.float32(exposure.equalisation) * (coarse - np.float32(np.median(coarse)))
    body = open_field & (total > 0.5)
    stored, window = _store(log, open_field, body if body.any() else open_field, exposure)
    dose = float(np.median(light[open_field])) / exposure.counts * 10 ** ((math.log10(exposure.counts) - 4.1) * 1.2)
    return Picture(stored, window, int(np.clip(round(2600 * dose), 60, 2400)))


def field_of(exposure: Exposure) -> tuple[np.ndarray, np.ndarray]:
    """The collimator's field: beam 0..1 with soft edges, and the pixels whose centre lies within; (rows, columns)."""
    rows, columns = exposure.shape
    left, top, right, bottom = exposure.field
    cx, cy = (left + right) / 2, (top + bottom) / 2
    cos, sin = math.cos(exposure.field_angle), math.sin(exposure.field_angle)
    dx = (np.arange(columns, dtype=np.float32) - np.float32(cx))[None, :]
    dy = (np.arange(rows, dtype=np.float32) - np.float32(cy))[:, None]
    u = np.abs(np.float32(cos) * dx + np.float32(sin) * dy) - np.float32((right - left) / 2)
    v = np.abs(np.float32(cos) * dy - np.float32(sin) * dx) - np.float32((bottom - top) / 2)
    outside = np.maximum(u, v)
    soft = np.clip(0.5 - outside / np.float32(1.5), np.float32(LEAK), 1)
    return soft, outside <= 0


def _smooth(array: np.ndarray, sigma: float) -> np.ndarray:
    """A broad Gaussian blur, computed on a coarse grid because nothing finer is left of it."""
    from scipy.ndimage import gaussian_filter, zoom

    step = max(int(sigma / 4), 1)
    rows, columns = (math.ceil(n / step) for n in array.shape)
    padded = np.pad(array, ((0, rows * step - array.shape[0]), (0, columns * step - array.shape[1])), mode="edge")
    coarse = padded.reshape(rows, step, columns, step).mean(axis=(1, 3))
    coarse = gaussian_filter(coarse, sigma / step, mode="nearest")
    fine = zoom(coarse, step, order=1, mode="nearest", grid_mode=True)
    return fine[: array.shape[0], : array.shape[1]]


def _lay_marker(total: np.ndarray, exposure: Exposure) -> None:
    """Put the lead letter into an upper corner of the exposed field, on the patient's own side."""
    rows, columns = exposure.shape
    left, top, right, _ = exposure.field
    left, top, right = max(left, 0.0), max(top, 0.0), min(right, float(columns))
    height = 0.032 * (rows + columns) / 2
    x = left + 0.8 * height if exposure.marker == "R" else right - 1.6 * height
    letter = marker(exposure.shape, exposure.marker, x, top + 0.8 * height, height)
    letter.add_to(total, LEAD)


def _store(
    log: np.ndarray, field: np.ndarray, body: np.ndarray, exposure: Exposure
) -> tuple[np.ndarray, tuple[float, float]]:
    """Turn log attenuation into 12-bit values, with a window between two percentiles of the exposed body."""
    low, high = np.percentile(log[body][::7], exposure.window)
    span = max(float(high - low), 0.2)
    top = 2**BITS - 1
    values = (log - np.float32(low - 0.12 * span)) / np.float32(1.30 * span) * np.float32(top)
    stored = np.clip(np.rint(values), 0, top).astype(np.uint16)
    if exposure.field_black:
        stored[~field] = 0
    center, width = round(top * 0.62 / 1.30), round(top / 1.30)
    if exposure.inverted:
        # LINEAR is symmetric about center - 0.5, so the mirror image of the values has its centre at 4096 - center.
        return (top - stored).astype(np.uint16), (float(top + 1 - center), float(width))
    return stored, (float(center), float(width))
