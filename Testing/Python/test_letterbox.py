"""From the radiograph's grid to the network's square and back."""

import numpy as np
import pytest

from XRayAILib.pixels.components import solid
from XRayAILib.pixels.resample import Letterbox, PixelPreset, normalise

SHAPES = [(300, 200), (200, 300), (40, 64), (257, 255), (1, 90), (64, 64)]


@pytest.mark.parametrize("shape", SHAPES)
def test_points_go_there_and_back(shape):
    letterbox = Letterbox(*shape, 64)
    points = np.random.default_rng(0).uniform(-0.5, 1, (50, 2)) * (shape[1], shape[0])
    there = letterbox.points_forward(points)
    assert np.allclose(letterbox.points_back(there), points, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_image_keeps_its_aspect_and_lies_in_the_middle(shape):
    letterbox = Letterbox(*shape, 64)
    rows, columns = shape
    corners = letterbox.points_forward(np.array([[-0.5, -0.5], [columns - 0.5, rows - 0.5]]))
    (left, top), (right, bottom) = corners + 0.5
    assert max(right - left, bottom - top) == pytest.approx(64)
    assert (right - left) / (bottom - top) == pytest.approx(columns / rows)
    assert left + right == pytest.approx(64) and top + bottom == pytest.approx(64)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flat_image_stays_flat_and_outside_is_black(shape):
    square = Letterbox(*shape, 64).forward(np.ones(shape))
    assert square.shape == (64, 64)
    assert np.all((square < 1e-6) | (np.abs(square - 1) < 1e-5))
    assert np.allclose(Letterbox(*shape, 64).back(np.ones((64, 64))), 1, atol=1e-5)


def test_what_fits_whole_pixels_comes_back_unchanged():
    mask = np.random.default_rng(1).random((64, 48)) > 0.5
    letterbox = Letterbox(64, 48, 64)
    assert np.array_equal(letterbox.back(letterbox.forward(mask)) > 0.5, mask)


@pytest.mark.parametrize("size", [64, 96, 160])
def test_a_mask_comes_back_where_it_was(size):
    y, x = np.mgrid[:301, :217]
    mask = ((x - 80.3) / 41) ** 2 + ((y - 170.6) / 77) ** 2 < 1
    letterbox = Letterbox(301, 217, size)
    back = letterbox.back(letterbox.forward(mask)) > 0.5
    assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.99
    centre, centre_back = (np.argwhere(m).mean(axis=0) for m in (mask, back))
    assert np.abs(centre - centre_back).max() < 0.15


def test_a_point_and_a_mask_around_it_go_to_the_same_place():
    mask = np.zeros((300, 180))
    mask[100:121, 40:61] = 1
    letterbox = Letterbox(300, 180, 128)
    square = letterbox.forward(mask)
    y, x = np.mgrid[:128, :128]
    centre = (x * square).sum() / square.sum(), (y * square).sum() / square.sum()
    assert np.allclose(centre, letterbox.points_forward(np.array([[50, 110]]))[0], atol=0.02)


def test_small_structures_are_averaged_not_skipped():
    lines = np.zeros((512, 512))
    lines[:, ::8] = 1
    square = Letterbox(512, 512, 64).forward(lines)
    assert np.abs(square[4:-4, 4:-4] - 1 / 8).max() < 0.02


def test_a_marker_does_not_decide_the_contrast():
    image = np.random.default_rng(2).uniform(0.4, 0.5, (200, 200))
    image[:3, :3] = 1
    stretched = normalise(image)
    assert stretched.min() == 0 and stretched.max() == 1
    assert np.median(stretched) == pytest.approx(0.5, abs=0.05)


def test_a_flat_image_has_no_contrast_to_stretch():
    assert not normalise(np.full((30, 30), 0.7)).any()


@pytest.mark.parametrize(("values", "word"), [({"size": 8}, "size"), ({"low": 60, "high": 40}, "percentiles")])
def test_a_preset_that_makes_no_sense_is_refused(values, word):
    with pytest.raises(ValueError, match=word):
        PixelPreset(**values)


def test_an_array_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="shape"):
        Letterbox(20, 30, 64).forward(np.zeros((30, 20)))


def test_only_the_largest_piece_is_kept_and_holes_are_filled():
    mask = np.zeros((40, 40), bool)
    mask[5:25, 5:25] = True
    mask[12:15, 12:15] = False
    mask[30:34, 30:34] = True
    one = solid(mask, 1)
    assert one[5:25, 5:25].all() and one.sum() == 400
    assert solid(mask, 2).sum() == 400 + 16
