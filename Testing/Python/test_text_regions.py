"""Burned-in text waits for a person: looked for, shown, confirmed, and only then de-identified."""

import json
import stat
import sys
from pathlib import Path

import numpy as np
import pytest

from text_overlays import burn_in
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.exchange.text.text_regions import Region, TextRegions, TextRegionsError
from XRayAILib.exchange.text.text_search import find_text_in
from XRayAILib.workflow.text_screen import text_screen


@pytest.fixture(scope="module")
def written(test_data, tmp_path_factory) -> tuple[Path, Path]:
    """Two real radiographs as pictures: one without text, one with a name burned in."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("radiographs")
    source = test_data / "dicom" / "RG1_J2KI.dcm"
    display = read_radiograph(source).display()[::2, ::2]
    burned, _ = burn_in(display, "upright", np.random.default_rng(11))
    paths = folder / "plain.png", folder / "named.png"
    for path, shown in zip(paths, (display, burned), strict=True):
        Image.fromarray(np.rint(shown * 255).astype(np.uint8)).save(path)
    return paths


@pytest.fixture(scope="module")
def searched(written, tmp_path_factory) -> Path:
    """The regions file of both."""
    folder = tmp_path_factory.mktemp("private") / "regions"
    told = []
    found = find_text_in(written, folder, processes=1, progress=lambda *step: told.append(step))
    assert (found.looked_at, found.with_text, found.waiting) == (2, 1, 1)
    assert told[-1] == (2, 2, "1 images with text")
    return found.file


def test_an_image_with_unconfirmed_text_is_held_back_and_one_without_is_not(written, searched):
    plain, named = written
    screen = text_screen(searched)
    assert screen(plain).held == "" and screen(plain).regions == ()
    assert "nobody has confirmed" in screen(named).held


def test_without_a_regions_file_the_images_are_looked_at_on_the_way(written):
    plain, named = written
    screen = text_screen(None)
    assert not screen(plain).held and screen(named).held


def test_what_a_person_confirmed_is_blanked(written, searched, tmp_path):
    named = written[1]
    regions = TextRegions.read(searched)
    (image,) = regions.waiting
    regions.confirm(image.digest, [*image.regions, Region(0, 0, 5, 5, action="keep")])
    regions.write(tmp_path / "regions.json")
    screening = text_screen(tmp_path / "regions.json")(named)
    assert screening.checked and not screening.held
    assert screening.regions == tuple(region.box for region in image.regions)


def test_a_second_search_keeps_what_was_confirmed_and_looks_only_at_what_is_new(written, searched):
    regions = TextRegions.read(searched)
    (image,) = regions.waiting
    regions.confirm(image.digest, image.regions)
    regions.write(searched)
    found = find_text_in(written, searched.parent, processes=1)
    assert (found.looked_at, found.waiting) == (0, 0)
    regions.add(image)  # for the other tests
    regions.write(searched)


def test_an_image_that_nobody_has_looked_at_is_held_back(searched, test_data):
    assert "nobody has looked" in text_screen(searched)(test_data / "dicom/CR-MONO1-10-chest.dcm").held


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_names_in_regions_pictures_and_page_are_for_their_owner_only(searched):
    paths = [searched, *searched.parent.rglob("*")]
    assert len(paths) >= 4
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_page_shows_the_picture_and_cannot_be_broken_by_a_file_name(tmp_path):
    from XRayAILib.exchange.text.text_page import write_page
    from XRayAILib.exchange.text.text_regions import ImageText

    regions = TextRegions()
    regions.add(ImageText("1.2.3", "</script><b>x", 50, 60, (Region(1, 2, 3, 4, text="<i>O'Brien"),)))
    write_page(regions, tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert regions.images["1.2.3"].picture in page
    assert "<b>x" not in page and "<i>O" not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="other"), "no regions file"),
        (lambda d: d["images"][1]["regions"][0].update(action="hide"), "'action' is 'hide'"),
        (lambda d: d["images"][1]["regions"][0].update(box=[5, 5, 9999, 10]), "does not lie in the image"),
        (lambda d: d["images"][1]["regions"][0].update(box=[5, 5, "a", 10]), "is not four numbers"),
        (lambda d: d["images"][1].update(confirmed="yes"), "not true or false"),
        (lambda d: d["images"][1].pop("sha256"), "'sha256' is missing"),
    ],
)
def test_a_regions_file_that_was_damaged_by_hand_is_refused_with_the_place(searched, tmp_path, change, said):
    document = json.loads(searched.read_text("utf-8"))
    change(document)
    (tmp_path / "regions.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(TextRegionsError, match=said):
        TextRegions.read(tmp_path / "regions.json")


def test_a_file_without_an_image_is_named_with_the_reason(tmp_path):
    (tmp_path / "notes.dcm").write_bytes(b"no image")
    found = find_text_in([tmp_path / "notes.dcm"], tmp_path / "regions", processes=1)
    assert found.unreadable == ((str(tmp_path / "notes.dcm"), "not a DICOM file: the mark 'DICM' is missing"),)
    with pytest.raises(UnreadableError):
        text_screen(None)(tmp_path / "notes.dcm")
