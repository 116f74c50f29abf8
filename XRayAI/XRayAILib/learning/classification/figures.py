"""How good a classification is, from the facts of its cases, with intervals over patients.

Facts of a case are ``{class: {"truth", "probability", "uncalibrated", "over", "said"}}``: whether the class holds, the
probability with and without temperature, whether that lies over the threshold, and whether the value was said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from XRayAILib.findings.agreement.bootstrap import LEAST_DEFINED, RESAMPLES, Draws, divided
from XRayAILib.learning.classification.calibration import calibration_parts, expected_calibration_error, reliability
from XRayAILib.learning.classification.question import Question
from XRayAILib.learning.classification.ranking import auroc, average_precision, precision_recall_points, roc_points

METRICS = ("auroc", "auprc", "sensitivity", "specificity", "balanced_accuracy", "f1", "ece", "ece_before")
FACTS = ("truth", "probability", "uncalibrated", "over", "said")
Case = Mapping[str, Mapping[str, float]]
_DISTANCES = ("ece", "ece_before")
_AT_ONCE = 4_000_000

_ONE_KIND = "All images are of one kind, so there is nothing to tell apart."
_NO_POSITIVE = "It holds in none of the images."
_NO_NEGATIVE = "It holds in all of the images."


class _Facts:
    """The facts of one class in the cases that have it."""

    def __init__(self, cases: Sequence[Case], name: str) -> None:
        self.rows = np.array([row for row, case in enumerate(cases) if name in case], np.int64)
        held = [cases[row][name] for row in self.rows]
        columns = {fact: np.array([float(case[fact]) for case in held]) for fact in FACTS}
        self.truth, self.probability, self.uncalibrated, self.over, self.said = (columns[fact] for fact in FACTS)

    def figures(self, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric for every weighting (draws, images of the class)."""
        hit, true = self.over == 1, self.truth == 1
        table = np.stack([hit & true, hit & ~true, ~hit & true, ~hit & ~true], axis=1).astype(float)
        tp, fp, fn, tn = (weights @ table).T
        sensitivity, specificity = divided(tp, tp + fn), divided(tn, tn + fp)
        found = {
            "auroc": auroc(self.truth, self.probability, weights),
            "auprc": average_precision(self.truth, self.probability, weights),
            "sensitivity": sensitivity,
            "specificity": specificity,
            "balanced_accuracy": (sensitivity + specificity) / 2,
            # Without positives, F1 would only count how much is said.
            "f1": np.where(tp + fn > 0, divided(2 * tp, 2 * tp + fp + fn), np.nan),
        }
        for name, values in (("ece", self.probability), ("ece_before", self.uncalibrated)):
            parts = calibration_parts(self.truth, values)
            sums = (weights @ parts.reshape(len(parts), -1)).reshape(len(weights), *parts.shape[1:])
            found[name] = expected_calibration_error(sums)
        return found

    def reason(self, metric: str) -> str:
        held = self.truth == 1
        if metric in ("auroc", "balanced_accuracy"):
            return _ONE_KIND
        return _NO_NEGATIVE if metric == "specificity" and held.all() else _NO_POSITIVE


