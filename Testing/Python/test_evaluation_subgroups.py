"""Subgroups and confounding: real gaps are found, chance is not, and a view that tells the disease is told."""

import csv
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from XRayAILib.findings.schema import Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.evaluation import statistic
from XRayAILib.learning.evaluation.comparable import (
    box_statistics,
    class_statistics,
    number_statistics,
    point_statistics,
)
from XRayAILib.learning.evaluation.confounding import Known, associations, confounding_warnings, cramers_v
from XRayAILib.learning.evaluation.gap import Gap, Sides, corrected, holm
from XRayAILib.learning.evaluation.statistic import auroc_of, mean_of, ratio_of
from XRayAILib.learning.evaluation.subgroups import compare_subgroups, gap_warnings, subgroups_of
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.tasks.classification import Classification
from XRayAILib.learning.tasks.detection import Detection
from XRayAILib.learning.tasks.segmentation import Segmentation
from XRayAILib.project.groups import UNKNOWN


def test_holm_is_that_of_the_textbook():
    # Holm 1979: 0.01, 0.02, 0.03, 0.04 of four tests become 0.04, 0.06, 0.06, 0.06.
    adjusted, levels = holm([0.03, 0.01, 0.04, 0.02])
    assert adjusted == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert levels == pytest.approx([0.05 / 3, 0.05 / 4, 0.05 / 3, 0.05 / 3])
    assert holm([]) == ([], [])


def test_a_corrected_interval_leaves_out_nothing_exactly_where_the_gap_is_significant():
    gaps = corrected([Gap(0.1, 0.0, 0.2, p, 0.04) for p in (0.001, 0.012, 0.03, 0.2)])
    assert [gap.is_significant for gap in gaps] == [True, True, False, False]
    assert all((gap.corrected_low > 0) == gap.is_significant for gap in gaps)


@pytest.mark.parametrize("pairs", [2_000_000, 0])
def test_statistics_of_weights_are_those_of_repeated_images(pairs, monkeypatch):
    """Of few images an AUROC compares every two; of many it puts them in order."""
    monkeypatch.setattr(statistic, "PAIRS", pairs)
    generator = np.random.default_rng(0)
    scores, truths = generator.random(30).round(1), generator.integers(0, 2, 30).astype(float)
    times = generator.integers(0, 3, 30)
    again = np.repeat(np.arange(30), times)
    for of in (lambda rows: mean_of(scores[rows]), lambda rows: auroc_of(scores[rows], truths[rows])):
        weighted = of(np.arange(30)).of(times[None].astype(float))[0]
        assert weighted == pytest.approx(of(again).value(np.ones(len(again), bool)))
    truths[:10] = np.nan
    roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score
    assert auroc_of(scores, truths).value(np.ones(30, bool)) == pytest.approx(roc_auc_score(truths[10:], scores[10:]))
    assert auroc_of(scores, truths).fewest(np.ones(30, bool)) == min((truths == 1).sum(), (truths == 0).sum())


def test_chance_alone_is_seldom_taken_for_a_gap():
    """In small groups and with figures near their limit, where a bootstrap would find three times as many."""
    generator = np.random.default_rng(5)
    found = {"rate": 0, "AUROC": 0}
    for run in range(80):
        members = np.arange(60) < 10
        ill = generator.random(60) < 0.4
        statistics = {
            "rate": mean_of(generator.random(60) < 0.9),
            "AUROC": auroc_of(ill + generator.normal(size=60), ill),
        }
        sides = Sides([str(i) for i in range(60)], members, ~members, run)
        for name, figure in statistics.items():
            gap = sides.gap(figure)
            found[name] += gap is not None and gap.p < 0.05
    assert max(found.values()) <= 9, "4 of 80 are expected; a bootstrap finds 12"


def test_images_of_one_patient_are_not_independent_observations():
    """Ten patients with twenty images each: what differs between people is no gap between groups."""
    generator = np.random.default_rng(1)
    patients = np.repeat([f"P{i}" for i in range(40)], 20)
    of_patient = np.repeat(generator.normal(size=40), 20)
    values = of_patient + 0.01 * generator.normal(size=800)
    members = np.repeat(np.arange(40) < 20, 20)
    by_patient = Sides(list(patients), members, ~members).gap(mean_of(values))
    by_image = Sides([str(i) for i in range(800)], members, ~members).gap(mean_of(values))
    assert by_patient.high - by_patient.low > 3 * (by_image.high - by_image.low)
    assert by_patient.p > by_image.p


GROUPS = [
    {"sex": "FM"[i % 2], "view": "AP" if i % 4 < 2 else "PA", "station": f"ROOM {i % 30}", "age": UNKNOWN}
    for i in range(80)
]
PATIENTS = [f"P{i}" for i in range(80)]


