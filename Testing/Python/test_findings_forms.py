"""Polygon to mask and mask to polygon."""

import numpy as np
import pytest

from scene_cases import ANNA, MODEL, disc
from XRayAILib.findings.author import Status
from XRayAILib.findings.forms import as_mask, as_polygons
from XRayAILib.findings.objects import Box, FindingError, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse
from XRayAILib.pixels.fill import fill_polygon

SHAPE = (120, 90)


def mask_of(pixels: np.ndarray, **values) -> Mask:
    return Mask.from_array(pixels, label="lung", author=MODEL, score=0.5, **values)


def filled(polygons: list[Polygon]) -> np.ndarray:
    parts = [fill_polygon(np.array(polygon.points), SHAPE) for polygon in polygons]
    assert sum(part.astype(int) for part in parts).max() <= 1
    return np.any(parts, axis=0)


def ring_with_an_island() -> np.ndarray:
    return (disc(45, 60, 40) & ~disc(45, 60, 30)) | (disc(45, 60, 20) & ~disc(40, 60, 6) & ~disc(52, 60, 5))


@pytest.mark.parametrize(
    "pixels", [disc(45, 60, 30), ring_with_an_island(), np.random.default_rng(3).random(SHAPE) > 0.6]
)
def test_without_tolerance_a_mask_becomes_polygons_that_fill_exactly_its_pixels(pixels: np.ndarray) -> None:
    polygons = as_polygons(mask_of(pixels), ANNA, tolerance=0.0)
    assert np.array_equal(filled(polygons), pixels)


def test_holes_are_cut_to_their_border_and_parts_become_polygons_of_their_own() -> None:
    polygons = as_polygons(mask_of(ring_with_an_island()), ANNA)
    assert len(polygons) == 2
    wrong = np.count_nonzero(filled(polygons) != ring_with_an_island())
    assert wrong < 0.05 * np.count_nonzero(ring_with_an_island())


def test_tolerance_leaves_corners_out() -> None:
    mask = mask_of(disc(45, 60, 30))
    exact, near, rough = (len(as_polygons(mask, ANNA, tolerance)[0].points) for tolerance in (0.0, 1.0, 3.0))
    assert exact > 3 * near > 3 * rough >= 9


def test_a_part_that_is_smaller_than_the_tolerance_is_kept() -> None:
    pixels = disc(45, 60, 30)
    pixels[3, 3] = True
    assert filled(as_polygons(mask_of(pixels), ANNA, tolerance=2.0))[3, 3]


@pytest.mark.parametrize(
    "item",
    [
        Polygon(label="lung", author=MODEL, points=((10, 10), (80, 20), (40, 100))),
        Box(label="lung", author=MODEL, x0=9.5, y0=19.5, x1=49.5, y1=39.5),
        Ellipse(label="lung", author=MODEL, x=45, y=60, radius_x=20, radius_y=10, angle=30),
    ],
)
def test_an_area_becomes_the_pixels_inside_it(item) -> None:
    mask = as_mask(item, SHAPE, ANNA)
    area = {"polygon": 2950.0, "box": 800.0, "ellipse": np.pi * 200}[item.kind]
    assert mask.area == pytest.approx(area, rel=0.02)
    assert as_mask(Box(label="all", author=ANNA, x0=-5, y0=-5, x1=500, y1=500), SHAPE, ANNA).array().all()


def test_what_is_made_remembers_what_it_was_made_from() -> None:
    mask = mask_of(disc(45, 60, 30), status=Status.APPROVED, attributes=(("side", "left"),))
    (polygon,) = as_polygons(mask, ANNA)
    assert (polygon.author, polygon.derived_from, polygon.status, polygon.score) == (ANNA, mask.id, Status.DRAFT, None)
    assert polygon.attributes == mask.attributes and polygon.id != mask.id
    assert as_mask(polygon, SHAPE, ANNA).derived_from == polygon.id


def test_what_has_no_pixels_cannot_be_converted() -> None:
    with pytest.raises(FindingError, match="no area"):
        as_mask(Landmark(label="carina", author=ANNA, x=1, y=1), SHAPE, ANNA)
    with pytest.raises(FindingError, match="No pixel of the image"):
        as_mask(Box(label="lung", author=ANNA, x0=100, y0=100, x1=110, y1=110), SHAPE, ANNA)
    with pytest.raises(FindingError, match="is empty"):
        as_polygons(mask_of(np.zeros(SHAPE)), ANNA)
    with pytest.raises(FindingError, match="-1 was given"):
        as_polygons(mask_of(disc(45, 60, 30)), ANNA, -1.0)
