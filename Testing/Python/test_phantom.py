"""The embedded radiographs: valid DICOM, exact truth, the same again for a seed, and hard enough to need learning."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest

from XRayAILib.findings.author import AuthorKind, Status
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.phantom.beam import expose
from XRayAILib.phantom.collection import Phantom, make_phantoms, read_truth, recipes
from XRayAILib.phantom.projection import frame_of, project
from XRayAILib.phantom.shapes import Frame, ellipsoid, tube

SEED = 7
SMALL = (224, 192)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phantoms")


@pytest.fixture(scope="module")
def phantoms(folder: Path) -> list[Phantom]:
    return make_phantoms(folder, 48, SEED, SMALL)


def display(path: Path) -> np.ndarray:
    """What a viewer shows, 0 black to 1 white: window LINEAR (PS3.3 C.11.2.1.2.1), then MONOCHROME1 turned over."""
    data = pydicom.dcmread(path)
    center, width = float(data.WindowCenter), float(data.WindowWidth)
    shown = np.clip((data.pixel_array.astype(float) - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    return 1 - shown if data.PhotometricInterpretation == "MONOCHROME1" else shown


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))


def masks_of(phantom: Phantom) -> dict[str, np.ndarray]:
    found = {mask.label: mask.array() for mask in phantom.findings.of(Mask)}
    return {"lungs": found["right_lung"] | found["left_lung"], **found}


def test_a_ball_is_as_long_as_its_formula_says() -> None:
    frame = Frame((101, 101), 0.5, (50.0, 50.0))
    ball = ellipsoid(frame, (0, 0, 0), (20, 20, 20))
    chord = np.zeros(frame.shape, np.float32)
    ball.add_to(chord)
    assert chord[50, 50] == pytest.approx(40)
    assert chord[50, 50 + 24] == pytest.approx(2 * np.sqrt(20**2 - 12**2), rel=1e-5)
    assert chord[50, 50 + 41] == 0


def test_a_tube_is_round_in_section_and_hollow_inside_its_wall() -> None:
    frame = Frame((60, 200), 0.5, (100.0, 30.0), tilt=0.1)
    outer, inner = tube(frame, np.array([(-40.0, 0, 0), (40, 0, 0)]), 6.0, wall=1.0)
    chord, hollow = np.zeros(frame.shape, np.float32), np.zeros(frame.shape, np.float32)
    outer.add_to(chord)
    inner.add_to(hollow)
    assert chord[30, 100] == pytest.approx(12, rel=1e-4)
    assert hollow[30, 100] == pytest.approx(10, rel=1e-4)
    assert (hollow <= chord).all()


def test_the_same_seed_gives_the_same_bytes(phantoms: list[Phantom], tmp_path: Path) -> None:
    again = make_phantoms(tmp_path, 3, SEED, SMALL)
    for old, new in zip(phantoms, again, strict=False):
        assert new.path.name == old.path.name
        assert new.path.read_bytes() == old.path.read_bytes()
        assert new.findings == old.findings
    other = make_phantoms(tmp_path / "other", 1, SEED + 1, SMALL)
    assert other[0].uid != again[0].uid
    assert other[0].path.read_bytes() != again[0].path.read_bytes()


def test_the_truth_fits_its_picture(phantoms: list[Phantom]) -> None:
    schema = chest_schema()
    for phantom in phantoms:
        data = pydicom.dcmread(phantom.path)
        assert phantom.uid == data.SOPInstanceUID == phantom.findings.radiograph_uid
        assert phantom.findings.shape == (data.Rows, data.Columns) == data.pixel_array.shape
        assert data.pixel_array.max() < 2**data.BitsStored
        for item in phantom.findings:
            assert item.label in schema
            assert item.status is Status.APPROVED
            assert item.author.kind is AuthorKind.IMPORT
        masks = masks_of(phantom)
        assert not (masks["right_lung"] & masks["left_lung"]).any()
        assert not (masks["lungs"] & masks["heart"]).any()
        # The patient's right lies on the left of the picture.
        columns = {name: np.nonzero(mask)[1].mean() for name, mask in masks.items()}
        assert columns["right_lung"] < columns["heart"] < columns["left_lung"]


def test_landmarks_lie_on_the_lungs_they_belong_to(phantoms: list[Phantom]) -> None:
    seen = set()
    for phantom in phantoms:
        masks = masks_of(phantom)
        for mark in phantom.findings.of(Landmark):
            seen.add(mark.label)
            side = mark.label.split("_")[0]
            if side not in ("right", "left"):
                continue
            rows, columns = np.nonzero(masks[f"{side}_lung"])
            # The costophrenic angle is so acute that the mask ends a few pixels before it.
            assert np.hypot(rows - mark.y, columns - mark.x).min() < 5
            far = rows.max() - rows.min()
            assert (mark.y - rows.min() < 0.15 * far) == mark.label.endswith("apex")
    assert seen == {"right_apex", "left_apex", "carina", "right_costophrenic_angle", "left_costophrenic_angle"}


def test_lungs_are_darker_than_the_heart(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        shown, masks = display(phantom.path), masks_of(phantom)
        assert np.median(shown[masks["lungs"]]) < np.median(shown[masks["heart"]])


def test_both_polarities_are_shown_alike() -> None:
    """The same image taken twice, stored as MONOCHROME1 and as MONOCHROME2, is one picture."""
    from dataclasses import replace

    recipe = next(iter(recipes(1, SEED, SMALL)))
    frame = frame_of(recipe.thorax, recipe.pose, recipe.exposure)
    attenuation = project(frame, recipe.thorax, recipe.pose, recipe.condition).attenuation
    shown = []
    for inverted in (False, True):
        picture = expose(attenuation, replace(recipe.exposure, inverted=inverted))
        center, width = picture.window
        value = np.clip((picture.stored.astype(float) - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
        shown.append(1 - value if inverted else value)
    assert np.allclose(shown[0], shown[1], atol=1e-9)


def test_polarities_spacings_views_and_priors_are_mixed(phantoms: list[Phantom]) -> None:
    headers = [pydicom.dcmread(phantom.path, stop_before_pixels=True) for phantom in phantoms]
    assert {h.PhotometricInterpretation for h in headers} == {"MONOCHROME1", "MONOCHROME2"}
    kinds = set()
    for header in headers:
        spacing = header.get("PixelSpacing")
        kinds.add("detector" if spacing is None else "equal" if spacing == header.ImagerPixelSpacing else "calibrated")
        assert ("PixelSpacingCalibrationType" in header) == (spacing not in (None, header.ImagerPixelSpacing))
    assert kinds == {"detector", "equal", "calibrated"}
    days: dict[str, list[str]] = {}
    for header in headers:
        days.setdefault(header.PatientID, []).append(header.StudyDate)
    assert any(len(studies) > 1 for studies in days.values())
    assert all(studies == sorted(set(studies)) for studies in days.values())
    for phantom, header in zip(phantoms, headers, strict=True):
        values = {item.label: item.value for item in phantom.findings.of(ImageLabel)}
        assert values["view"] == header.ViewPosition
    assert {"PA", "AP"} == {h.ViewPosition for h in headers}


def test_a_nodule_is_denser_than_what_is_around_it() -> None:
    """Computed with and without its nodules, a thorax differs inside the boxes of the truth and nowhere else."""
    from dataclasses import replace

    from XRayAILib.phantom.truth import truth_of

    tried = 0
    for recipe in recipes(40, SEED, SMALL):
        if not recipe.condition.nodules or tried == 4:
            continue
        frame = frame_of(recipe.thorax, recipe.pose, recipe.exposure)
        here = project(frame, recipe.thorax, recipe.pose, recipe.condition)
        gone = project(frame, recipe.thorax, recipe.pose, replace(recipe.condition, nodules=()))
        more = here.attenuation - gone.attenuation
        field = np.ones(frame.shape, bool)
        truth = truth_of("1.2", "", frame, here, field, recipe.thorax, recipe.pose, recipe.condition)
        boxed = np.zeros(frame.shape, bool)
        for box in truth.of(Box, "nodule"):
            rows = slice(int(np.ceil(box.y0)), int(np.floor(box.y1)) + 1)
            columns = slice(int(np.ceil(box.x0)), int(np.floor(box.x1)) + 1)
            boxed[rows, columns] = True
            assert more[rows, columns].max() > 0.05
            # The box is tight: the shadow touches each of its four sides.
            inside = more[rows, columns] > 0
            assert inside[:2].any() and inside[-2:].any() and inside[:, :2].any() and inside[:, -2:].any()
        assert boxed.any()
        assert np.abs(more[~boxed]).max() < 1e-5
        tried += 1
    assert tried == 4


def otsu_guesses(shown: np.ndarray) -> list[np.ndarray]:
    """What one threshold gives: dark or bright; all of it, off the border, the largest one or two parts."""
    from scipy.ndimage import label
    from skimage.filters import threshold_otsu

    guesses = []
    for values in (shown, shown[(shown > 0.02) & (shown < 0.98)]):
        level = threshold_otsu(values)
        for mask in (shown < level, shown >= level, (shown < level) & (shown > 0.02)):
            parts, _ = label(mask)
            rim = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
            within = np.where(np.isin(parts, rim), 0, parts)
            guesses += [mask, within > 0]
            for pieces in (parts, within):
                size = np.bincount(pieces.ravel())
                size[0] = 0
                order = np.argsort(size)[::-1]
                guesses += [np.isin(pieces, order[:n]) & (pieces > 0) for n in (1, 2)]
    return guesses


@pytest.mark.parametrize("structure", ["lungs", "heart"])
def test_a_threshold_does_not_solve_it(phantoms: list[Phantom], structure: str) -> None:
    scores = np.array(
        [[dice(guess, masks_of(p)[structure]) for guess in otsu_guesses(display(p.path))] for p in phantoms]
    )
    assert scores.mean(axis=0).max() < 0.85


@pytest.mark.parametrize("structure", ["lungs", "right_lung", "left_lung", "heart"])
def test_the_mean_mask_does_not_solve_it(phantoms: list[Phantom], structure: str) -> None:
    from skimage.transform import resize

    masks = np.array([resize(masks_of(p)[structure].astype(float), (192, 192), order=1) > 0.5 for p in phantoms])
    mean = masks[: len(masks) // 2].mean(axis=0) > 0.5
    assert np.mean([dice(mean, mask) for mask in masks[len(masks) // 2 :]]) < 0.85


def test_a_half_written_folder_is_completed(tmp_path: Path) -> None:
    whole = make_phantoms(tmp_path, 4, SEED, SMALL)
    kept = {p.path.name: (p.path.read_bytes(), p.path.stat().st_mtime_ns) for p in whole}
    whole[1].path.unlink()
    truths = sorted((tmp_path / "truth").glob("*.npz"))
    truths[2].write_bytes(truths[2].read_bytes()[:100])
    (tmp_path / "images" / "phantom-0009-1.dcm.part").write_bytes(b"")
    steps: list[tuple[int, int]] = []
    again = make_phantoms(tmp_path, 4, SEED, SMALL, progress=lambda done, total: steps.append((done, total)))
    assert again == whole
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {p.path.name: p.path.read_bytes() for p in again} == {name: kept[name][0] for name in kept}
    assert again[0].path.stat().st_mtime_ns == kept[again[0].path.name][1]
    assert read_truth(tmp_path) == {p.uid: p.findings for p in whole}


def test_another_generator_makes_it_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (old,) = make_phantoms(tmp_path, 1, SEED, SMALL)
    monkeypatch.setattr("XRayAILib.phantom.collection.generator_stamp", lambda: "a later one")
    (new,) = make_phantoms(tmp_path, 1, SEED, SMALL)
    assert new.uid != old.uid
    assert list(read_truth(tmp_path)) == [new.uid]


def test_impossible_wishes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        make_phantoms(tmp_path, 0, SEED)
    with pytest.raises(ValueError, match="too small"):
        make_phantoms(tmp_path, 1, SEED, (20, 20))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError, match="Choose a folder"):
        make_phantoms(tmp_path / "file", 1, SEED, SMALL)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
@pytest.mark.parametrize("options", [["-new"], []])
def test_dciodvfy_finds_no_error(phantoms: list[Phantom], options: list[str]) -> None:
    for phantom in phantoms[:12]:
        told = subprocess.run(["dciodvfy", *options, str(phantom.path)], capture_output=True, text=True, check=False)
        report = told.stdout + told.stderr
        assert "DXImageForPresentation" in report
        assert "Error" not in report, f"{phantom.path}: {report}"
