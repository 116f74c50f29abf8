"""AUROC, AUPRC, calibration, temperature and thresholds, cross-checked against scikit-learn, torchmetrics and MONAI."""

import numpy as np
import pytest

from XRayAILib.findings.agreement.bootstrap import Draws
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.classification.calibration import (
    calibration_parts,
    expected_calibration_error,
    reliability,
    wilson,
)
from XRayAILib.learning.classification.figures import (
    auroc_figure,
    class_curves,
    class_figures,
    question_figures,
    subset_auroc,
)
from XRayAILib.learning.classification.probability import log_loss, probabilities
from XRayAILib.learning.classification.question import Question, questions_of
from XRayAILib.learning.classification.ranking import auroc, average_precision, precision_recall_points, roc_points
from XRayAILib.learning.classification.temperature import fit_temperature
from XRayAILib.learning.classification.threshold import choose_threshold
from XRayAILib.learning.legend import LearntLabel


def asked(name: str, *options: str, multiple: bool = False) -> LearntLabel:
    return LearntLabel(name, name.title(), Tool.IMAGE, "#ffffff", 0, options, multiple)


@pytest.fixture
def seen():
    """Truth and probabilities of 300 images; a third of the probabilities are tied."""
    generator = np.random.default_rng(3)
    truth = (generator.random(300) < 0.3).astype(int)
    probability = np.clip(0.35 + 0.2 * truth + generator.normal(0, 0.2, 300), 0, 1)
    probability[::3] = np.round(probability[::3], 1)
    return truth, probability


def test_auroc_and_auprc_are_those_of_scikit_learn_and_monai_also_with_ties(seen):
    import torch
    from monai.metrics import AveragePrecisionMetric, ROCAUCMetric
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, probability = seen
    assert auroc(truth, probability)[0] == pytest.approx(roc_auc_score(truth, probability), abs=1e-12)
    assert average_precision(truth, probability)[0] == pytest.approx(average_precision_score(truth, probability), 1e-9)
    batch = torch.tensor(probability)[:, None], torch.tensor(truth)[:, None]
    for metric, own in ((ROCAUCMetric(), auroc), (AveragePrecisionMetric(), average_precision)):
        metric(*batch)
        assert own(truth, probability)[0] == pytest.approx(float(metric.aggregate()), abs=1e-6)


def test_a_bootstrap_draw_is_a_weight_per_image(seen):
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, probability = seen
    patients = [f"patient {number // 2}" for number in range(len(truth))]
    weights = Draws(patients, seed=1, resamples=20).weights()
    assert (weights[:, 0] == weights[:, 1]).all()  # both images of a patient are drawn together
    assert weights.sum(axis=1) == pytest.approx(300)
    ours = auroc(truth, probability, weights), average_precision(truth, probability, weights)
    for draw, times in enumerate(weights):
        images = np.repeat(np.arange(300), times.astype(int))
        assert ours[0][draw] == pytest.approx(roc_auc_score(truth[images], probability[images]), abs=1e-9)
        assert ours[1][draw] == pytest.approx(average_precision_score(truth[images], probability[images]), abs=1e-9)


def test_without_one_of_the_kinds_there_is_no_auroc():
    assert np.isnan(auroc(np.ones(4), np.arange(4))).all()
    assert np.isnan(average_precision(np.zeros(4), np.arange(4))).all()
    figure = auroc_figure(np.ones(4), np.arange(4) / 4, list("abcd"))
    assert figure["value"] is None and "one kind" in figure["reason"]


