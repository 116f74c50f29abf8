"""Burned-in text is found on radiographs, whichever way it was written over them, and side markers are told apart."""

import numpy as np
import pytest
from PIL import Image
from text_overlays import KINDS, burn_in

from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.burned_in import find_text


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> np.ndarray:
    """A generated frontal chest with a side marker, as shown."""
    (made, *_) = make_phantoms(tmp_path_factory.mktemp("phantom"), 1, seed=5)
    return read_radiograph(made.path).display()


@pytest.mark.parametrize("kind", KINDS[:6])
def test_a_name_burned_into_a_radiograph_is_found_in_every_direction(phantom, kind):
    random = np.random.default_rng(7)
    for _ in range(2):
        burned, overlay = burn_in(phantom, kind, random)
        found = [region for region in find_text(burned) if region.kind == "text"]
        assert overlay.covered(found) >= 0.9, overlay.text


def test_regions_are_whole_pixels_within_the_image(phantom):
    burned, _ = burn_in(phantom, "upright", np.random.default_rng(4))
    rows, columns = burned.shape
    for region in find_text(burned):
        assert -0.5 <= region.left < region.right <= columns - 0.5
        assert -0.5 <= region.top < region.bottom <= rows - 0.5
        assert all((edge + 0.5).is_integer() for edge in (region.left, region.top, region.right, region.bottom))


def test_an_image_without_text_has_no_regions():
    assert find_text(np.full((300, 200), 0.3, np.float32)) == []
    assert find_text(np.zeros((3, 3), np.float32)) == []


@pytest.mark.parametrize(("name", "letter"), [("ec3a", "L"), ("1.CXR", "R")])
def test_a_side_marker_is_no_text_and_its_letter_is_known(test_data, name, letter):
    path = next((test_data / "chest-boxes/images").glob(f"{name}*"))
    display = np.asarray(Image.open(path).convert("L"), np.float32) / 255
    markers = [(region.text, region.mirrored) for region in find_text(display) if region.kind == "marker"]
    assert markers == [(letter, False)]
    behind = [(region.text, region.mirrored) for region in find_text(display[:, ::-1]) if region.kind == "marker"]
    assert behind == [(letter, True)]
