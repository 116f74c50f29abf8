"""The steps of an enhancement do what they say, on phantoms and on real radiographs, and documents come back."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from scipy import ndimage

from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels import histogram, pyramid
from XRayAILib.pixels.clahe import equalised
from XRayAILib.pixels.enhance import PRESETS, Enhancement, EnhancementError
from XRayAILib.pixels.steps import (
    STEPS,
    Collimation,
    Edges,
    Histogram,
    Invert,
    LocalContrast,
    Multiscale,
    NonLocalMeans,
    Percentiles,
    Step,
    Wavelet,
)
from XRayAILib.project.enhancements import find_enhancement, reference_histogram, save_enhancement
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

RAMP = tuple(float(v) for v in np.linspace(0, 1, histogram.COUNT))


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The display values of a phantom."""
    phantom = make_phantoms(tmp_path_factory.mktemp("phantom"), 1, seed=2, size=(300, 260))[0]
    return read_radiograph(phantom.path).display()


@pytest.fixture(scope="module")
def real(test_data: Path) -> list[np.ndarray]:
    paths = sorted((test_data / "chest-segmentation" / "images").iterdir())[:40:10]
    images = [np.asarray(Picture.open(path).convert("L"), np.float32) / 255 for path in paths]
    return [*images, read_radiograph(test_data / "dicom" / "RG3_RLE.dcm").display()]


def steps() -> list[Step]:
    """One of each kind."""
    return [Histogram(1.0, RAMP) if kind is Histogram else kind() for kind in STEPS]


def done(step: Step, image: np.ndarray, inside: np.ndarray | None = None) -> np.ndarray:
    return Enhancement("one", (step,)).apply(image, inside)


def local_contrast(image: np.ndarray) -> float:
    """The median standard deviation in windows of a thirtieth of the image."""
    size = max(3, max(image.shape) // 30)
    mean = ndimage.uniform_filter(image, size)
    return float(np.median(np.sqrt(np.maximum(ndimage.uniform_filter(image**2, size) - mean**2, 0))))


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.kind)
def test_the_image_keeps_its_shape_and_range_and_what_it_was_made_from(chest: np.ndarray, step: Step) -> None:
    before = chest.copy()
    shown = done(step, chest)
    assert shown.shape == chest.shape and shown.dtype == np.float32
    assert np.isfinite(shown).all() and shown.min() >= 0 and shown.max() <= 1
    np.testing.assert_array_equal(chest, before)
    np.testing.assert_array_equal(done(step, chest), shown)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (7, 5), (17, 300), (64, 64)])
@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_odd_and_constant_images_go_through(shape: tuple[int, int], value: float) -> None:
    everything = Enhancement("all", tuple(steps()))
    shown = everything.apply(np.full(shape, value, np.float32))
    assert shown.shape == shape and np.isfinite(shown).all() and 0 <= shown.min() <= shown.max() <= 1
    noise = everything.apply(np.random.default_rng(0).random(shape))
    assert noise.shape == shape and np.isfinite(noise).all() and 0 <= noise.min() <= noise.max() <= 1


def test_values_that_are_no_numbers_become_black() -> None:
    image = np.full((40, 40), 0.5, np.float32)
    image[3, 4], image[5, 6] = np.nan, np.inf
    shown = PRESETS["bone"].apply(image)
    assert np.isfinite(shown).all()


def test_percentiles_stretch_and_do_it_once(chest: np.ndarray) -> None:
    step = Percentiles(2.0, 98.0)
    shown = done(step, chest * 0.3 + 0.2)
    assert np.percentile(shown, (2, 98)) == pytest.approx((0, 1), abs=1e-4)
    np.testing.assert_allclose(done(Percentiles(0.0, 100.0), shown), shown, atol=1e-6)


def test_inverted_twice_is_the_image(chest: np.ndarray) -> None:
    np.testing.assert_allclose(done(Invert(), done(Invert(), chest)), chest, atol=1e-6)


