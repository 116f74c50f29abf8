"""The size of an object as a table shows it."""

from __future__ import annotations

from XRayAILib.dicom.spacing import Quantity, Spacing
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.measures import area
from XRayAILib.findings.objects import Box, FindingObject
from XRayAILib.findings.shapes import Polyline, RotatedBox


def size_text(item: FindingObject, spacing: Spacing) -> str:
    """What is measured of an object, with what its unit is worth.

    The value of a measurement, the sides of a box, the length of a line, the area of anything else; empty for what has
    no size: a landmark, an answer.
    """
    if isinstance(item, Measurement):
        return str(item.value(spacing))
    if isinstance(item, Polyline):
        return str(spacing.length(*item.points))
    if isinstance(item, Box):
        return _sides(spacing.length((0, 0), (item.width, 0)), spacing.length((0, 0), (0, item.height)))
    if isinstance(item, RotatedBox):
        first, second, third, _fourth = item.corners
        return _sides(spacing.length(first, second), spacing.length(second, third))
    pixels = area(item)
    return "" if pixels is None else str(spacing.area(pixels))


def _sides(width: Quantity, height: Quantity) -> str:
    """``12.3 x 4.5 mm (calibrated)``: the unit and its worth once."""
    digits = ".1f" if width.unit == "mm" else ".0f"
    return f"{width.value:{digits}} x {height}"
