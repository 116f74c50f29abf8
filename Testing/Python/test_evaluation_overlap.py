"""Figures of a segmentation: what is empty is told apart, and lengths keep their unit."""

import numpy as np
import pytest

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.evaluation.overlap import overlap_badness, overlap_case, overlap_figures

READER, MODEL = Author.person("anna"), Author.model("m", "0" * 64)
PIXELS = Spacing.unknown()
CALIBRATED = Spacing(0.5, 0.5, SpacingSource.CALIBRATED)
DETECTOR = Spacing(0.2, 0.2, SpacingSource.DETECTOR)


def said(author: Author, **squares: tuple[int, int]) -> Findings:
    """Findings of a 60 x 50 image with a 20 x 20 square at (row, column) of each label; ``None`` draws an empty one."""
    objects = []
    for label, corner in squares.items():
        mask = np.zeros((60, 50), bool)
        if corner is not None:
            mask[corner[0] : corner[0] + 20, corner[1] : corner[1] + 20] = True
        objects.append(Mask.from_array(mask, label=label, author=author))
    return Findings("1.2.3", (60, 50), author, tuple(objects))


def heart(prediction: Findings, reference: Findings, spacing: Spacing = PIXELS, absent: bool = False) -> dict:
    return overlap_case(prediction, reference, ["heart"], spacing, absent).get("heart", {})


def test_a_square_moved_by_five_pixels_in_honest_units():
    moved, true = said(MODEL, heart=(10, 15)), said(READER, heart=(10, 10))
    pixels, millimetres = heart(moved, true), heart(moved, true, CALIBRATED)
    assert pixels["dice"] == pytest.approx(0.75) and pixels["iou"] == pytest.approx(0.6)
    assert (pixels["hd95"], pixels["unit"]) == (5.0, "px")
    assert (millimetres["hd95"], millimetres["unit"]) == (2.5, "mm (calibrated)")
    assert millimetres["assd"] == pytest.approx(pixels["assd"] / 2)


def test_what_is_empty_is_told_apart():
    nothing, something = said(MODEL), said(MODEL, heart=(10, 10))
    missed = heart(nothing, said(READER, heart=(10, 10)))
    assert (missed["there"], missed["found"], missed["dice"]) == (True, False, 0.0) and "hd95" not in missed
    alarm = heart(something, said(READER, heart=None))
    assert (alarm["there"], alarm["found"], alarm["dice"]) == (False, True, 0.0) and "hd95" not in alarm
    empty = heart(nothing, said(READER, heart=None))
    assert (empty["there"], empty["found"]) == (False, False) and "dice" not in empty
    assert heart(something, said(READER)) == {}, "nobody said anything of it"
    assert heart(something, said(READER), absent=True)["dice"] == 0.0, "not drawn means not there"
    assert overlap_badness({"heart": missed}) == 1.0 and overlap_badness({"heart": empty}) == 0.0


def test_figures_leave_out_what_is_rightly_empty_and_count_what_is_missed():
    true, none = said(READER, heart=(10, 10)), said(READER, heart=None)
    found = [(said(MODEL, heart=(10, 10)), true), (said(MODEL), true), (said(MODEL), none), (said(MODEL), none)]
    cases = [overlap_case(*pair, ["heart"], PIXELS) for pair in found]
    figures = overlap_figures(cases, ["a", "b", "c", "d"], ["heart", "lung"])["labels"]
    assert set(figures) == {"heart"}, "a label that no case tells of has no figures"
    dice, hd95 = figures["heart"]["dice"], figures["heart"]["hd95"]
    assert (dice["value"], dice["count"]) == (0.5, 2) and (hd95["value"], hd95["count"]) == (0.0, 1)
    assert hd95["reason"] == "1 of 2 images have no distance: missed or false alarm."
    assert (figures["heart"]["missed"]["value"], figures["heart"]["false_alarms"]["value"]) == (0.5, 0.0)
    assert dice["low"] == 0.0 and dice["high"] == 1.0
    alarms = figures["heart"]["false_alarms"]
    # Of two patients without a false alarm nobody can say that there are none: 1 - 0.025 ** (1 / 2).
    assert (alarms["low"], alarms["high"]) == (0.0, pytest.approx(0.8419, abs=1e-4))


def test_lengths_of_different_units_are_never_put_together():
    moved, true = said(MODEL, heart=(10, 15)), said(READER, heart=(10, 10))
    spacings = [CALIBRATED, CALIBRATED, DETECTOR, PIXELS]
    cases = [overlap_case(moved, true, ["heart"], spacing) for spacing in spacings]
    figures = overlap_figures(cases, list("abcd"), ["heart"])
    of_heart = figures["labels"]["heart"]
    assert (of_heart["hd95"]["value"], of_heart["hd95"]["unit"], of_heart["hd95"]["count"]) == (
        2.5,
        "mm (calibrated)",
        2,
    )
    assert of_heart["hd95, mm (detector plane)"]["value"] == pytest.approx(1.0)
    assert (of_heart["hd95, px"]["value"], of_heart["hd95, px"]["unit"]) == (5.0, "px")
    assert "1 in mm (detector plane), 1 in px" in of_heart["hd95"]["reason"]
    assert figures["overall"]["hd95"]["value"] == 2.5


def test_the_mean_over_structures_weighs_them_alike_and_its_interval_is_by_patient():
    generator = np.random.default_rng(3)
    cases, patients = [], []
    for patient in range(12):
        for _ in range(1 + patient % 3):
            case = {"lung": {"there": True, "found": True, "unit": "px", "dice": 0.9 + 0.01 * generator.random()}}
            if patient % 2:
                case["heart"] = {"there": True, "found": True, "unit": "px", "dice": 0.5 + 0.3 * generator.random()}
            for fact in case.values():
                fact.update(iou=fact["dice"] / (2 - fact["dice"]), hd95=1.0, assd=0.5)
            cases.append(case)
            patients.append(f"P{patient}")
    figures = overlap_figures(cases, patients, ["heart", "lung"], seed=1)
    of = figures["labels"]
    assert figures["overall"]["dice"]["value"] == pytest.approx(
        (of["heart"]["dice"]["value"] + of["lung"]["dice"]["value"]) / 2
    )
    low, high = figures["overall"]["dice"]["low"], figures["overall"]["dice"]["high"]
    assert low < figures["overall"]["dice"]["value"] < high
    assert figures == overlap_figures(cases, patients, ["heart", "lung"], seed=1), "the same seed, the same interval"
