"""Burned-in text is found on radiographs, whichever way it was written over them, and side markers are told apart."""

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from text_overlays import KINDS, burn_in, display_of, images, seeded_overlay
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels import ocr
from XRayAILib.pixels.burned_in import find_text

WITHOUT_TEXT = ["E63574A7", "*Fig8c-day10", "*Fig5-day9", "*Fig7a-day5", "*Fig9b-day19", "ciaa199.pdf-001-a"]
WITHOUT_TEXT += ["ciaa199.pdf-001-c", "covid-19-infection-exclusive", "covid-19-pneumonia-28", "cavitating*4-day0"]
"""Beginnings of the names of ten real images; looked at by eye, none has text, and the last has a side marker."""


@pytest.fixture
def no_tesseract(monkeypatch):
    """As on a machine on which Tesseract is not installed."""
    monkeypatch.setattr(ocr, "missing", lambda: "left out")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory) -> np.ndarray:
    """A generated frontal chest with a side marker, as shown."""
    (made, *_) = make_phantoms(tmp_path_factory.mktemp("phantom"), 1, seed=5, size=(1000, 820))
    return read_radiograph(made.path).display()


@pytest.mark.parametrize("kind", KINDS[:6])
def test_a_name_burned_into_a_radiograph_is_found_in_every_direction(phantom, no_tesseract, kind):
    burned, overlay = burn_in(phantom, kind, np.random.default_rng(7))
    found = [region for region in find_text(burned) if region.kind == "text"]
    assert overlay.covered(found) >= 0.9, overlay.text


@pytest.mark.skipif(bool(ocr.missing()), reason=ocr.missing())
@pytest.mark.parametrize("turned", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_tesseract_reads_a_region_in_every_turn_and_from_behind(turned, mirrored):
    picture = Image.new("L", (420, 60), 30)
    ImageDraw.Draw(picture).text((12, 10), "MUELLER 1954", fill=230, font=ImageFont.load_default(36))
    shown = np.asarray(picture, np.float32) / 255
    shown = np.rot90(shown[:, ::-1] if mirrored else shown, turned)
    (reading,) = ocr.read(shown, [(0, 0, shown.shape[1], shown.shape[0])])
    assert reading.text == "MUELLER 1954" and reading.mirrored == mirrored and reading.confidence > 0.7


def test_regions_are_whole_pixels_within_the_image(phantom, no_tesseract):
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
def test_a_side_marker_is_no_text_and_its_letter_is_known(test_data, no_tesseract, name, letter):
    display = display_of(next((test_data / "chest-boxes/images").glob(f"{name}*")))
    markers = [(region.text, region.mirrored) for region in find_text(display) if region.kind == "marker"]
    assert markers == [(letter, False)]
    behind = [(region.text, region.mirrored) for region in find_text(display[:, ::-1]) if region.kind == "marker"]
    assert behind == [(letter, True)]


def test_of_forty_seeded_overlays_on_real_images_nearly_all_are_found_without_tesseract(test_data, no_tesseract):
    files = images(test_data)
    found = 0
    for number in range(40):
        # The smaller ones, for time; the benchmark takes all.
        burned, overlay = seeded_overlay(
            files["cephalometric-landmarks/images"] + files["chest-classification/images"], number
        )
        found += overlay.covered([region for region in find_text(burned) if region.kind == "text"]) >= 0.9
    assert found / 40 >= 0.95


def test_on_real_images_without_text_hardly_anything_is_taken_for_text(test_data, no_tesseract):
    folder, texts = test_data / "chest-segmentation/images", []
    for name in WITHOUT_TEXT:
        texts += [region for region in find_text(display_of(next(folder.glob(f"{name}*")))) if region.kind == "text"]
    assert len(texts) <= len(WITHOUT_TEXT) / 5
