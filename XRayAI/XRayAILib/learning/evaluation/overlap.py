"""Overlap: how well regions of a prediction cover those of the reference, per image and over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.bootstrap import Draws, mean_parts, ratio
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.region import region
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask, Polygon

METRICS = ("dice", "iou")


def overlap_case(
    prediction: Findings, reference: Findings, labels: Sequence[str], spacing: Spacing
) -> dict[str, dict[str, float]]:
    """Dice and IoU of each structure that the reference has."""
    found = {}
    for label in labels:
        drawn, seen = (
            [o for o in findings if o.label == label and isinstance(o, (Mask, Polygon))]
            for findings in (reference, prediction)
        )
        if drawn:
            both = overlap(region(seen, reference.shape), region(drawn, reference.shape))
            found[label] = {"dice": both.dice, "iou": both.iou}
    return found


def overlap_figures(
    cases: Sequence[Mapping[str, Any]], patients: Sequence[str], labels: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """Mean of each structure and over the structures, with intervals by bootstrap over patients."""
    draws = Draws(patients, seed)
    found: dict[str, Any] = {"labels": {}, "overall": {}}
    for metric in METRICS:
        values = {label: np.array([c[label][metric] if label in c else np.nan for c in cases]) for label in labels}
        shown = {label: v for label, v in values.items() if np.isfinite(v).any()}
        for label, column in shown.items():
            found["labels"].setdefault(label, {})[metric] = _figure(column, draws)
        if shown:
            parts = np.stack([mean_parts(v) for v in shown.values()], axis=1)
            low, high = draws.interval(parts, lambda sums: ratio(sums).mean(axis=-1)) or (None, None)
            value = float(np.mean([np.nanmean(v) for v in shown.values()]))
            found["overall"][metric] = {"value": value, "low": low, "high": high, "count": len(cases)}
    return found


def _figure(column: np.ndarray, draws: Draws) -> dict[str, Any]:
    known = column[np.isfinite(column)]
    low, high = draws.interval(mean_parts(column), ratio) or (None, None)
    return {
        "value": float(known.mean()),
        "low": low,
        "high": high,
        "count": len(known),
        "std": float(known.std(ddof=1)) if len(known) > 1 else 0.0,
        "median": float(np.median(known)),
        "min": float(known.min()),
    }
