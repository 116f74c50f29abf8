"""Laying an earlier radiograph of a patient over the present one.

A projection radiograph has no frame of reference, so the pixels themselves say how the two lie: scaled, turned and
shifted. Breathing and posture are not undone by that; what is copied over is a beginning to be corrected.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from XRayAILib.pixels.similarity import Similarity

REDUCED = 256
"""Longest side, in pixels, of the images that are compared."""
STEPS = 200
LEAST_LIKENESS = 0.3
"""Correlation of the two images, laid over each other, below which they do not show the same thing."""
SMALLEST, LARGEST = 0.6, 1.7
"""Of the expected scale: what is beyond is no longer the same projection."""
STEEPEST = 25.0
"""Degrees by which one may be turned against the other."""


class RegistrationError(ValueError):
    """Two images that cannot be laid over each other, and why."""


def register(fixed: np.ndarray, moving: np.ndarray, scale: float = 1.0) -> Similarity:
    """The map that takes points of ``moving`` to ``fixed``.

    Parameters
    ----------
    fixed, moving
        Display values (rows, columns), 0..1, in the same polarity.
    scale
        Pixels of ``fixed`` by pixels of ``moving`` to begin with: the ratio of the spacings where they are known, else
        that of the sizes of the images.

    Raises
    ------
    RegistrationError
        They are too unlike: another projection, another body part, or an image turned by 90 degrees.
    """
    import SimpleITK as sitk

    still, still_step = _reduced(fixed)
    other, other_step = _reduced(moving)
    # In SimpleITK a transform takes points of the fixed image to the moving one: the inverse of what we are asked for.
    begin = sitk.Similarity2DTransform()
    begin.SetCenter([(size - 1) / 2 for size in still.GetSize()])
    begin.SetScale(still_step / other_step / scale)
    begin.SetTranslation([(b - a) / 2 for a, b in zip(still.GetSize(), other.GetSize(), strict=True)])
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsCorrelation()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([4, 2, 1])
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, STEPS)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(begin, inPlace=True)
    expected = begin.GetScale()
    try:
        method.Execute(still, other)
    except RuntimeError as error:
        raise RegistrationError(
            f"The two images do not overlap, so they cannot be compared ({_reason(error)})."
        ) from error
    likeness = -float(method.GetMetricValue())
    turned = math.degrees(begin.GetAngle())
    change = begin.GetScale() / expected
    if not likeness >= LEAST_LIKENESS or abs(turned) > STEEPEST or not SMALLEST <= change <= LARGEST:
        raise RegistrationError(
            f"The two images are too unlike to be laid over each other (correlation {likeness:.2f}, turned by "
            f"{turned:.0f}°, scaled by {1 / change:.2f}): is it the same projection?"
        )
    return _between_pixels(begin, still_step, other_step)


def _reduced(display: np.ndarray) -> tuple[Any, int]:
    """The image as SimpleITK has it, with cells of so many pixels."""
    import SimpleITK as sitk

    step = max(1, math.ceil(max(display.shape) / REDUCED))
    rows, columns = display.shape[0] // step, display.shape[1] // step
    part = np.asarray(display[: rows * step, : columns * step], np.float32)
    return sitk.GetImageFromArray(part.reshape(rows, step, columns, step).mean(axis=(1, 3))), step


def _between_pixels(transform: Any, fixed_step: int, moving_step: int) -> Similarity:
    """The map from whole pixels of the moving image to those of the fixed one."""

    def to_moving(x: float, y: float) -> np.ndarray:
        cell = [(part - (fixed_step - 1) / 2) / fixed_step for part in (x, y)]
        moved = transform.TransformPoint(cell)
        return np.array([part * moving_step + (moving_step - 1) / 2 for part in moved])

    origin, right = to_moving(0.0, 0.0), to_moving(1.0, 0.0)
    along = right - origin
    scale, angle = 1 / float(np.hypot(*along)), -math.degrees(math.atan2(along[1], along[0]))
    turned = Similarity(scale, angle)
    (shift,) = -turned.points([origin])
    return Similarity(scale, angle, False, float(shift[0]), float(shift[1]))


def _reason(error: RuntimeError) -> str:
    """The last line of what SimpleITK says; the others are places in its source."""
    return str(error).strip().splitlines()[-1].strip()
