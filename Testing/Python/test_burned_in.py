"""Burned-in text is found on real radiographs, whichever way it was written over them."""

import numpy as np
from text_overlays import KINDS, burn_in

from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.pixels.burned_in import find_text


def test_a_name_burned_into_a_real_radiograph_is_found_in_every_direction(test_data):
    random = np.random.default_rng(1)
    display = read_radiograph(test_data / "chest-segmentation/images" / NAME).display()
    for kind in KINDS[:6]:
        burned, overlay = burn_in(display, kind, random)
        assert overlay.covered(find_text(burned)) >= 0.9, (kind, overlay.text)


def test_regions_are_whole_pixels_within_the_image(real_crs):
    burned, _ = burn_in(read_radiograph(real_crs[0]).display(), "upright", np.random.default_rng(4))
    rows, columns = burned.shape
    for region in find_text(burned):
        assert -0.5 <= region.left < region.right <= columns - 0.5
        assert -0.5 <= region.top < region.bottom <= rows - 0.5
        assert all((edge + 0.5).is_integer() for edge in (region.left, region.top, region.right, region.bottom))


def test_an_image_of_one_grey_has_no_text():
    assert find_text(np.full((300, 200), 0.3, np.float32)) == []
    assert find_text(np.zeros((3, 3), np.float32)) == []