def test_two_devices_look_alike_after_matching(chest: np.ndarray) -> None:
    curves = chest**0.6 * 0.8, chest**1.7 * 0.9 + 0.1
    before = histogram.distance(*(histogram.quantiles(image) for image in curves))
    reference = tuple(float(v) for v in histogram.mean_quantiles(histogram.quantiles(image) for image in curves))
    matched = [done(Histogram(1.0, reference), image) for image in curves]
    after = histogram.distance(*(histogram.quantiles(image) for image in matched))
    assert before > 0.1 and after < 0.01 * before
    # The same grey order in both: the same image again.
    assert np.percentile(np.abs(matched[0] - matched[1]), 99) < 0.01
    again = done(Histogram(1.0, reference), matched[0])
    assert np.percentile(np.abs(again - matched[0]), 99) < 0.005
    half = done(Histogram(0.5, reference), curves[0])
    np.testing.assert_allclose(half, (curves[0] + matched[0]) / 2, atol=1e-5)


@pytest.mark.parametrize("step", [Multiscale(0.6), LocalContrast(3.0, 8)], ids=lambda step: step.kind)
def test_weak_contrast_is_lifted(chest: np.ndarray, real: list[np.ndarray], step: Step) -> None:
    for image in (chest, *real):
        assert local_contrast(done(step, image)) > 1.15 * local_contrast(image)


def test_multiscale_keeps_the_ends_where_they_were(chest: np.ndarray) -> None:
    shown = done(Multiscale(0.8), chest)
    assert np.percentile(shown, (1, 99)) == pytest.approx(np.percentile(chest, (1, 99)), abs=0.01)
    assert np.corrcoef(shown.ravel(), chest.ravel())[0, 1] > 0.85
    np.testing.assert_allclose(done(Multiscale(0.0), chest), chest, atol=1e-5)


def test_clahe_agrees_with_scikit_image_and_respects_its_limit(real: list[np.ndarray]) -> None:
    from skimage.exposure import equalize_adapthist

    image = real[0]
    ours = equalised(image, None, 8, 2.5)
    side = max(image.shape) // 8
    theirs = equalize_adapthist(image, (side, side), clip_limit=0.01)
    # Theirs cuts the histograms another way and stretches the result; the local order of greys is the same.
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.97
    ramp = np.tile(np.linspace(0.4, 0.6, 512, dtype=np.float32), (512, 1))
    steeper = equalised(ramp, None, 4, 3.0)
    assert (steeper[:, 32:] - steeper[:, :-32]).max() == pytest.approx(3.0 * (ramp[0, 32] - ramp[0, 0]), rel=0.02)
    np.testing.assert_allclose(equalised(image, None, 8, 1.0), image, atol=1 / 250)


@pytest.mark.parametrize("step", [Wavelet(1.0), NonLocalMeans(1.0)], ids=lambda step: step.kind)
def test_noise_goes_and_edges_stay(step: Step) -> None:
    y, x = np.mgrid[:200, :220]
    clean = np.where((x - 110) ** 2 + (y - 100) ** 2 < 60**2, 0.7, 0.3).astype(np.float32)
    noisy = clean + np.random.default_rng(3).normal(0, 0.04, clean.shape).astype(np.float32)
    shown = done(step, noisy)
    flat = (x < 40) & (y > 20) & (y < 180)
    assert shown[flat].std() < 0.5 * noisy[flat].std()
    assert shown[95:105, 55:65].mean() == pytest.approx(clean[95:105, 55:65].mean(), abs=0.02)
    # The step from 0.3 to 0.7 along the middle row keeps three quarters of its height within four pixels.
    profile = shown[95:106].mean(axis=0)
    assert profile[53] - profile[49] > 0.75 * 0.4
    assert np.abs(shown - clean).mean() < 0.6 * np.abs(noisy - clean).mean()