def test_the_calibration_error_is_that_of_torchmetrics_and_monai(seen):
    import torch
    from monai.metrics import CalibrationErrorMetric
    from torchmetrics.functional.classification import binary_calibration_error

    truth, probability = seen
    probability = np.clip(probability, 0.003, 0.997)  # what lies on an edge belongs to one bin here, the next one there
    probability[::3] += 0.002
    ours = float(expected_calibration_error(calibration_parts(truth, probability).sum(axis=0)))
    theirs = binary_calibration_error(torch.tensor(probability), torch.tensor(truth), n_bins=10, norm="l1")
    assert ours == pytest.approx(float(theirs), abs=1e-6)
    metric = CalibrationErrorMetric(num_bins=10, include_background=True)
    metric(y_pred=torch.tensor(probability)[None, None], y=torch.tensor(truth)[None, None])
    assert ours == pytest.approx(float(metric.aggregate()), abs=1e-6)


def test_a_reliability_plot_has_the_points_of_scikit_learn(seen):
    from sklearn.calibration import calibration_curve

    truth, probability = seen
    probability = np.clip(probability, 0.003, 0.997)
    probability[::3] += 0.002
    frequency, expected = calibration_curve(truth, probability, n_bins=10)
    points = reliability(truth, probability)
    assert [point["frequency"] for point in points] == pytest.approx(list(frequency))
    assert [point["probability"] for point in points] == pytest.approx(list(expected))
    assert all(p["frequency_low"] <= p["frequency"] <= p["frequency_high"] for p in points)
    assert wilson(8, 10) == pytest.approx((0.4901624715, 0.9433178485), abs=1e-6)  # Newcombe 1998, by his formula
    # Where all or none hold, rounding once put the bound inside the proportion, and a plot of it failed.
    assert all(wilson(n, n)[1] >= 1.0 and wilson(0, n)[0] <= 0.0 for n in range(1, 60))


def test_the_curves_end_where_they_must(seen):
    from sklearn.metrics import auc, roc_curve

    truth, probability = seen
    x, y, _ = zip(*roc_points(truth, probability), strict=True)
    false_positive, true_positive, _ = roc_curve(truth, probability)
    assert auc(x, y) == pytest.approx(auc(false_positive, true_positive))
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    recall, precision, edges = zip(*precision_recall_points(truth, probability), strict=True)
    assert recall[-1] == 1 and precision[-1] == pytest.approx(truth.mean()) and edges[-1] == probability.min()


def as_cases(truth, probability, threshold=0.5, name="pneumonia=yes"):
    return [
        {
            name: {
                "truth": int(t),
                "probability": float(p),
                "uncalibrated": float(p),
                "over": int(p >= threshold),
                "said": int(p >= threshold),
            }
        }
        for t, p in zip(truth, probability, strict=True)
    ]