def test_groups_have_enough_patients_and_none_is_looked_at_twice():
    groups, small = subgroups_of(GROUPS, PATIENTS)
    names = [group.name for group in groups]
    assert names[:4] == ["Sex F", "Sex M", "View AP", "View PA"]
    assert names[4:] == ["Sex F, View AP", "Sex F, View PA", "Sex M, View AP", "Sex M, View PA"]
    assert [group.contrary for group in groups[:4]] == ["", "Sex F", "", "View AP"]
    assert ("Station ROOM 0", 3) in small and len(small) == 30
    assert (groups[4].rest == ~groups[4].members).all()


def segmentation_cases(worse: np.ndarray, by: float = 0.05) -> list[dict]:
    generator = np.random.default_rng(2)
    cases = []
    for i in range(80):
        facts = {}
        for label in ("heart", "lung"):
            dice = 0.95 - by * (worse[i] and label == "heart") - 0.02 * generator.random()
            facts[label] = {"there": True, "found": True, "unit": "px", "dice": dice, "iou": dice / (2 - dice)}
        cases.append(facts)
    return cases


@pytest.fixture
def task():
    legend = [LearntLabel(name, name.title(), Tool.MASK, "#ff0000", i) for i, name in enumerate(("heart", "lung"))]
    return Segmentation(tuple(legend), TrainingConfig.from_preset("quick"))


def test_a_group_that_is_worse_is_named_with_its_gap(task):
    worse = np.array([of["view"] == "AP" for of in GROUPS])
    found = compare_subgroups(task, segmentation_cases(worse), PATIENTS, GROUPS)
    (ap,) = [group for group in found["groups"] if group["name"] == "View AP"]
    gaps = {gap["class"]: gap for gap in ap["gaps"]}
    assert gaps["heart"]["significant"] and gaps["heart"]["worse"] and not gaps["lung"]["significant"]
    assert gaps["heart"]["value"] == pytest.approx(-0.05, abs=0.005)
    assert gaps["heart"]["low"] < gaps["heart"]["value"] < gaps["heart"]["high"] < 0
    assert gaps[""]["value"] == pytest.approx((gaps["heart"]["value"] + gaps["lung"]["value"]) / 2)
    assert ap["figures"]["labels"]["heart"]["dice"]["count"] == 40
    texts = gap_warnings(found, task, {"heart": "the heart"})
    assert any(text.startswith("View AP: Dice of 'the heart' is 0.0") and "worse" in text for text in texts)
    assert found["unknown"]["age"] == 80 and "not" not in found["method"].split(".")[0]


def test_nothing_is_said_where_groups_do_not_differ(task):
    found = compare_subgroups(task, segmentation_cases(np.zeros(80, bool)), PATIENTS, GROUPS)
    assert gap_warnings(found, task, {}) == [] and found["comparisons"] > 10
    again = compare_subgroups(task, segmentation_cases(np.zeros(80, bool)), PATIENTS, GROUPS)
    assert found == again, "the same seed gives the same"


def test_statistics_of_every_task_are_its_figures():
    generator = np.random.default_rng(4)
    everybody = np.ones(40, bool)
    classes = [{"x=y": {"truth": i % 2, "probability": generator.random(), "over": i % 3 == 0}} for i in range(40)]
    over = np.array([case["x=y"]["over"] for case in classes])
    statistics = class_statistics(classes, ["x=y"])
    assert statistics["x=y", "sensitivity"].value(everybody) == pytest.approx(over[1::2].mean())
    assert statistics["x=y", "specificity"].value(everybody) == pytest.approx(1 - over[::2].mean())
    boxes = []
    for _ in range(40):
        scores = sorted(generator.random(3).round(6), reverse=True)
        hits = [int(generator.random() < score) for score in scores]
        found = sum(hits[:2])
        boxes.append(
            {"lung": {"targets": 2 + sum(hits), "scores": scores, "hits": hits, "found": found, "false": 2 - found}}
        )
    for case in boxes:
        case["lung"]["ious"] = [0.7] * case["lung"]["found"]
    statistics = box_statistics(boxes, ["lung"])
    figures = Detection.figures(SimpleNamespace(labels=("lung",)), boxes, [f"P{i}" for i in range(40)])
    for metric in ("ap50", "sensitivity", "precision"):
        assert statistics["lung", metric].value(everybody) == pytest.approx(figures["labels"]["lung"][metric]["value"])
    points = [{"sella": {"there": True, "found": i > 3, **({"error_part": 0.01} if i > 3 else {})}} for i in range(40)]
    statistics = point_statistics(points, ["sella", "nasion"])
    assert statistics["sella", "mre"].value(everybody) == pytest.approx(1.0)
    assert statistics["sella", "missed"].value(everybody) == pytest.approx(0.1)
    assert set(number_statistics([{"a": {"dice": 1.0}}, {}], ["a", "b"], "dice")) == {("a", "dice")}
    assert np.isnan(ratio_of([0.0], [0.0]).value(np.ones(1, bool)))