def test_edges_are_lifted_up_to_their_size(chest: np.ndarray) -> None:
    y, x = np.mgrid[:512, :512]
    fine, coarse = 0.1 * np.sin(x * 2 * np.pi / 6), 0.1 * np.sin(y * 2 * np.pi / 256)
    image = (0.5 + fine + coarse).astype(np.float32)
    shown = done(Edges(1.0, 6.0), image)
    middle = slice(100, 400)
    lifted = np.std((shown - shown.mean(axis=1, keepdims=True))[middle, middle])
    assert lifted > 1.7 * np.std(fine[middle, middle])
    assert np.std(shown.mean(axis=1)) == pytest.approx(np.std(coarse), rel=0.05)
    np.testing.assert_allclose(done(Edges(0.0), chest), chest, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 16), (333, 250), (8, 900)])
def test_a_pyramid_gives_the_image_back(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    bands, rest = pyramid.split(image, pyramid.levels_of(shape))
    np.testing.assert_allclose(pyramid.joined(bands, rest), image, atol=1e-5)


def test_a_preview_of_fewer_pixels_looks_like_the_whole(real: list[np.ndarray]) -> None:
    from XRayAILib.pixels.resample import block_means

    for name in ("chest", "bone"):
        whole = block_means(PRESETS[name].apply(real[0]), 2)
        small = PRESETS[name].apply(block_means(real[0], 2))
        assert np.abs(whole - small).mean() < 0.015


def test_cropped_images_keep_their_place_and_are_black_around(chest: np.ndarray) -> None:
    image = chest.copy()
    image[:, :40] = image[-30:] = 0
    enhanced = Enhancement("crop", (Collimation(), Percentiles())).run(image)
    # The phantom's own collimator ends at the right and above.
    left, top, right, bottom = enhanced.box
    assert (left, bottom) == (40, image.shape[0] - 30) and top < 20 and right > image.shape[1] - 20
    assert not enhanced.image[:, :40].any() and not enhanced.image[-30:].any()
    assert enhanced.inside is not None and enhanced.inside[20:-30, 40:-20].all()
    assert np.percentile(enhanced.image[enhanced.inside], (0.5, 99.5)) == pytest.approx((0, 1), abs=1e-3)


def test_padding_stays_black_and_decides_nothing(chest: np.ndarray) -> None:
    inside = np.ones(chest.shape, bool)
    inside[:, -50:] = False
    padded = np.where(inside, chest, 1.0).astype(np.float32)
    for step in (Percentiles(), Histogram(1.0, RAMP), Invert(), LocalContrast(2.0, 2)):
        shown = done(step, padded, inside)
        assert not shown[~inside].any()
        np.testing.assert_allclose(shown[:, :100], done(step, np.where(inside, chest, 0.2), inside)[:, :100], atol=1e-6)


def test_presets_do_not_fail_on_real_radiographs(real: list[np.ndarray]) -> None:
    for image in real:
        for preset in PRESETS.values():
            shown = preset.apply(image)
            assert np.isfinite(shown).all() and shown.max() <= 1 and shown.min() >= 0
            if preset.steps:
                assert shown.std() > 0.1


# Documents ------------------------------------------------------------------------------------------------------------


def test_documents_come_back(tmp_path: Path) -> None:
    for enhancement in (*PRESETS.values(), Enhancement("all", tuple(steps()))):
        assert Enhancement.from_document(enhancement.document()) == enhancement
        enhancement.write(tmp_path / "one.yaml")
        assert Enhancement.read(tmp_path / "one.yaml") == enhancement


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "a mapping"),
        ({"name": "a", "steps": [{"step": "clahee"}]}, "did you mean 'clahe'"),
        ({"name": "a", "steps": [{"step": "clahe", "limit": 99}]}, "clahe.limit: 99 must lie in 1 to 10."),
        ({"name": "a", "steps": [{"step": "clahe", "tiles": 2.5}]}, "clahe.tiles: 2.5 is no whole number."),
        ({"name": "a", "steps": [{"step": "edges", "amount": "much"}]}, "edges.amount: 'much' is no number."),
        ({"name": "a", "steps": [{"step": "edges", "amount": float("nan")}]}, "edges.amount"),
        ({"name": "a", "steps": [{"step": "edges", "radius": 3}]}, "'edges.radius' is no parameter."),
        ({"name": "a", "steps": [{"step": "invert"}, {"step": "invert"}]}, "'invert' is named twice."),
        ({"name": "a", "steps": [{"step": "invert"}, {"step": "collimation"}]}, "must come first"),
        ({"name": "a", "steps": [{"step": "histogram"}]}, "a reference has 101 values"),
        ({"name": "../a", "steps": []}, "is no name"),
        ({"name": "", "steps": []}, "is no name"),
        ({"name": "a.", "steps": []}, "must not begin or end"),
        ({"name": "a", "stepps": []}, "'stepps' is no setting"),
    ],
)
def test_what_is_wrong_is_said(document: object, said: str) -> None:
    with pytest.raises(EnhancementError) as error:
        Enhancement.from_document(document)
    assert said in str(error.value)


