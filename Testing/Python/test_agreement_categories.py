"""Kappa, alpha, ICC and intervals, against scikit-learn and the worked examples of the papers that define them."""

import numpy as np
import pytest

from XRayAILib.findings.agreement.bootstrap import Draws, mean_interval, mean_parts, ratio
from XRayAILib.findings.agreement.icc import FORMS, icc, icc_of, icc_parts
from XRayAILib.findings.agreement.kappa import Weights, agreed_of, cohen, cohen_of, crosstable, fleiss, specific_of
from XRayAILib.findings.agreement.krippendorff import Level, alpha, alpha_of, coincidences
from XRayAILib.findings.objects import FindingError

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Shrout and Fleiss, Psychol. Bull. 86 (1979), Table 2: 6 targets, 4 judges."""

_ = None
KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]
"""Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: 4 observers, 12 units, gaps."""

FLEISS = (
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445 "
    "333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"
)
"""Fleiss, Psychol. Bull. 76 (1971), Table 1: 30 patients, 6 psychiatrists each, 5 diagnoses."""


def answers(seed: int, n: int = 200) -> tuple[list[int], list[int]]:
    random = np.random.default_rng(seed)
    first = random.integers(0, 4, n)
    second = np.where(random.random(n) < 0.6, first, random.integers(0, 4, n))
    return first.tolist(), second.tolist()


@pytest.mark.parametrize(("weights", "theirs"), [("none", None), ("linear", "linear"), ("quadratic", "quadratic")])
def test_cohens_kappa_is_that_of_scikit_learn(weights, theirs):
    metrics = pytest.importorskip("sklearn.metrics")
    for seed in range(5):
        first, second = answers(seed)
        ours = cohen(first, second, range(4), Weights(weights))
        assert ours.value == pytest.approx(metrics.cohen_kappa_score(first, second, weights=theirs), abs=1e-12)
        assert ours.n == 200


def test_kappa_of_readers_who_all_say_the_same_is_told_to_be_undefined():
    found = cohen(["no"] * 20, ["no"] * 20, ["no", "yes"])
    assert found.value is None and "all answers are the same" in found.reason and found.n == 20
    assert fleiss(np.array([[3, 0]] * 20)).value is None
    assert alpha([[1, 1, 1], [1, 1, 1]]).value is None


def test_a_rare_answer_lowers_kappa_and_the_agreement_on_each_answer_shows_why():
    # Feinstein and Cicchetti, J. Clin. Epidemiol. 43 (1990), Table 1: 85 % agreed in both, kappa 0.70 and 0.32.
    balanced, rare = np.array([[40, 9], [6, 45]]), np.array([[80, 10], [5, 5]])
    assert agreed_of(np.stack([balanced, rare])) == pytest.approx([0.85, 0.85])
    assert cohen_of(np.stack([balanced, rare])) == pytest.approx([0.70, 0.32], abs=0.005)
    # Cicchetti and Feinstein, the same volume: 2a / (2a + b + c) and 2d / (2d + b + c).
    assert specific_of(rare, 0) == pytest.approx(160 / 175)
    assert specific_of(rare, 1) == pytest.approx(10 / 25)


def test_fleiss_kappa_of_the_paper():
    diagnoses = np.array([[int(c) for c in patient] for patient in FLEISS.split()])
    counts = (diagnoses[:, :, None] == np.arange(1, 6)).sum(axis=1)
    assert fleiss(counts).value == pytest.approx(0.430, abs=0.0005)


def test_fleiss_kappa_wants_the_same_number_of_readers_everywhere():
    with pytest.raises(FindingError, match="Krippendorff"):
        fleiss(np.array([[2, 1], [1, 1]]))


@pytest.mark.parametrize(
    ("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_krippendorffs_alpha_of_the_paper(level, value):
    found = alpha(KRIPPENDORFF, Level(level))
    assert found.value == pytest.approx(value, abs=0.0005)
    assert found.n == 11  # the last unit but one was read by two, the last by one


def test_alpha_does_not_change_where_a_reader_adds_only_what_nobody_else_read():
    more = [[*row, _] for row in KRIPPENDORFF]
    more[0][-1] = 3
    assert alpha(more).value == alpha(KRIPPENDORFF).value
    assert alpha([[1, _], [_, 2]]).reason == "nothing was read by two readers"


def test_coincidences_add_up_over_units():
    numbers = np.array([[-1 if v is None else v - 1 for v in row] for row in KRIPPENDORFF])
    parts = coincidences(numbers, 5)
    assert alpha_of(parts.sum(axis=0), Level.NOMINAL, np.arange(5)) == pytest.approx(alpha(KRIPPENDORFF).value)
    # Krippendorff (2011), section C: 40 pairable values; the matrix of coincidences of the values 1 to 5.
    table = parts.sum(axis=0)
    assert table.sum() == pytest.approx(40)
    assert np.diag(table) == pytest.approx([7, 10, 8, 4, 3], abs=1e-9)
    assert table[0, 1] == pytest.approx(4 / 3) and table[1, 2] == pytest.approx(4 / 3)


def test_icc_of_the_paper_in_all_six_forms():
    # Shrout and Fleiss (1979), Table 4 and text.
    values = dict(zip(FORMS, (0.17, 0.29, 0.71, 0.44, 0.62, 0.91), strict=True))
    for form, value in values.items():
        assert icc(SHROUT_FLEISS, form).value == pytest.approx(value, abs=0.005)
    # Bounds as the R package psych (Revelle) prints them for these data.
    bounds = {"1,1": (-0.13, 0.72), "2,1": (0.02, 0.76), "3,1": (0.34, 0.95), "2,k": (0.07, 0.93), "3,k": (0.68, 0.99)}
    for form, (low, high) in bounds.items():
        found = icc(SHROUT_FLEISS, form)
        assert (found.low, found.high) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))


def test_icc_of_sums_is_that_of_the_analysis_of_variance():
    random = np.random.default_rng(3)
    for readers in (2, 4):
        ratings = random.normal(500, 20, (30, 1)) + random.normal(0, 8, (30, readers))
        assert icc_of(icc_parts(ratings).sum(axis=0)) == pytest.approx(icc(ratings, "2,1").value, abs=1e-9)


def test_icc_tells_why_there_is_none():
    assert "nothing can be told apart" in icc(np.full((5, 3), 4.0)).reason
    assert "two" in icc(np.ones((1, 2))).reason
    assert icc([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]).value == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"no ICC\(4,1\)"):
        icc(SHROUT_FLEISS, "4,1")


def test_intervals_are_those_of_drawing_patients_one_by_one():
    random = np.random.default_rng(5)
    patients = [f"P{i // 3}" for i in range(60)]
    values = random.normal(0.8, 0.1, 60)
    low, high = mean_interval(values, patients, seed=1, resamples=4000)
    names = sorted(set(patients))
    of = {name: values[[p == name for p in patients]] for name in names}
    other = np.random.default_rng(99)
    means = [np.mean(np.concatenate([of[n] for n in other.choice(names, len(names))])) for _ in range(4000)]
    assert (low, high) == (
        pytest.approx(np.percentile(means, 2.5), abs=2e-3),
        pytest.approx(np.percentile(means, 97.5), abs=2e-3),
    )


def test_ten_images_of_each_patient_that_are_all_alike_make_nothing_surer():
    values, patients = np.arange(12.0), [f"P{i}" for i in range(12)]
    once = mean_interval(values, patients, seed=2)
    assert once == pytest.approx(mean_interval(np.repeat(values, 10), np.repeat(patients, 10), seed=2), abs=1e-6)


def test_the_same_seed_gives_the_same_interval_and_too_few_patients_none():
    first, second = answers(7, 60)
    parts = crosstable(first, second, range(4))
    patients = [str(i // 2) for i in range(60)]
    once = Draws(patients, seed=4).interval(parts, cohen_of)
    assert (
        once == Draws(patients, seed=4).interval(parts, cohen_of) != Draws(patients, seed=5).interval(parts, cohen_of)
    )
    assert once[0] < cohen(first, second, range(4)).value < once[1]
    assert Draws(["one"] * 60).interval(parts, cohen_of) is None


def test_no_interval_where_most_draws_leave_the_figure_undefined():
    # One positive image of 30: about a third of the draws have none, and kappa is not defined there.
    first, second = ["yes", *["no"] * 29], ["yes", *["no"] * 29]
    parts = crosstable(first, second, ["no", "yes"])
    assert Draws([str(i) for i in range(30)]).interval(parts, cohen_of) is None


def test_what_an_image_does_not_have_is_left_out_of_its_mean():
    parts = mean_parts(np.array([1.0, np.nan, 3.0])).sum(axis=0)
    assert ratio(parts) == 2.0