def test_cramers_v_is_that_of_pandas_and_scipy():
    contingency = pytest.importorskip("scipy.stats.contingency")
    table = np.array([[64, 136], [108, 92]])
    plain = contingency.association(table, method="cramer")
    n = table.sum()
    # Bergsma's correction of a 2 x 2 table.
    phi, sides = max(0, plain**2 - 1 / (n - 1)), (2 - 1 / (n - 1)) - 1
    assert cramers_v(table.astype(float)) == pytest.approx(np.sqrt(phi / sides))
    assert cramers_v(np.array([[30.0, 0.0], [0.0, 30.0]])) == pytest.approx(1.0, abs=0.01)


def known(rows: list[dict[str, str]], part: str = "test") -> list[Known]:
    return [
        Known(
            row["patient_id"],
            {"sex": row["sex"], "view": row["view"], "age": row["age"]},
            {"finding=pneumonia": row["label"] == "pneumonia"},
            part,
        )
        for row in rows
    ]


def test_the_confounded_real_collection_is_told(test_data):
    with (test_data / "chest-classification" / "labels.csv").open(newline="") as stream:
        rows = [dict(row, age=str(int(row["age"]) // 20)) for row in csv.DictReader(stream)]
    found = associations(known(rows), ["finding=pneumonia"])
    (view,) = [one for one in found if one["attribute"] == "view"]
    assert view["auroc"] == pytest.approx(0.61) and 0.55 < view["low"] < view["auroc"] < view["high"] < 0.67
    assert view["confounded"] and view["corrected_p"] < 0.01 and view["counts"] == {"AP": [92, 228], "PA": [108, 172]}
    (text,) = [text for text in confounding_warnings(found, {"finding=pneumonia": "pneumonia"}) if "View" in text]
    assert "View and 'pneumonia' are confounded in the test part" in text and "AUROC of 0.61" in text


def test_a_model_that_reads_the_view_looks_good_until_it_is_looked_at_within_each_view(test_data):
    """On the real labels, with scores of a model that knows nothing but the view."""
    with (test_data / "chest-classification" / "labels.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    legend = [LearntLabel("finding", "Finding", Tool.IMAGE, "#ff0000", 0, ("no_finding", "pneumonia"))]
    task = Classification(tuple(legend), TrainingConfig.from_preset("quick", task="classification"))
    cases = []
    for row in rows:
        score, ill = 0.6 if row["view"] == "PA" else 0.4, row["label"] == "pneumonia"
        fact = {"probability": score, "uncalibrated": score, "over": score > 0.5, "said": score > 0.5}
        cases.append({name: {**fact, "truth": int(ill)} for name in task.classes if name.endswith("pneumonia")})
    name = next(iter(cases[0]))
    patients = [row["patient_id"] for row in rows]
    groups = [{"view": row["view"], "sex": row["sex"]} for row in rows]
    assert task.figures(cases, patients)["labels"][name]["auroc"]["value"] == pytest.approx(0.61)
    found = compare_subgroups(task, cases, patients, groups)
    within = {group["name"]: group["figures"]["labels"][name]["auroc"]["value"] for group in found["groups"]}
    assert within["View AP"] == within["View PA"] == 0.5 and within["Sex F"] > 0.55
    texts = gap_warnings(found, task, {name: "pneumonia"})
    assert any(text.startswith("View AP: Sensitivity of 'pneumonia' is 1.000 lower") for text in texts)


def test_an_attribute_that_tells_nothing_is_not_accused():
    generator = np.random.default_rng(6)
    rows = [
        {"patient_id": str(i // 2), "sex": "FM"[i % 4 // 2], "view": "AP", "age": "1", "label": "pneumonia"}
        for i in range(200)
    ]
    for row in rows:
        row["label"] = "pneumonia" if generator.random() < 0.5 else "no_finding"
    found = associations(known(rows), ["finding=pneumonia"])
    assert [one["attribute"] for one in found] == ["sex"], "where all are AP, the view tells nothing"
    assert not found[0]["confounded"] and confounding_warnings(found, {}) == []


def test_a_class_of_which_nothing_is_known_takes_no_part():
    images = known(
        [{"patient_id": str(i), "sex": "FM"[i % 2], "view": "PA", "age": "1", "label": ""} for i in range(40)]
    )
    images = [replace(image, truths={}) for image in images]
    assert associations(images, ["finding=pneumonia"]) == []