def test_every_wrong_field_is_said_at_once() -> None:
    document = {"name": "?", "steps": [{"step": "nothing"}, {"step": "clahe", "limit": 0, "tiles": 99}]}
    with pytest.raises(EnhancementError) as error:
        Enhancement.from_document(document)
    for word in ("name:", "nothing", "clahe.limit", "clahe.tiles"):
        assert word in str(error.value)


def test_steps_are_put_where_they_make_sense() -> None:
    made = Enhancement("a").with_step(Invert()).with_step(Percentiles()).with_step(Collimation())
    assert [step.kind for step in made.steps] == ["collimation", "percentiles", "invert"]
    changed = made.with_step(Percentiles(3.0, 97.0))
    assert [step.kind for step in changed.steps] == ["collimation", "percentiles", "invert"]
    assert changed.without("invert").without("nothing").step("percentiles") == Percentiles(3.0, 97.0)


def test_every_number_has_a_range_and_its_default_lies_in_it() -> None:
    for step in steps():
        assert step.problems() == []
        assert all(item.metadata["meaning"] for item in fields(step) if item.type in ("int", "float"))


# In a project ---------------------------------------------------------------------------------------------------------


def test_a_project_keeps_enhancements_of_its_own(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project:
        own = Enhancement("ours", (Percentiles(1.0, 95.0),))
        path = save_enhancement(project, own, "Dr. A")
        assert path == project.folder / "enhancements" / "ours.yaml"
        assert find_enhancement(project, "ours") == own
        assert project.audit_trail()[-1][1:3] == ("Dr. A", "enhancement")
        with pytest.raises(EnhancementError, match="take another name"):
            save_enhancement(project, Enhancement("chest"))
        with pytest.raises(ProjectError, match=r"there are none, chest, .*ours"):
            find_enhancement(project, "theirs")
        path.write_text("steps: [{step: clahe, limit: 0}]", "utf-8")
        with pytest.raises(EnhancementError, match=r"ours.yaml.*limit"):
            find_enhancement(project, "ours")


def test_the_reference_is_the_mean_histogram_of_a_device(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project:
        take_in(project, [make_phantoms(tmp_path / "phantoms", 4, seed=1, size=(112, 96))[0].path.parent])
        step = reference_histogram(project)
        images = [project.radiograph(image.uid).display() for image in project.images()]
        expected = np.mean([histogram.quantiles(image) for image in images], axis=0)
        np.testing.assert_allclose(step.quantiles, expected, atol=1e-4)
        assert step.problems() == [] and step.source.startswith("4 images of")
        with pytest.raises(ProjectError, match="No image is of 'Nobody'"):
            reference_histogram(project, "Nobody")
