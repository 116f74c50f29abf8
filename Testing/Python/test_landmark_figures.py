"""The figures of landmarks against values computed by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.learning.landmarks.figures import METRICS, landmark_badness, landmark_case, landmark_figures
from XRayAILib.learning.landmarks.fitting import conformal, fitted_to, threshold
from XRayAILib.learning.landmarks.heatmaps import gaussians
from XRayAILib.learning.landmarks.meter import RadialErrorMeter

READER, MODEL = Author.imported("reader"), Author.model("model", "0")
LABELS = ("a", "b")
SHAPE = (400, 300)
DETECTOR = Spacing(0.5, 0.5, SpacingSource.DETECTOR)


def said(author: Author, radius: float | None = None, **points: tuple[float, float] | None) -> Findings:
    """Landmarks by label; ``None`` for one outside the image."""
    given = () if radius is None else (("uncertainty_px", str(radius)),)
    objects = [
        Landmark(label=label, author=author, x=0, y=0, visible=False, outside=True)
        if place is None
        else Landmark(label=label, author=author, x=place[0], y=place[1], attributes=given)
        for label, place in points.items()
    ]
    return Findings("1", SHAPE, author, tuple(objects))


def case(prediction: Findings, reference: Findings, spacing: Spacing = DETECTOR, absent: bool = False) -> dict:
    return landmark_case(prediction, reference, LABELS, spacing, absent, "uncertainty_px")


def four_cases() -> list[dict]:
    """Errors of ``a`` 3, 4, 5 and 10 px (1.5, 2, 2.5 and 5 mm); ``b`` is missed, spurious, right by 0, and not told."""
    return [
        case(said(MODEL, 4, a=(13, 10), b=None), said(READER, a=(10, 10), b=(50, 50))),
        case(said(MODEL, 4, a=(10, 14), b=(9, 9)), said(READER, a=(10, 10), b=None)),
        case(said(MODEL, 6, a=(13, 14), b=(7, 7)), said(READER, a=(10, 10), b=(7, 7))),
        case(said(MODEL, 8, a=(16, 18), b=(1, 1)), said(READER, a=(10, 10))),
    ]


def test_errors_and_rates_by_hand() -> None:
    figures = landmark_figures(four_cases(), ["1", "2", "3", "4"], LABELS, 0)
    a, b, overall = figures["labels"]["a"], figures["labels"]["b"], figures["overall"]
    assert a["mre_px"]["value"] == pytest.approx(5.5) and a["mre_px"]["count"] == 4
    assert a["mre_px"]["median"] == pytest.approx(4.5) and a["mre_px"]["max"] == pytest.approx(10)
    assert a["mre_px"]["std"] == pytest.approx(np.std([3, 4, 5, 10], ddof=1))
    assert a["mre_mm"]["value"] == pytest.approx(2.75) and a["mre_mm"]["unit"] == "mm (detector plane)"
    assert a["mre"]["value"] == pytest.approx(100 * 5.5 / 400)
    assert [a[f"sdr_{r}mm"]["value"] for r in ("2", "2.5", "3", "4")] == [0.5, 0.75, 0.75, 0.75]
    # 1 % of 400 px are 4 px.
    assert a["within_1_percent"]["value"] == 0.5
    assert a["missed"]["value"] == 0 and a["spurious"]["value"] is None and a["spurious"]["reason"]
    assert a["covered"]["value"] == 0.75
    assert b["missed"]["value"] == 0.5 and b["missed"]["count"] == 2
    assert b["spurious"]["value"] == 1 and b["spurious"]["count"] == 1
    # A point that is missed is no success.
    assert b["mre_px"]["value"] == 0 and b["mre_px"]["count"] == 1 and b["sdr_2mm"]["value"] == 0.5
    assert overall["mre_px"]["value"] == pytest.approx(22 / 5) and overall["sdr_2mm"]["value"] == pytest.approx(3 / 6)
    assert a["mre_px"]["low"] < 5.5 < a["mre_px"]["high"]
    assert set(a) == set(overall) == {metric.name for metric in METRICS}
    json.dumps(figures, allow_nan=False)


def test_the_uncertainty_is_told_with_how_it_goes_with_the_error() -> None:
    figures = landmark_figures(four_cases(), ["1", "2", "3", "4"], ("a",), 0)
    # Ranks of the uncertainty 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
    assert figures["labels"]["a"]["uncertainty_rho"]["value"] == pytest.approx(4.5 / np.sqrt(22.5))


def test_images_of_one_patient_are_drawn_together() -> None:
    cases = four_cases()
    apart = landmark_figures(cases, ["1", "2", "3", "4"], ("a",), 0)["labels"]["a"]["mre_px"]
    together = landmark_figures(cases, ["1", "1", "1", "1"], ("a",), 0)["labels"]["a"]["mre_px"]
    assert apart["low"] is not None and together["low"] is None and together["value"] == apart["value"]


def test_without_a_spacing_there_are_no_millimetres() -> None:
    unknown = [case(said(MODEL, a=(13, 10)), said(READER, a=(10, 10)), Spacing.unknown())]
    a = landmark_figures(unknown, ["1"], ("a",), 0)["labels"]["a"]
    assert a["mre_px"]["value"] == 3
    for name in ("mre_mm", "sdr_2mm", "sdr_4mm"):
        assert a[name]["value"] is None and "No image has a spacing" in a[name]["reason"]


def test_millimetres_of_two_kinds_are_not_put_together() -> None:
    calibrated = Spacing(0.1, 0.1, SpacingSource.CALIBRATED)
    cases = [
        case(said(MODEL, a=(13, 10)), said(READER, a=(10, 10)), spacing) for spacing in (DETECTOR, DETECTOR, calibrated)
    ]
    a = landmark_figures(cases, ["1", "2", "3"], ("a",), 0)["labels"]["a"]
    assert a["mre_mm"]["value"] == pytest.approx(1.5) and a["mre_mm"]["count"] == 2
    assert a["mre_mm"]["reason"] == "1 of 3 points are left out, because they are not in mm (detector plane)."
    assert a["sdr_2mm"]["count"] == 2 and a["mre_px"]["count"] == 3


def test_rows_and_columns_of_another_spacing() -> None:
    oblong = Spacing(1.0, 0.1, SpacingSource.DETECTOR)
    found = case(said(MODEL, a=(40, 14)), said(READER, a=(10, 10)), oblong)["a"]
    assert found["error"] == pytest.approx(5) and found["error_px"] == pytest.approx(np.hypot(30, 4))


def test_what_was_not_drawn_is_not_there_where_that_was_agreed() -> None:
    prediction, reference = said(MODEL, a=(10, 10), b=(5, 5)), said(READER, a=(10, 10))
    assert list(case(prediction, reference)) == ["a"]
    told = case(prediction, reference, absent=True)
    assert (told["b"]["there"], told["b"]["found"]) == (False, True)
    assert not case(said(MODEL), reference, absent=True)["a"]["found"]


def test_the_worst_come_first() -> None:
    right, off, missed = four_cases()[2], four_cases()[3], four_cases()[0]
    assert landmark_badness(missed) > landmark_badness(off) > landmark_badness(right) > landmark_badness({})


def test_the_meter_tells_per_cent_of_the_side() -> None:
    down, across = gaussians(torch.tensor([[[20.0, 20.0], [30.0, 30.0]]]), (32, 32), 2, 3.0)
    output = {"heatmaps": (down[..., :, None] * across[..., None, :]).clamp(min=1e-30).log()}
    meter = RadialErrorMeter(LABELS, 2, 3.0)
    meter.add(output, torch.tensor([[[23.0, 24.0, 1.0], [0.0, 0.0, 0.0]]]))
    assert meter.scores() == pytest.approx({"a": 100 * 5 / 64}, abs=0.01)


def test_the_threshold_is_where_both_rates_are_best() -> None:
    assert threshold(np.array([0.9, 0.8, 0.7]), np.array([0.1, 0.3])) == pytest.approx(0.5)
    assert threshold(np.array([0.3, 0.28, 0.4]), np.array([0.1, 0.2])) == pytest.approx(0.24)
    # One of many that are there lies below those that are not: it is given up.
    assert 0.4 < threshold(np.array([0.1, *[0.6] * 9]), np.array([0.3, 0.4])) < 0.6
    assert threshold(np.array([0.2]), np.array([])) == 0.5


def test_the_factor_makes_the_radius_hold_the_wanted_part() -> None:
    # Of 99 ratios 1..99, the one of rank 0.9 * 100.
    assert conformal(list(range(1, 100)), 0.9) == 90
    assert conformal([2.0] * 9, 0.9) == 2.0 and conformal([2.0] * 8, 0.9) == 1.0


def test_fit_looks_at_each_point_where_enough_is_known_of_it() -> None:
    images, generator = 40, torch.Generator().manual_seed(0)
    targets = torch.zeros(images, 2, 3)
    targets[..., :2] = torch.rand(images, 2, 2, generator=generator) * 40 + 10
    targets[:, 0, 2] = 1.0
    targets[:, 1, 2] = (torch.arange(images) % 2).float()
    there = targets[..., 2] == 1
    presence = torch.where(there, 3.0, torch.tensor([0.0, 1.0]).expand(images, 2))
    off = targets[..., :2] + torch.tensor([4.0, 0.0])
    down, across = gaussians(off, (32, 32), 2, 3.0)
    heatmaps = (down[..., :, None] * across[..., None, :]).clamp(min=1e-30).log()
    found = fitted_to({"heatmaps": heatmaps, "presence": presence}, targets, LABELS, 2, 3.0, 0.9)
    middle = (1 / (1 + np.exp(-3)) + 1 / (1 + np.exp(-1))) / 2
    assert found["thresholds"] == pytest.approx({"a": middle, "b": middle}, abs=1e-3)
    # Every point is 4 px off, and 90 % of a heatmap lie within 2.146 * 3 px.
    assert found["radius_factor"] == pytest.approx(4 / 6.44, rel=0.1) and found["points"] == 60
    json.dumps(found)
