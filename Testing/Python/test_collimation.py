"""Where the collimator ends, on real radiographs and on real ones that are collimated here."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from scipy import ndimage

from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.collimation import collimation_border, exposed_corners

SIDES = ("left", "top", "right", "bottom")
Margins = dict[str, float]


def collimated(
    display: np.ndarray, margins: Margins, degrees: float = 0.0, black: bool = True, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The image as if so much of each side (0..1 of the width or height) had not been exposed, and what was (bool).

    ``black``: an electronic shutter. Else the bright border of a collimator, with penumbra, scatter and noise.
    """
    rows, columns = display.shape
    y, x = np.mgrid[:rows, :columns] - np.array([(rows - 1) / 2, (columns - 1) / 2])[:, None, None]
    angle = np.radians(degrees)
    along, down = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    exposed = np.ones(display.shape, bool)
    for side, share in margins.items():
        position, length = (along, columns) if side in ("left", "right") else (down, rows)
        exposed &= (position if side in ("left", "top") else -position) > (share - 0.5) * length
    if black:
        return np.where(exposed, display, 0).astype(np.float32), exposed
    part = ndimage.gaussian_filter(exposed.astype(float), max(rows, columns) / 700)
    scatter = 0.92 + 0.06 * (display - display.mean()) - 0.03 * (y / rows)
    outside = scatter + np.random.default_rng(seed).normal(0, 0.015, display.shape)
    return np.clip(part * display + (1 - part) * outside, 0, 1).astype(np.float32), exposed


def agrees(box: tuple[float, float, float, float] | None, exposed: np.ndarray, share: float = 0.015) -> bool:
    """Whether all four edges lie where they should, to a share of the longest side."""
    rows, columns = np.nonzero(exposed)
    wanted = columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5
    return box is not None and max(abs(a - b) for a, b in zip(box, wanted, strict=True)) < share * max(exposed.shape)


@pytest.fixture(scope="module")
def open_field(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """A chest that fills the picture, as display values."""
    phantom = make_phantoms(tmp_path_factory.mktemp("phantom"), 1, seed=3, size=(448, 400))[0]
    # Its own border, where it has one, is cut off.
    return read_radiograph(phantom.path).display()[40:-40, 40:-40]


@pytest.fixture(scope="module")
def real_ones(test_data: Path) -> list[np.ndarray]:
    """Real chests without a border, as display values."""
    paths = sorted((test_data / "chest-boxes" / "images").iterdir())[::10]
    images = [np.asarray(Picture.open(path).convert("L"), np.float32) / 255 for path in paths]
    return [image for image in images if collimation_border(image) is None]


def test_an_open_field_is_not_cut(open_field: np.ndarray) -> None:
    assert collimation_border(open_field) is None


@pytest.mark.parametrize("black", [True, False], ids=["shutter", "collimator"])
@pytest.mark.parametrize("side", SIDES)
def test_one_side(open_field: np.ndarray, side: str, black: bool) -> None:
    image, exposed = collimated(open_field, {side: 0.12}, black=black)
    box = collimation_border(image)
    assert agrees(box, exposed)
    whole = -0.5, -0.5, image.shape[1] - 0.5, image.shape[0] - 0.5
    # A side that is not collimated keeps the last pixel.
    assert [a == b for a, b in zip(box or (), whole, strict=True)] == [name != side for name in SIDES]


def test_a_shutter_is_found_to_the_pixel(open_field: np.ndarray) -> None:
    image = open_field.copy()
    image[:30] = image[-40:] = image[:, :50] = image[:, -25:] = 0
    rows, columns = image.shape
    box = collimation_border(image)
    assert box == pytest.approx((49.5, 29.5, columns - 25.5, rows - 40.5), abs=0.51)


@pytest.mark.parametrize("black", [True, False], ids=["shutter", "collimator"])
def test_a_turned_border(open_field: np.ndarray, black: bool) -> None:
    image, exposed = collimated(open_field, dict.fromkeys(SIDES, 0.12), 6.0, black)
    assert agrees(collimation_border(image), exposed)
    corners = exposed_corners(image)
    assert corners is not None
    (x0, y0), (x1, y1) = corners[:2]
    assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(6.0, abs=0.6)


def test_real_chests_collimated_here(real_ones: list[np.ndarray]) -> None:
    generator = np.random.default_rng(5)
    right, cases = 0, 0
    for number, display in enumerate(real_ones):
        chosen = [side for side in SIDES if generator.random() < 0.5] or ["left"]
        margins = {side: float(generator.uniform(0.05, 0.22)) for side in chosen}
        image, exposed = collimated(display, margins, float(generator.choice([0, 5, -7])), bool(number % 2), number)
        right += agrees(collimation_border(image), exposed)
        cases += 1
    # A bright border beside an abdomen that is as bright cannot be seen.
    assert cases >= 10 and right >= 0.85 * cases


@pytest.mark.parametrize(("name", "wanted"), [("RG2_RLE.dcm", {"left": 185}), ("RG3_RLE.dcm", {"left": 450})])
def test_real_collimators(test_data: Path, name: str, wanted: dict[str, float]) -> None:
    box = collimation_border(read_radiograph(test_data / "dicom" / name).display())
    assert box is not None
    assert box[0] == pytest.approx(wanted["left"], abs=15)


def test_real_radiographs_of_the_whole_detector_are_not_cut(test_data: Path) -> None:
    for name in ("rsna_cxr.dcm", "Fake_MONOHR1.dcm", "CR-MONO1-10-chest.dcm", "RG1_J2KI.dcm"):
        assert collimation_border(read_radiograph(test_data / "dicom" / name).display()) is None, name


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (40, 40), (33, 900)])
def test_nothing_is_found_where_there_is_nothing(shape: tuple[int, int]) -> None:
    assert collimation_border(np.full(shape, 0.5)) is None
    assert collimation_border(np.zeros(shape)) is None
    assert collimation_border(np.random.default_rng(0).random(shape)) is None


def test_an_arm_beside_the_air_is_no_border() -> None:
    y, x = np.mgrid[:400, :300]
    body = ((x - 150) / 110) ** 4 + ((y - 200) / 260) ** 4 < 1
    image = ndimage.gaussian_filter(np.where(body, 0.6, 0.02), 2)
    assert collimation_border(image + np.random.default_rng(1).normal(0, 0.01, image.shape)) is None