def test_the_figures_of_a_class_are_those_of_scikit_learn_and_torchmetrics(seen):
    import torch
    from sklearn.metrics import balanced_accuracy_score, f1_score, recall_score, roc_auc_score
    from torchmetrics.functional.classification import binary_f1_score, binary_specificity

    truth, probability = seen
    patients = [f"patient {number // 3}" for number in range(300)]
    figures = class_figures(as_cases(truth, probability, 0.45), patients, ["pneumonia=yes"])
    found = {metric: figure["value"] for metric, figure in figures["labels"]["pneumonia=yes"].items()}
    said = probability >= 0.45
    assert found["auroc"] == pytest.approx(roc_auc_score(truth, probability))
    assert found["sensitivity"] == pytest.approx(recall_score(truth, said))
    assert found["specificity"] == pytest.approx(recall_score(truth, said, pos_label=0))
    assert found["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(truth, said))
    assert found["f1"] == pytest.approx(f1_score(truth, said))
    batch = torch.tensor(said), torch.tensor(truth)
    assert found["f1"] == pytest.approx(float(binary_f1_score(*batch)), abs=1e-6)
    assert found["specificity"] == pytest.approx(float(binary_specificity(*batch)), abs=1e-6)
    for figure in figures["labels"]["pneumonia=yes"].values():
        assert figure["low"] < figure["value"] < figure["high"]
        assert (figure["count"], figure["positives"]) == (300, truth.sum())
    assert figures["overall"]["auroc"]["value"] == pytest.approx(found["auroc"])


def test_the_interval_of_a_mean_over_classes_is_narrower_than_those_of_the_classes(seen):
    truth, probability = seen
    cases = as_cases(truth, probability, name="a=yes")
    others = as_cases(truth, np.random.default_rng(8).permutation(probability), name="b=yes")
    patients = [str(number) for number in range(300)]
    figures = class_figures([{**a, **b} for a, b in zip(cases, others, strict=True)], patients, ["a=yes", "b=yes"])
    widths = [f["auroc"]["high"] - f["auroc"]["low"] for f in figures["labels"].values()]
    overall = figures["overall"]["auroc"]
    assert overall["high"] - overall["low"] < max(widths)
    assert overall["value"] == pytest.approx(np.mean([f["auroc"]["value"] for f in figures["labels"].values()]))


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    generator, inside = np.random.default_rng(0), 0
    true = 0.760250  # of two normal distributions that lie one deviation apart
    for seed in range(100):
        truth = np.repeat([0, 1], 40)
        values = 1 / (1 + np.exp(-(generator.normal(0, 1, 80) + truth)))
        figure = auroc_figure(truth, values, [str(number) for number in range(80)], seed)
        inside += figure["low"] <= true <= figure["high"]
    assert 88 <= inside <= 100


def test_auroc_of_a_part_of_the_cases(seen):
    from sklearn.metrics import roc_auc_score

    truth, probability = seen
    inside = np.arange(300) % 2 == 0
    patients = [str(number) for number in range(300)]
    figure = subset_auroc(as_cases(truth, probability), patients, "pneumonia=yes", list(inside))
    assert figure["count"] == 150
    assert figure["value"] == pytest.approx(roc_auc_score(truth[inside], probability[inside]))
    assert figure["low"] < figure["value"] < figure["high"]


def test_a_class_that_holds_nowhere_has_a_reason_and_one_patient_no_interval():
    figures = class_figures(as_cases([0, 0], [0.1, 0.7]), ["a", "b"], ["pneumonia=yes", "other=yes"])["labels"]
    assert "other=yes" not in figures
    assert figures["pneumonia=yes"]["auroc"]["reason"] and figures["pneumonia=yes"]["sensitivity"]["value"] is None
    assert figures["pneumonia=yes"]["specificity"]["value"] == 0.5
    alone = class_figures(as_cases([0, 1], [0.1, 0.7]), ["a", "a"], ["pneumonia=yes"])["labels"]["pneumonia=yes"]
    assert alone["auroc"] == {"value": 1.0, "low": None, "high": None, "count": 2, "positives": 1}


def test_confusion_and_accuracy_of_a_question_with_three_answers():
    (question,) = questions_of((asked("view", "AP", "PA", "LL"),), "unknown")
    true, said = [0, 0, 1, 2, 2, 2], [0, 1, 1, 2, 2, 0]
    cases = [
        {name: {"truth": int(i == t), "said": int(i == s)} for i, name in enumerate(question.names)}
        for t, s in zip(true, said, strict=True)
    ]
    found = question_figures(cases, list("abcdef"), [question])["view"]
    assert found["values"] == ["AP", "PA", "LL"]
    assert found["confusion"] == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]
    assert found["accuracy"]["value"] == pytest.approx(4 / 6)


def test_confusion_of_yes_and_no_from_the_positive_answer_alone():
    (question,) = questions_of((asked("pneumonia", "no", "yes"),), "unknown")
    assert question.scored == (1,)
    found = question_figures(as_cases([1, 1, 0], [0.9, 0.2, 0.1]), list("abc"), [question])["pneumonia"]
    assert (found["values"], found["confusion"]) == (["no", "yes"], [[1, 0], [1, 1]])


def test_curves_are_plain_and_short(seen):
    import json

    curves = class_curves(as_cases(*seen), ["pneumonia=yes"], most=50)["pneumonia=yes"]
    assert set(curves) == {"roc", "precision_recall", "reliability", "reliability_before"}
    assert len(curves["roc"]) == 50 and json.dumps(curves)


