"""What the rules of hygiene measure on pixels: polarity, turns, copies, clipping; on phantoms and real radiographs."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.burned_in import TextRegion
from XRayAILib.pixels.exposure import clipped_shares, is_constant
from XRayAILib.pixels.frontal_chest import EDGE, chest_score, coarse
from XRayAILib.pixels.likeness import BITS, alike, fingerprint
from XRayAILib.pixels.orientation import marker_problems, turned_chest
from XRayAILib.pixels.polarity import polarity


@pytest.fixture(scope="module")
def chests(tmp_path_factory) -> list[np.ndarray]:
    """Display values of computed chests."""
    phantoms = make_phantoms(tmp_path_factory.mktemp("chests"), 8, seed=11, size=(288, 256))
    return [read_radiograph(phantom.path).display() for phantom in phantoms]


@pytest.fixture(scope="module")
def real(test_data) -> dict[str, np.ndarray]:
    """Display values of some real pictures of chests and skulls, and of one DICOM file of each other body part."""
    found = {}
    for folder, every in (("chest-segmentation", 10), ("chest-classification", 20), ("cephalometric-landmarks", 8)):
        for path in sorted((test_data / folder / "images").glob("*.png"))[::every]:
            found[f"{folder}/{path.name}"] = read_radiograph(path).display()
    for name in ("RG2_JPLL", "RG3_JPLL", "CR-MONO1-10-chest", "rsna_cxr", "dx_image"):
        found[name] = read_radiograph(test_data / "dicom" / f"{name}.dcm").display()
    return found


def test_real_radiographs_are_no_negatives_and_their_inverses_are(real):
    assert [name for name, shown in real.items() if polarity(shown).negative] == []
    seen = [polarity(1 - shown).negative for shown in real.values()]
    assert np.mean(seen) > 0.95


def test_the_relabelled_copy_is_seen_as_a_negative_and_its_original_is_not(test_data):
    shown = {
        name: read_radiograph(test_data / "dicom" / f"{name}.dcm").display() for name in ("rsna_cxr", "Fake_MONOHR1")
    }
    assert not polarity(shown["rsna_cxr"]).negative
    fake = polarity(shown["Fake_MONOHR1"])
    assert fake.negative and "lungs brighter" in fake.reason


def test_a_computed_chest_is_a_chest_and_its_inverse_the_negative_of_one(chests):
    for shown in chests:
        assert chest_score(shown) > 0.3 and chest_score(1 - shown) == pytest.approx(-chest_score(shown), abs=0.02)
        assert not polarity(shown).negative and polarity(1 - shown).negative


def test_the_pattern_of_a_chest_is_that_of_the_phantoms(chests):
    mean = np.mean([coarse(shown, EDGE) for shown in chests], axis=0)
    assert chest_score(mean) > 0.8


def test_noise_and_flat_images_have_no_polarity():
    noise = np.random.default_rng(3).random((300, 200), np.float32)
    for shown in (noise, 1 - noise, np.zeros((300, 200), np.float32), np.zeros((8, 8), np.float32)):
        assert not polarity(shown).negative


@pytest.mark.parametrize(
    ("turns", "said"), [(1, "to the left by 90 degrees"), (2, "by 180 degrees"), (3, "to the right")]
)
def test_a_turned_chest_is_said_to_be_turned(chests, turns, said):
    assert [turned_chest(shown) for shown in chests] == [""] * len(chests)
    # One of them shows little of its lungs.
    assert [turned_chest(np.rot90(shown, turns)).startswith(said) for shown in chests].count(True) >= len(chests) - 1


def test_turned_real_chests_are_seen_and_upright_ones_and_skulls_are_not(real):
    assert [name for name, shown in real.items() if turned_chest(shown)] == []
    seen = [bool(turned_chest(np.rot90(shown))) for name, shown in real.items() if name.startswith("chest")]
    assert np.mean(seen) > 0.85


def test_a_side_marker_on_the_wrong_side_and_mirrored_letters_are_seen():
    def problems(orientation: list[str], *regions: TextRegion) -> list[str]:
        return list(marker_problems(regions, 100, orientation, frontal=True))

    left_at_left = TextRegion(5, 5, 15, 15, "L", kind="marker")
    left_at_right = TextRegion(85, 5, 95, 15, "L", kind="marker")
    assert (
        problems(["L", "F"], left_at_right) == problems([], left_at_right) == problems(["R", "F"], left_at_left) == []
    )
    assert "L is at the image's left, against Patient Orientation" in problems(["L", "F"], left_at_left)[0]
    assert "against the usual way" in problems([], left_at_left)[0]
    assert problems([], TextRegion(45, 5, 55, 15, "L", kind="marker")) == []
    assert "letters in the image are mirrored" in problems([], TextRegion(60, 5, 95, 15, "PORTABLE", mirrored=True))[0]
    # A marker that is seen from behind on its own side was stuck on the wrong way round.
    assert problems([], TextRegion(85, 5, 95, 15, "L", kind="marker", mirrored=True)) == []
    assert "left and mirrored" in problems([], TextRegion(5, 5, 15, 15, "L", kind="marker", mirrored=True))[0]
    assert list(marker_problems([left_at_left], 100, [], frontal=False)) == []


def changed(shown: np.ndarray) -> dict[str, np.ndarray]:
    """Copies of an image, each changed in one way."""
    picture = Picture.fromarray((shown * 255).astype(np.uint8))
    low, high = np.percentile(shown, (5, 95))
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=30)
    return {
        "mirrored": shown[:, ::-1],
        "turned by 180 degrees": np.rot90(shown, 2),
        "turned to the left by 90 degrees": np.rot90(shown),
        "turned to the right by 90 degrees": np.rot90(shown, 3),
        "upside down and mirrored": shown[::-1],
        "mirrored and turned to the left by 90 degrees": shown.T,
        "inverted": 1 - shown,
        "turned by 180 degrees, inverted": 1 - np.rot90(shown, 2),
        "": np.clip((shown - low) / (high - low), 0, 1) ** 1.5,
        "smaller": np.asarray(picture.resize((97, 97), Picture.Resampling.BILINEAR), np.float32) / 255,
        "compressed": np.asarray(Picture.open(squeezed), np.float32) / 255,
    }


def test_copies_are_found_and_how_they_were_changed(chests):
    for how, copy in changed(chests[0]).items():
        prints = [fingerprint(chests[1]), fingerprint(chests[0]), fingerprint(chests[2]), fingerprint(copy)]
        (pair,) = alike(prints)
        assert (pair.first, pair.second) == (1, 3)
        assert pair.change == (how if how not in ("smaller", "compressed") else "")
        # And from the other side, where a quarter turn goes the other way.
        (back,) = alike(prints[::-1])
        left, right = "turned to the left by 90 degrees", "turned to the right by 90 degrees"
        assert back.change == {left: right, right: left}.get(pair.change, pair.change)


def test_different_real_radiographs_are_no_copies(real):
    prints = {name: fingerprint(shown) for name, shown in real.items()}
    assert list(alike(list(prints.values()))) == []
    first = next(iter(real.values()))
    assert [pair.change for pair in alike([*prints.values(), fingerprint(np.rot90(1 - first))])] != []


def test_many_images_are_compared_without_comparing_all_pairs():
    rng = np.random.default_rng(5)
    bits = rng.random((3000, BITS)) < 0.5
    bits[2000:2010] = bits[:10] ^ (rng.random((10, BITS)) < 0.05)
    prints = [row.tobytes() for row in np.packbits(bits, axis=1)]
    prints += [b"", prints[7], prints[7]]
    pairs = {(pair.first, pair.second) for pair in alike(prints)}
    assert {(n, 2000 + n) for n in range(10)} <= pairs and {(7, 3001), (7, 3002)} <= pairs and len(pairs) == 12


def test_flat_images_are_like_no_other():
    assert fingerprint(np.full((50, 40), 0.5, np.float32)) == b"" and list(alike([b"", b""])) == []


def test_constant_and_clipped_pixels():
    rng = np.random.default_rng(2)
    stored = rng.integers(100, 4000, (200, 160)).astype(np.uint16)
    assert not is_constant(stored) and is_constant(np.full((200, 160), 7)) and is_constant(np.zeros((0, 4)))
    assert max(clipped_shares(stored, inverted=False)) < 0.01
    burnt = stored.copy()
    burnt[60:140, 50:110] = 4095
    assert clipped_shares(burnt, inverted=False)[1] > 0.3 and clipped_shares(burnt, inverted=True)[0] > 0.3
    # Air beside the patient may saturate the detector, also where it reaches into the middle.
    air = stored.copy()
    air[:, :90] = 4095
    assert max(clipped_shares(air, inverted=True)) < 0.01
