"""The size of an object as a table shows it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.measurements import CobbAngle, Line
from XRayAILib.findings.objects import Box, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.findings.size import size_text

ANNA = Author.person("anna")
CALIBRATED, UNKNOWN = Spacing(0.5, 0.5, SpacingSource.CALIBRATED), Spacing.unknown()


def drawn(kind, **values):
    return kind(label="nodule", author=ANNA, **values)


@pytest.mark.parametrize(
    ("item", "calibrated", "unknown"),
    [
        (drawn(Box, x0=0, y0=0, x1=20, y1=9), "10.0 x 4.5 mm (calibrated)", "20 x 9 px"),
        (drawn(RotatedBox, x=9, y=9, width=20, height=9, angle=30), "10.0 x 4.5 mm (calibrated)", "20 x 9 px"),
        (drawn(Polygon, points=((0, 0), (4, 0), (4, 4))), "2.0 mm² (calibrated)", "8 px²"),
        (drawn(Polyline, points=((0, 0), (3, 4), (3, 14))), "7.5 mm (calibrated)", "15 px"),
        (drawn(Line, points=((0, 0), (3, 4))), "2.5 mm (calibrated)", "5 px"),
        (drawn(CobbAngle, points=((0, 0), (9, 0), (0, 5), (9, 14))), "45.0°", "45.0°"),
        (drawn(Landmark, x=3, y=4), "", ""),
    ],
)
def test_it_says_what_its_unit_is_worth(item, calibrated, unknown):
    assert size_text(item, CALIBRATED) == calibrated and size_text(item, UNKNOWN) == unknown


def test_areas_of_pixels_and_curves():
    assert size_text(drawn(Mask.from_array, array=np.ones((4, 5), bool)), CALIBRATED) == "5.0 mm² (calibrated)"
    ellipse = drawn(Ellipse, x=9, y=9, radius_x=4, radius_y=2)
    assert size_text(ellipse, UNKNOWN) == f"{8 * math.pi:.0f} px²"
