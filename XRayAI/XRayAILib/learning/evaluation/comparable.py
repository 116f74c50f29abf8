"""What of each task is compared between groups of images, as statistics of the cases.

A table of figures has many columns; compared are the one that a model is judged by, and the ways to be wrong that an
overall figure hides: boxes, points and diseases that are missed in one group more often than in another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.learning.detection.precision import average_precision, groups
from XRayAILib.learning.evaluation.statistic import Statistic, auroc_of, mean_of, mean_of_all, ratio_of

OVERALL = ""
"""Stands for all classes together."""
SCORES = 256
"""Scores of boxes that are told apart, as in the intervals of the figures."""

Case = Mapping[str, Mapping[str, Any]]
Statistics = dict[tuple[str, str], Statistic]
"""(class or :data:`OVERALL`, name of the metric) -> statistic of the cases."""


def number_statistics(cases: Sequence[Case], classes: Sequence[str], metric: str) -> Statistics:
    """The mean of a number that cases have under the metric's own name, and its mean over the classes."""
    shown = [name for name in classes if any(metric in case.get(name, {}) for case in cases)]
    found = {(name, metric): mean_of([case.get(name, {}).get(metric, np.nan) for case in cases]) for name in shown}
    return _with_mean(found, metric)


def class_statistics(cases: Sequence[Case], classes: Sequence[str]) -> Statistics:
    """AUROC, sensitivity and specificity of the classes of images."""
    found: Statistics = {}
    for name in classes:
        facts = [case.get(name) for case in cases]
        if not any(facts):
            continue
        true = _numbers(facts, "truth")
        over = np.nan_to_num(_numbers(facts, "over"))
        found[name, "auroc"] = auroc_of(np.nan_to_num(_numbers(facts, "probability")), true)
        found[name, "sensitivity"] = ratio_of((true == 1) * over, true == 1)
        found[name, "specificity"] = ratio_of((true == 0) * (1 - over), true == 0)
    for metric in ("auroc", "sensitivity", "specificity"):
        found = _with_mean(found, metric)
    return found


def box_statistics(cases: Sequence[Case], classes: Sequence[str]) -> Statistics:
    """AP50, and sensitivity and precision of the boxes that a person is shown."""
    found: Statistics = {}
    for name in classes:
        facts = [case.get(name) for case in cases]
        if any(facts):
            found[name, "ap50"] = _ap50([[fact] if fact else [] for fact in facts])
            found.update(_shown(name, [[fact] if fact else [] for fact in facts]))
    found = _with_mean(found, "ap50")
    if len({name for name, _ in found if name != OVERALL}) > 1:
        found.update(_shown(OVERALL, [[case[name] for name in classes if name in case] for case in cases]))
    return found


def point_statistics(cases: Sequence[Case], classes: Sequence[str]) -> Statistics:
    """Mean radial error in percent of the image's longer side, and the part of the points that is missed."""
    shown = [name for name in classes if any(name in case for case in cases)]
    wanted: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in shown]
    if len(shown) > 1:
        wanted.append((OVERALL, tuple(shown)))
    found: Statistics = {}
    for key, names in wanted:
        facts = [[case[name] for name in names if name in case] for case in cases]
        errors = [[100 * f["error_part"] for f in of if "error_part" in f] for of in facts]
        found[key, "mre"] = ratio_of([sum(of) for of in errors], [len(of) for of in errors])
        missed = [sum(f["there"] and not f["found"] for f in of) for of in facts]
        found[key, "missed"] = ratio_of(missed, [sum(f["there"] for f in of) for of in facts])
    return found


def _with_mean(found: Statistics, metric: str) -> Statistics:
    own = [statistic for (_, name), statistic in found.items() if name == metric]
    return {**found, (OVERALL, metric): mean_of_all(own)} if len(own) > 1 else found


def _numbers(facts: Sequence[Mapping[str, Any] | None], name: str) -> np.ndarray:
    return np.array([np.nan if fact is None else fact[name] for fact in facts], float)


def _shown(key: str, facts: Sequence[Sequence[Mapping[str, Any]]]) -> Statistics:
    targets, found, false = (
        np.array([sum(fact[name] for fact in of) for of in facts], float) for name in ("targets", "found", "false")
    )
    return {(key, "sensitivity"): ratio_of(found, targets), (key, "precision"): ratio_of(found, found + false)}


def _ap50(facts: Sequence[Sequence[Mapping[str, Any]]]) -> Statistic:
    scores = np.array([score for of in facts for fact in of for score in fact["scores"]], float)
    hits = np.array([hit & 1 for of in facts for fact in of for hit in fact["hits"]], float)
    owner = np.repeat(np.arange(len(facts)), [sum(len(fact["scores"]) for fact in of) for of in facts])
    number = groups(scores, SCORES)
    counts = np.zeros((len(facts), 2, int(number.max(initial=-1)) + 1))
    np.add.at(counts[:, 0], (owner, number), hits)
    np.add.at(counts[:, 1], (owner, number), 1 - hits)
    targets = np.array([sum(fact["targets"] for fact in of) for of in facts], float)

    def of(weights: np.ndarray) -> np.ndarray:
        totals = (weights @ counts.reshape(len(counts), -1)).reshape(len(weights), 2, -1)
        return average_precision(totals[:, 0], totals[:, 1], weights @ targets)

    return Statistic(of, targets[:, None])
