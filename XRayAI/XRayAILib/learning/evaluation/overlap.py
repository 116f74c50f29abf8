"""Overlap: how well regions of a prediction cover those of the reference, per image and over images.

What is empty is told apart, because no mean of numbers can tell it (Reinke et al., *Nature Methods* 21, 2024):

====================  ===================  ============================================================================
the reference says    the model finds      what counts
====================  ===================  ============================================================================
a region              a region             Dice, IoU, and the distances of the outlines
a region              nothing              missed: Dice and IoU are 0; there is no distance
nothing               a region             false alarm: Dice and IoU are 0; there is no distance
nothing               nothing              rightly empty: no Dice, which would tell how rare the structure is
nothing is said       anything             not measured
====================  ===================  ============================================================================

Distances are in millimetres of one kind where the images have a spacing, else in pixels; never both in one mean. What
is left out is told beside the figure, and stands under its own unit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.bootstrap import Draws, divided, mean_parts, ratio
from XRayAILib.findings.agreement.compare import length_unit
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.region import region
from XRayAILib.findings.agreement.surface import surface_distance
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask, Polygon
from XRayAILib.learning.metric import Metric

DICE = Metric("dice", "Dice")
METRICS = (
    DICE,
    Metric("iou", "IoU"),
    Metric("hd95", "HD95", "lower", 1),
    Metric("assd", "ASSD", "lower", 2),
    Metric("missed", "Missed", "lower"),
    Metric("false_alarms", "False alarms", "lower"),
)
DISTANCES = ("hd95", "assd")
RATES = ("missed", "false_alarms")
NOTHING = {"value": None, "low": None, "high": None, "count": 0}


def overlap_case(
    prediction: Findings, reference: Findings, labels: Sequence[str], spacing: Spacing, absent: bool = False
) -> dict[str, dict[str, Any]]:
    """What is to be known of each structure of an image, as plain values.

    Parameters
    ----------
    absent
        Whether a structure that the reference does not have is not there; else nothing is known or told of it.

    Returns
    -------
    dict
        By label: ``there`` and ``found``, whether the reference and the prediction have any of it; ``dice`` and ``iou``
        where one of them has; where both have, ``hd95`` and ``assd`` in ``unit``.
    """
    case: dict[str, dict[str, Any]] = {}
    for label in labels:
        truth, seen = (
            [o for o in findings if o.label == label and isinstance(o, (Mask, Polygon))]
            for findings in (reference, prediction)
        )
        if not truth and not absent:
            continue
        drawn, said = region(truth, reference.shape), region(seen, reference.shape)
        both = overlap(said, drawn)
        fact: dict[str, Any] = {"there": both.second > 0, "found": both.first > 0, "unit": length_unit(spacing)}
        if fact["there"] or fact["found"]:
            fact.update(dice=both.dice, iou=both.iou)
        distance = surface_distance(said, drawn, spacing) if fact["there"] and fact["found"] else None
        if distance is not None:
            fact.update(hd95=distance.hd95, assd=distance.assd)
        case[label] = fact
    return case


def overlap_badness(case: Mapping[str, Any]) -> float:
    """1 less the mean Dice of the structures; an image in which all are rightly empty is a good one."""
    values = [fact["dice"] for fact in case.values() if "dice" in fact]
    return 1 - float(np.mean(values)) if values else 0.0


def overlap_figures(
    cases: Sequence[Mapping[str, Any]], patients: Sequence[str], labels: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """The figures of :data:`METRICS` for each structure that the cases tell of, and their means over the structures.

    Distances of other units than the most frequent one stand under names such as ``hd95, px``.
    """
    draws = Draws(patients, seed)
    shown = [label for label in labels if any(label in case for case in cases)]
    facts = {label: [case.get(label, {}) for case in cases] for label in shown}
    units = Counter(f["unit"] for of in facts.values() for f in of if "hd95" in f)
    # Of two that are as frequent the same one every time.
    ordered = sorted(units, key=lambda unit: (-units[unit], unit))
    tables = {label: _columns(of, ordered) for label, of in facts.items()}
    found: dict[str, Any] = {"labels": {}, "overall": {}}
    for label, columns in tables.items():
        own = {name: _figure(name, column, draws, facts[label]) for name, column in columns.items()}
        found["labels"][label] = {**own, **{name: _bounded(own[name], columns[name], patients) for name in RATES}}
    for name in next(iter(tables.values()), {}):
        found["overall"][name] = _mean([columns[name] for columns in tables.values()], draws)
    for figures in (*found["labels"].values(), found["overall"]):
        _tell_units(figures, ordered, units)
    return found


def _columns(facts: Sequence[Mapping[str, Any]], units: Sequence[str]) -> dict[str, np.ndarray]:
    """By name of the figure a number per image, NaN where it has none."""

    def column(name: str, unit: str = "") -> np.ndarray:
        return np.array([f[name] if name in f and (not unit or f["unit"] == unit) else np.nan for f in facts], float)

    found = {"dice": column("dice"), "iou": column("iou")}
    found.update({name: column(name, units[0] if units else "") for name in DISTANCES})
    found["missed"] = np.array([float(not f["found"]) if f.get("there") else np.nan for f in facts])
    found["false_alarms"] = np.array([float(f["found"]) if f.get("there") is False else np.nan for f in facts])
    found.update({f"{name}, {unit}": column(name, unit) for unit in units[1:] for name in DISTANCES})
    return found


def _figure(name: str, column: np.ndarray, draws: Draws, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known = column[np.isfinite(column)]
    if not len(known):
        return {**NOTHING, "reason": _undefined(name, facts)}
    low, high = draws.interval(mean_parts(column), ratio) or (None, None)
    figure: dict[str, Any] = {"value": float(known.mean()), "low": low, "high": high, "count": len(known)}
    if name not in RATES:
        spread = float(known.std(ddof=1)) if len(known) > 1 else 0.0
        figure.update(std=spread, median=float(np.median(known)), min=float(known.min()), max=float(known.max()))
    one_sided = sum("dice" in f and "hd95" not in f for f in facts)
    if name in DISTANCES and one_sided:
        figure["reason"] = f"{one_sided} of {len(known) + one_sided} images have no distance: missed or false alarm."
    return figure


def _bounded(figure: dict[str, Any], column: np.ndarray, patients: Sequence[str]) -> dict[str, Any]:
    """A rate of none or all: drawn anew it is always the same, so its interval is the exact one for so many patients.

    Clopper and Pearson, *Biometrika* 26, 1934; for none it ends near 3.7 by the number of patients.
    """
    if figure["value"] not in (0.0, 1.0):
        return figure
    reach = 1 - 0.025 ** (1 / len({patients[i] for i in np.flatnonzero(np.isfinite(column)).tolist()}))
    return {**figure, **({"low": 0.0, "high": reach} if figure["value"] == 0 else {"low": 1 - reach, "high": 1.0})}


def _undefined(name: str, facts: Sequence[Mapping[str, Any]]) -> str:
    if name == "false_alarms":
        return "It is in every image that tells of it."
    if name in ("missed", "dice", "iou"):
        return "It is in none of these images."
    return "In no image do the reference and the model both have it."


def _mean(columns: Sequence[np.ndarray], draws: Draws) -> dict[str, Any]:
    """The mean over structures of their means; one that has no number is left out."""
    defined = [column for column in columns if np.isfinite(column).any()]
    if not defined:
        return {**NOTHING, "reason": "No structure has this figure."}
    parts = np.stack([mean_parts(column) for column in defined], axis=1)
    value = float(_mean_of_ratios(parts.sum(axis=0)))
    low, high = draws.interval(parts, _mean_of_ratios) or (None, None)
    if low == high:  # all alike, of which nothing can be drawn
        low = high = None
    images = int(np.isfinite(np.stack(defined)).any(axis=0).sum())
    return {"value": value, "low": low, "high": high, "count": images}


def _mean_of_ratios(sums: np.ndarray) -> np.ndarray:
    """(...,) from sums (..., structures, 2), over the structures that are defined in a draw."""
    values = ratio(sums)
    known = np.isfinite(values)
    return divided(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1))


def _tell_units(figures: dict[str, Any], ordered: Sequence[str], units: Mapping[str, int]) -> None:
    for name in DISTANCES:
        figure = figures.get(name)
        if figure is None or not ordered:
            continue
        figure["unit"] = ordered[0]
        others = ", ".join(f"{units[unit]} in {unit}" for unit in ordered[1:])
        if others and figure["value"] is not None:
            told = f"Regions that are left out, because they are not in {ordered[0]}: {others}."
            figure["reason"] = " ".join(filter(None, (figure.get("reason", ""), told)))
        for unit in ordered[1:]:
            figures[f"{name}, {unit}"]["unit"] = unit
