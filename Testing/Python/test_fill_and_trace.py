"""Outlines to pixels and back."""

from __future__ import annotations

import numpy as np
import pytest

from XRayAILib.pixels.fill import fill_polygon, fill_polygons
from XRayAILib.pixels.trace import outlines, signed_area


def _star(center: tuple[float, float], radius: float, points: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    angle = np.sort(random.uniform(0, 2 * np.pi, points))
    length = radius * random.uniform(0.3, 1.0, points)
    return np.stack([center[0] + length * np.cos(angle), center[1] + length * np.sin(angle)], axis=1)


def _inside(points: np.ndarray, x: float, y: float) -> bool:
    """Even-odd by the textbook: count the edges that a ray to the left meets."""
    inside = False
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
            inside = not inside
    return inside


def test_a_box_of_outer_edges_fills_its_pixels() -> None:
    box = np.array([(1.5, 2.5), (5.5, 2.5), (5.5, 4.5), (1.5, 4.5)])
    filled = fill_polygon(box, (8, 10))
    expected = np.zeros((8, 10), bool)
    expected[3:5, 2:6] = True
    np.testing.assert_array_equal(filled, expected)


def test_fill_decides_by_the_centre_of_every_pixel() -> None:
    points = _star((20.3, 17.8), 22.0, 25, seed=4)
    filled = fill_polygon(points, (40, 38))
    expected = [[_inside(points, x, y) for x in range(38)] for y in range(40)]
    np.testing.assert_array_equal(filled, np.array(expected))
    assert filled.any() and not filled.all()


def test_neighbours_share_no_pixel_and_leave_none_out() -> None:
    """A square cut into triangles around a point, with corners on pixel centres, where rounding would show."""
    corners = np.array([(0, 0), (30, 0), (30, 30), (0, 30)], float)
    middle = np.array((11.0, 17.0))
    pieces = [np.array([corners[i], corners[(i + 1) % 4], middle]) for i in range(4)]
    pieces[1] = pieces[1][::-1]  # the way around an outline must not matter
    total = sum(fill_polygon(piece, (40, 40)).astype(int) for piece in pieces)
    np.testing.assert_array_equal(total, fill_polygon(corners, (40, 40)).astype(int))
    assert total.sum() == 30 * 30


def test_what_reaches_outside_the_image_is_cut_off() -> None:
    huge = np.array([(-1e9, -1e9), (1e9, -1e9), (1e9, 1e9), (-1e9, 1e9)])
    assert fill_polygon(huge, (5, 7)).all()
    assert not fill_polygon(huge + 3e9, (5, 7)).any()
    assert not fill_polygon(np.array([(2, 2), (5, 2), (3, 2)]), (5, 7)).any()


def test_an_outline_inside_another_is_a_hole() -> None:
    outer = np.array([(-0.5, -0.5), (9.5, -0.5), (9.5, 9.5), (-0.5, 9.5)])
    hole = np.array([(2.5, 2.5), (5.5, 2.5), (5.5, 6.5), (2.5, 6.5)])
    filled = fill_polygons([outer, hole], (10, 10))
    assert filled.sum() == 100 - 12
    assert not filled[3:7, 3:6].any()
    assert not fill_polygons([], (10, 10)).any()


@pytest.mark.parametrize("points", [np.zeros((2, 2)), np.zeros((4, 3)), np.array([(0, 0), (1, np.nan), (2, 2)])])
def test_what_is_no_polygon_is_refused(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="polygon"):
        fill_polygon(points, (5, 5))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_outlines_give_back_any_mask_exactly(share: float) -> None:
    """Noise has every neighbourhood there is: holes, islands in holes, pixels that touch at a corner, the border."""
    mask = np.random.default_rng(7).random((61, 47)) < share
    found = outlines(mask)
    np.testing.assert_array_equal(fill_polygons(found, mask.shape), mask)
    assert sum(signed_area(outline) for outline in found) == mask.sum()


def test_outlines_are_corners_on_pixel_edges() -> None:
    mask = np.zeros((6, 8), bool)
    mask[1:5, 2:7] = True
    mask[2, 4] = False
    outer, hole = outlines(mask)
    np.testing.assert_array_equal(outer, [(1.5, 0.5), (6.5, 0.5), (6.5, 4.5), (1.5, 4.5)])
    assert signed_area(outer) == 20
    assert signed_area(hole) == -1
    assert outlines(np.zeros((4, 4))) == []


def test_pixels_that_touch_at_a_corner_have_outlines_of_their_own() -> None:
    for mask in (np.eye(3, dtype=bool), np.eye(3, dtype=bool)[::-1]):
        found = outlines(mask)
        assert [signed_area(outline) for outline in found] == [1, 1, 1]
        np.testing.assert_array_equal(fill_polygons(found, mask.shape), mask)
