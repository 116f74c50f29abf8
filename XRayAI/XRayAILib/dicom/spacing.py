"""Millimetres of a projection radiograph, and where they come from (PS3.3 10.7.1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset


class SpacingSource(str, Enum):
    """What a millimetre of the spacing is a millimetre of; shown beside every length."""

    CALIBRATED = "calibrated"
    DETECTOR = "detector plane"
    UNKNOWN = "px"


SMALLEST_PIXEL, LARGEST_PIXEL = 0.0005, 50.0
"""In mm. Detectors have 0.02 to 0.5; what is outside of these wide limits is in another unit, or no spacing at all."""

LEAST_LINE = 10.0
"""Pixels that a line must have to calibrate by it: one pixel beside each end is 20 % then."""


@dataclass(frozen=True)
class Quantity:
    """A length or an area with what its unit is worth.

    ``str()`` gives it as it is shown: ``12.3 mm (calibrated)``, ``12.3 mm (detector plane)``, ``85 px``, ``34.5°`` or
    ``0.52``: angles and ratios are the same in every unit.

    Attributes
    ----------
    value
        In ``unit``: ``mm``, ``mm²``, ``px``, ``px²``, ``°``, or none for a ratio.
    enlarged
        By how much the thing in the patient is smaller than its image at the detector; ``None`` where the file does
        not say.
    """

    value: float
    unit: str
    source: SpacingSource
    enlarged: float | None = None

    def __str__(self) -> str:
        if self.unit == "°":
            return f"{self.value:.1f}°"
        if not self.unit:
            return f"{self.value:.2f}"
        if self.source is SpacingSource.UNKNOWN:
            return f"{self.value:.0f} {self.unit}"
        return f"{self.value:.1f} {self.unit} ({self.source.value})"

    @property
    def in_patient(self) -> str:
        """The quantity in the patient by the file's magnification, said so; empty where the file gives none."""
        if self.enlarged is None or self.source is not SpacingSource.DETECTOR:
            return ""
        return f"{self.value / self.enlarged:.1f} {self.unit} (in the patient, by the file's magnification)"


@dataclass(frozen=True)
class Spacing:
    """Distance between pixel centres.

    Attributes
    ----------
    row, column
        Millimetres between rows (y) and between columns (x); 1.0 where the source is ``UNKNOWN``.
    magnification
        EstimatedRadiographicMagnificationFactor, or SID / SOD; ``None`` where neither is given. Never applied silently:
        a length in the patient is one in the detector plane divided by it.
    """

    row: float
    column: float
    source: SpacingSource
    magnification: float | None = None

    @classmethod
    def unknown(cls) -> Spacing:
        return cls(1.0, 1.0, SpacingSource.UNKNOWN)

    @property
    def known(self) -> bool:
        return self.source is not SpacingSource.UNKNOWN

    @property
    def unit(self) -> str:
        """The unit of lengths: ``mm`` or ``px``."""
        return "mm" if self.known else "px"

    def length(self, *points: tuple[float, float]) -> Quantity:
        """Length of the line through points given as x, y in pixels."""
        steps = itertools.pairwise(points)
        value = sum(math.hypot((x1 - x0) * self.column, (y1 - y0) * self.row) for (x0, y0), (x1, y1) in steps)
        return Quantity(value, self.unit, self.source, self.magnification)

    def area(self, pixels: float) -> Quantity:
        """Area of so many pixels."""
        factor = None if self.magnification is None else self.magnification**2
        return Quantity(pixels * self.row * self.column, f"{self.unit}²", self.source, factor)

    def calibrated(self, start: tuple[float, float], end: tuple[float, float], millimetres: float) -> Spacing:
        """The spacing by which the line from ``start`` to ``end`` (x, y in pixels) is so long; pixels keep their shape.

        Raises
        ------
        ValueError
            The length is not positive, or the line is too short to measure by.
        """
        if not (math.isfinite(millimetres) and millimetres > 0):
            raise ValueError(f"A known length is more than 0 mm; {millimetres:g} mm was given.")
        drawn = math.dist(start, end)
        if not drawn >= LEAST_LINE:
            raise ValueError(
                f"The line is {drawn:.1f} pixels long; to calibrate by it takes at least {LEAST_LINE:.0f}, "
                "because a click is never better than a pixel."
            )
        factor = millimetres / self.length(start, end).value
        return Spacing(self.row * factor, self.column * factor, SpacingSource.CALIBRATED)


def read_spacing(dataset: Dataset) -> tuple[Spacing, list[str]]:
    """The spacing that a dataset's attributes support, and notes on what is odd about them.

    PixelSpacing equal to ImagerPixelSpacing is not calibrated; different, or with a calibration type, it is. A value
    of 0 or below occurs in the wild and means nothing. ImagerPixelSpacing never passes for a calibrated spacing
    (cornerstoneWADOImageLoader#261).
    """
    notes: list[str] = []
    pixel = _pair(dataset, "PixelSpacing", notes)
    imager = _pair(dataset, "ImagerPixelSpacing", notes)
    film = _pair(dataset, "NominalScannedPixelSpacing", notes)
    magnification = _magnification(dataset)
    calibrated = bool(dataset.get("PixelSpacingCalibrationType"))
    if pixel and (calibrated or (imager and not _close(pixel, imager))):
        return Spacing(*pixel, SpacingSource.CALIBRATED), notes
    detector = imager or pixel or film
    if detector is None:
        return Spacing.unknown(), notes
    if imager is None:
        name = "PixelSpacing without a calibration type" if pixel else "NominalScannedPixelSpacing of a film"
        notes.append(f"the spacing comes from {name}: taken as the detector plane's")
    return Spacing(*detector, SpacingSource.DETECTOR, magnification), notes


def _pair(dataset: Dataset, keyword: str, notes: list[str]) -> tuple[float, float] | None:
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    if not isinstance(value, Sequence) and not hasattr(value, "__len__"):
        notes.append(f"{keyword} has one value instead of two: ignored")
        return None
    try:
        row, column = (float(v) for v in value)
    except (TypeError, ValueError):
        notes.append(f"{keyword} is {value}: ignored")
        return None
    if not (math.isfinite(row) and math.isfinite(column) and row > 0 and column > 0):
        notes.append(f"{keyword} is {row:.3f}\\{column:.3f}: the spacing is unknown, lengths are in pixels")
        return None
    if not all(SMALLEST_PIXEL <= side <= LARGEST_PIXEL for side in (row, column)):
        notes.append(f"{keyword} is {row:g}\\{column:g}, which no detector has: the spacing is unknown")
        return None
    return row, column


def _magnification(dataset: Dataset) -> float | None:
    try:
        factor = float(dataset.get("EstimatedRadiographicMagnificationFactor") or 0)
        if not factor:
            source_detector = float(dataset.get("DistanceSourceToDetector") or 0)
            source_patient = float(dataset.get("DistanceSourceToPatient") or 0)
            factor = source_detector / source_patient if source_patient > 0 else 0.0
    except (TypeError, ValueError):
        return None
    # Below 1 the patient would stand behind the detector.
    return factor if math.isfinite(factor) and factor >= 1.0 else None


def _close(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(first, second, strict=True))