# Temperature and thresholds -------------------------------------------------------------------------------------------


def overconfident(question: Question, images: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are three times as large as they should be, and what is true."""
    generator = np.random.default_rng(5)
    logits = generator.normal(0, 1, (images, len(question.values)))
    chances = probabilities([question], logits)
    truth = np.zeros(logits.shape, int)
    for row, chance in enumerate(chances):
        if question.exclusive:
            every = [*chance, max(0.0, 1 - chance.sum())] if question.open else list(chance / chance.sum())
            held = generator.choice(len(every), p=every)
            if held < len(chance):
                truth[row, held] = 1
        else:
            truth[row] = generator.random(len(chance)) < chance
    return 3 * logits, truth


@pytest.mark.parametrize(
    ("label", "missing"),
    [
        (asked("view", "AP", "PA", "LL"), "unknown"),
        (asked("pneumonia", "no", "yes"), "unknown"),
        (asked("side", "left", "right"), "absent"),  # open: neither may hold
        (asked("findings", "edema", "effusion", "mass", multiple=True), "unknown"),
    ],
)
def test_the_temperature_makes_probabilities_honest(label, missing):
    (question,) = questions_of((label,), missing)
    logits, truth = overconfident(question)
    found = fit_temperature(question, logits, truth)
    assert found is not None and found.value == pytest.approx(3, rel=0.2)
    assert found.after < found.before - 0.05
    # On images that it was not fitted to, too.
    more, held = (array[200:] for array in overconfident(question))
    assert log_loss(question, more / found.value, held).mean() < log_loss(question, more, held).mean()
    errors = [
        expected_calibration_error(calibration_parts(truth[:, 0], probable[:, 0]).sum(axis=0))
        for probable in (probabilities([question], logits, t) for t in ({}, {label.name: found.value}))
    ]
    assert errors[1] < errors[0] / 2


def test_the_log_loss_is_that_of_scikit_learn():
    from sklearn.metrics import log_loss as theirs

    (question,) = questions_of((asked("view", "AP", "PA", "LL"),), "unknown")
    logits, truth = overconfident(question, 50)
    expected = theirs(truth.argmax(axis=1), probabilities([question], logits))
    assert log_loss(question, logits, truth).mean() == pytest.approx(expected, rel=1e-6)


def test_too_few_answers_or_answers_of_one_kind_have_no_temperature():
    (question,) = questions_of((asked("pneumonia", "no", "yes"),), "unknown")
    logits, truth = overconfident(question, 40)
    assert fit_temperature(question, logits[:9], truth[:9]) is None
    assert fit_temperature(question, logits, np.tile([1, 0], (40, 1))) is None
    unknown = np.where(np.arange(40)[:, None] < 35, -1, truth)
    assert fit_temperature(question, logits, unknown) is None


def test_thresholds():
    truth = np.array([0, 0, 0, 0, 1, 0, 1, 1])
    probability = np.array([0.05, 0.1, 0.2, 0.3, 0.35, 0.6, 0.7, 0.9])
    assert choose_threshold(truth, probability) == pytest.approx(0.325)  # all found, one of five wrong
    assert choose_threshold(truth, probability, "specificity", 1.0) == pytest.approx(0.65)
    assert choose_threshold(truth, probability, "sensitivity", 1.0) == pytest.approx(0.325)
    assert choose_threshold(truth, probability, "sensitivity", 0.6) == pytest.approx(0.65)
    assert choose_threshold(truth, probability, "half") == 0.5
    assert choose_threshold(np.ones(5), probability[:5]) == 0.5  # nothing can be chosen from images of one kind


def test_youden_s_threshold_is_the_best_one(seen):
    from sklearn.metrics import roc_curve

    truth, probability = seen
    false_positive, true_positive, _ = roc_curve(truth, probability)
    said = probability >= choose_threshold(truth, probability)
    gain = said[truth == 1].mean() - said[truth == 0].mean()
    assert gain == pytest.approx((true_positive - false_positive).max())
