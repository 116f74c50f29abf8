"""How good boxes are: the facts of one image, and figures of many, with intervals by bootstrap over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.findings.agreement.bootstrap import Draws, divided
from XRayAILib.findings.agreement.boxes import edge_ious
from XRayAILib.findings.agreement.detection import FALSE_POSITIVES
from XRayAILib.learning.detection.precision import (
    IOUS,
    MOST,
    average_precision,
    groups,
    matched,
    sensitivity_at,
)
from XRayAILib.learning.metric import Metric

AP = Metric("ap", "AP50:95")
_FRACTIONS = {0.125: "1/8", 0.25: "1/4", 0.5: "1/2"}
METRICS = (
    AP,
    Metric("ap50", "AP50"),
    Metric("froc", "Mean sensitivity of FROC"),
    *(
        Metric(f"sensitivity_at_{n:g}", f"Sensitivity at {_FRACTIONS.get(n, f'{n:g}')} FP/image")
        for n in FALSE_POSITIVES
    ),
    Metric("sensitivity", "Sensitivity"),
    Metric("precision", "Precision"),
    Metric("iou", "IoU of what is found"),
)
"""The last three are of the boxes that a person is shown; a box is right from an IoU of 0.5 on, unless AP says more."""
GROUPS = 256
"""Scores that are told apart in the draws of the bootstrap; the figures themselves tell all of them apart."""


def facts(edges: np.ndarray, scores: np.ndarray, truth: np.ndarray, threshold: float) -> dict[str, Any]:
    """What is to be known of one label in one image, as plain values.

    Parameters
    ----------
    edges, scores
        (N, 4) and (N,) of what was found.
    truth
        (M, 4) of what is there.
    threshold
        Lowest score of what a person is shown.

    Returns
    -------
    dict
        ``targets``: M; ``scores`` by falling score, and ``hits``: for each, a number whose bit *i* says that it is
        right at an IoU of 0.5 + 0.05 *i*; of those that are shown, ``found`` and ``false``: how many are right and
        wrong at an IoU of 0.5, and ``ious``: the IoU of those that are right.
    """
    order = np.argsort(-scores, kind="stable")[:MOST]
    edges, scores = edges[order], scores[order]
    hits, partners = matched(edges, scores, truth)
    right = (partners >= 0) & (scores >= threshold)
    ious = [float(edge_ious(edges[row : row + 1], truth[partners[row]][None])[0, 0]) for row in np.flatnonzero(right)]
    return {
        "targets": len(truth),
        "scores": [float(score) for score in scores],
        "hits": [int(row @ (1 << np.arange(len(IOUS)))) for row in hits],
        "found": int(right.sum()),
        "false": int((scores >= threshold).sum() - right.sum()),
        "ious": [round(iou, 4) for iou in ious],
    }


@dataclass(frozen=True)
class Gathered:
    """One label, or all of them, over images: every box that was found, and sums for each patient.

    Attributes
    ----------
    scores, hits, owner
        (D,), (D, 10) and the patient's number (D,) of each box that was found, in the order of the images.
    sums
        (patients, 5): targets, images, and of what is shown found, false and the sum of the IoUs.
    """

    scores: np.ndarray
    hits: np.ndarray
    owner: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, cases: Sequence[Sequence[Mapping[str, Any]]], owners: Sequence[int], patients: int) -> Gathered:
        """From the facts of each image: of one label, of several, or none where nobody looked for them."""
        scores, hits, owner = list[float](), list[int](), list[int]()
        sums = np.zeros((patients, 5))
        for case, number in zip(cases, owners, strict=True):
            for one in case:
                scores += one["scores"]
                hits += one["hits"]
                owner += [number] * len(one["scores"])
                sums[number, [0, 2, 3, 4]] += one["targets"], one["found"], one["false"], sum(one["ious"])
            sums[number, 1] += bool(case)
        bits = (np.array(hits, int)[:, None] >> np.arange(len(IOUS))) & 1
        return cls(np.array(scores, float), bits.reshape(-1, len(IOUS)), np.array(owner, int), sums)

    def precisions(self) -> np.ndarray:
        """Average precision at each of the ten IoUs; NaN where there is nothing to be found."""
        order = np.argsort(-self.scores, kind="stable")
        hits = self.hits[order].T
        return average_precision(hits, 1 - hits, np.full(len(IOUS), self.sums[:, 0].sum()))

    def columns(self) -> np.ndarray:
        """The values of :data:`METRICS`, NaN where one is not defined."""
        number = groups(self.scores, len(self.scores) + 1)
        hits, every = np.bincount(number, self.hits[:, 0])[None], np.bincount(number)[None]
        ap = self.precisions()
        return np.array([ap.mean(), ap[0], *_of_sums(hits, every, self.sums.sum(axis=0)[None])[0]])

    def drawn(self, draws: Draws) -> np.ndarray | None:
        """(draws, metrics) of :data:`METRICS`; ``None`` where too few patients have anything to say."""
        number = groups(self.scores, GROUPS)
        count, width = len(IOUS), int(number.max(initial=-1)) + 1
        place, places = self.owner * width + number, len(self.sums) * width
        counted = [np.bincount(place, hit, minlength=places) for hit in (*self.hits.T, np.ones(len(place)))]
        curves = np.stack(counted).reshape(count + 1, len(self.sums), width).transpose(1, 0, 2)

        def statistic(totals: np.ndarray) -> np.ndarray:
            sums, drawn = totals[:, :5], totals[:, 5:].reshape(len(totals), count + 1, width)
            every = drawn[:, count]
            ap = [average_precision(drawn[:, row], every - drawn[:, row], sums[:, 0]) for row in range(count)]
            return np.column_stack([np.mean(ap, axis=0), ap[0], _of_sums(drawn[:, 0], every, sums)])

        return draws.values(np.concatenate([self.sums, curves.reshape(len(curves), -1)], axis=1), statistic)


def _of_sums(hits: np.ndarray, every: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """(draws, metrics but AP) from hits and boxes by falling score (draws, groups) and sums (draws, 5)."""
    targets, images, found, false, ious = sums.T
    froc = sensitivity_at(hits, every - hits, targets, images, FALSE_POSITIVES)
    shown = divided(found, targets), divided(found, found + false), divided(ious, found)
    return np.column_stack([froc.mean(axis=1), froc, *shown])


def box_figures(
    cases: Sequence[Mapping[str, Any]], patients: Sequence[str], labels: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Figures of each label, and over all: the mean of the labels' AP, and the other figures of all boxes together."""
    names, owners = np.unique(np.asarray(patients, str), return_inverse=True)
    draws = Draws(names.tolist(), seed)
    owned = [int(owner) for owner in owners]
    found: dict[str, Any] = {"labels": {}, "overall": {}}
    values, drawn = [], []
    for label in labels:
        facts_of = [[case[label]] if label in case else [] for case in cases]
        images = sum(map(bool, facts_of))
        if not images:
            continue
        one = Gathered.of(facts_of, owned, len(names))
        values.append(one.columns())
        of_draws = one.drawn(draws)
        if of_draws is not None:
            drawn.append(of_draws)
        found["labels"][label] = _figures(values[-1], of_draws, images)
    if not values:
        return found
    together = [[case[label] for label in labels if label in case] for case in cases]
    whole = Gathered.of(together, owned, len(names))
    columns, of_draws = whole.columns(), whole.drawn(draws)
    columns[:2] = _mean([value[:2] for value in values])
    if of_draws is not None and drawn:
        of_draws[:, :2] = _mean([one[:, :2] for one in drawn])
    found["overall"] = _figures(columns, of_draws, sum(map(bool, together)))
    return found


def _mean(values: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over labels of those that are defined."""
    stacked = np.stack(values)
    return divided(np.nansum(stacked, axis=0), np.isfinite(stacked).sum(axis=0))


def _figures(columns: np.ndarray, drawn: np.ndarray | None, images: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for position, metric in enumerate(METRICS):
        value = float(columns[position])
        if not np.isfinite(value):
            reason = "Nothing is shown." if metric.name == "precision" else "There is nothing to be found."
            reason = "Nothing was found." if metric.name == "iou" else reason
            figures[metric.name] = {"value": None, "low": None, "high": None, "count": images, "reason": reason}
            continue
        low, high = (None if drawn is None else Draws.bounds(drawn[:, position])) or (None, None)
        figures[metric.name] = {"value": value, "low": low, "high": high, "count": images}
    return figures