def class_figures(
    cases: Sequence[Case], patients: Sequence[str], classes: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """``labels``: figures of every class that a case has; ``overall``: their means over the classes.

    Each figure is ``{"value", "low", "high", "count"}`` with the 95 % percentile interval over draws of patients (2000,
    see :mod:`XRayAILib.findings.agreement.bootstrap`), the same draws for every class, so that a mean has the interval
    of the mean; ``positives`` beside it says in how many of the ``count`` images the class holds. A figure that is
    not defined has the value ``None`` and a ``reason``.
    """
    facts = {name: found for name in classes if len((found := _Facts(cases, name)).rows)}
    values = {name: found.figures(np.ones((1, len(found.rows)))) for name, found in facts.items()}
    drawn = _drawn(facts, len(cases), patients, seed, resamples)
    labels: dict[str, Any] = {}
    for name, found in facts.items():
        common = {"count": len(found.rows), "positives": int(found.truth.sum())}
        several = len({patients[row] for row in found.rows}) > 1
        labels[name] = {
            metric: {**stat(one[0], drawn[name][metric] if several else None, found.reason(metric), metric), **common}
            for metric, one in values[name].items()
        }
    overall: dict[str, Any] = {}
    for metric in METRICS:
        known = [name for name in facts if np.isfinite(values[name][metric][0])]
        mean = np.mean([values[name][metric][0] for name in known]) if known else np.nan
        table = np.array([drawn[name][metric] for name in known]).reshape(len(known), resamples)
        several = len(set(patients)) > 1 and bool(known)
        figure = stat(float(mean), _mean(table) if several else None, _ONE_KIND, metric)
        overall[metric] = {**figure, "count": len(cases), "classes": len(known)}
    return {"labels": labels, "overall": overall}


def auroc_figure(truth: ArrayLike, probability: ArrayLike, patients: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """AUROC with its 95 % interval over patients, of any images: a subset, another model's probabilities.

    ::

        inside = [view == "AP" for view in views]
        auroc_figure(truth[inside], probability[inside], patients[inside])
    """
    true, seen = np.asarray(truth, float), np.asarray(probability, float)
    drawn = _over_draws(Draws(patients, seed), len(true), lambda weights: auroc(true, seen, weights))
    value = float(auroc(true, seen)[0]) if len(true) else np.nan
    return {**stat(value, drawn, _ONE_KIND), "count": len(true), "positives": int((true == 1).sum())}


def subset_auroc(
    cases: Sequence[Case], patients: Sequence[str], name: str, inside: Sequence[bool] | None = None, seed: int = 0
) -> dict[str, Any]:
    """AUROC of one class with its interval, of the cases that are ``inside`` (all where ``None``)."""
    chosen = [i for i, case in enumerate(cases) if name in case and (inside is None or inside[i])]
    facts = [cases[i][name] for i in chosen]
    return auroc_figure(
        np.array([fact["truth"] for fact in facts]),
        np.array([fact["probability"] for fact in facts]),
        [patients[i] for i in chosen],
        seed,
    )


def question_figures(
    cases: Sequence[Case], patients: Sequence[str], questions: Sequence[Question], seed: int = 0
) -> dict[str, Any]:
    """``values``, ``confusion`` (true value by row, said value by column) and ``accuracy`` of exclusive questions.

    ``values`` end with "none" where it may be that none holds.
    """
    found: dict[str, Any] = {}
    for question in questions:
        names = [question.names[i] for i in question.scored]
        rows = [i for i, case in enumerate(cases) if all(name in case for name in names)]
        if not question.exclusive or not rows:
            continue
        true, said = (
            np.array([_state(question, [cases[i][name][fact] for name in names]) for i in rows])
            for fact in ("truth", "said")
        )
        values = [*question.values, *(("none",) if question.open else ())]
        confusion = np.zeros((len(values), len(values)), int)
        np.add.at(confusion, (true, said), 1)
        right = (true == said).astype(float)
        drawn = _over_draws(Draws([patients[i] for i in rows], seed), len(rows), _share(right))
        found[question.name] = {
            "values": values,
            "confusion": confusion.tolist(),
            "accuracy": {**stat(float(right.mean()), drawn, ""), "count": len(rows)},
        }
    return found


def class_curves(cases: Sequence[Case], classes: Sequence[str], most: int = 300) -> dict[str, Any]:
    """What is drawn of each class: points of ``roc`` (1 - specificity, sensitivity, threshold) and
    ``precision_recall`` (recall, precision, threshold), ``reliability`` and ``reliability_before`` the temperature."""
    found: dict[str, Any] = {}
    for name in classes:
        facts = _Facts(cases, name)
        held = facts.truth == 1
        if not len(held):
            continue
        curves: dict[str, Any] = {
            "reliability": reliability(facts.truth, facts.probability),
            "reliability_before": reliability(facts.truth, facts.uncalibrated),
        }
        if held.any():
            points = precision_recall_points(facts.truth, facts.probability)
            curves["precision_recall"] = _thinned(points, most)
            if not held.all():
                curves["roc"] = _thinned(roc_points(facts.truth, facts.probability), most)
        found[name] = curves
    return found


def stat(value: float, drawn: np.ndarray | None, reason: str, metric: str = "") -> dict[str, Any]:
    """A figure from its value and its values in the draws; no interval where it is undefined in a tenth of them.

    A calibration error is a sum of distances, which drawing images anew makes larger by itself; the interval is moved
    back by that bias (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, 10.2).
    """
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "reason": reason}
    low = high = None
    if drawn is not None:
        known = drawn[np.isfinite(drawn)]
        if len(known) and len(known) >= LEAST_DEFINED * len(drawn):
            bias = known.mean() - value if metric in _DISTANCES else 0.0
            low, high = (max(0.0, float(bound - bias)) for bound in np.percentile(known, (2.5, 97.5)))
    return {"value": float(value), "low": low, "high": high}


def _state(question: Question, facts: Sequence[float]) -> int:
    """Which of the values holds, from the facts of those that are scored; behind them, none."""
    if len(facts) < len(question.values):
        return question.positive if facts[0] else 1 - question.positive
    return int(np.argmax(facts)) if any(facts) else len(question.values)


def _drawn(
    facts: Mapping[str, _Facts], count: int, patients: Sequence[str], seed: int, resamples: int
) -> dict[str, dict[str, np.ndarray]]:
    """Class -> metric -> values in the draws."""
    draws = Draws(patients, seed, resamples)
    chunks: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in facts}
    step = max(1, _AT_ONCE // max(count, 1))
    for start in range(0, resamples, step):
        weights = draws.weights(start, start + step)
        for name, found in facts.items():
            chunks[name].append(found.figures(weights[:, found.rows]))
    return {
        name: {metric: np.concatenate([chunk[metric] for chunk in own]) for metric in own[0]}
        for name, own in chunks.items()
    }


def _over_draws(draws: Draws, count: int, figure: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    if draws.patients < 2:
        return None
    step = max(1, _AT_ONCE // max(count, 1))
    return np.concatenate([figure(draws.weights(at, at + step)) for at in range(0, draws.resamples, step)])


def _share(right: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda weights: divided(weights @ right, weights.sum(axis=1))


def _mean(table: np.ndarray) -> np.ndarray:
    """Mean over the classes (rows) that are defined in a draw."""
    known = np.isfinite(table)
    return divided(np.where(known, table, 0.0).sum(axis=0), known.sum(axis=0))


def _thinned(points: list[tuple[float, float, float]], most: int) -> list[list[float]]:
    if len(points) > most:
        points = [points[i] for i in np.unique(np.linspace(0, len(points) - 1, most).astype(int))]
    return [[round(number, 5) for number in point] for point in points]
