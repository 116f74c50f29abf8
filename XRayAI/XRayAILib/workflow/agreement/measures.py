"""The figures of one label: from what two readers were found to say of each image to means, rates and coefficients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from XRayAILib.findings.agreement.bland_altman import bland_altman, limits_of
from XRayAILib.findings.agreement.bootstrap import Draws, mean_parts, ratio
from XRayAILib.findings.agreement.compare import Compared, What
from XRayAILib.findings.agreement.detection import FALSE_POSITIVES, f1_of, froc, precision_of, recall_of
from XRayAILib.findings.agreement.estimate import Estimate, estimate
from XRayAILib.findings.agreement.icc import icc, icc_of, icc_parts
from XRayAILib.findings.agreement.kappa import ALIKE, Weights, agreed_of, cohen_of, crosstable, specific_of
from XRayAILib.findings.agreement.points import RADII, within

NOTHING = "no image has it from both readers"
PRESENCE = ("no", "yes")


@dataclass(frozen=True)
class Measure:
    """A figure of one label.

    Attributes
    ----------
    name
        Such as ``Dice``.
    unit
        ``mm (calibrated)`` and the like; empty for what has none.
    """

    name: str
    unit: str
    estimate: Estimate


@dataclass(frozen=True)
class Cases:
    """What two readers say of one label on the images that both read.

    Attributes
    ----------
    compared
        One per image; ``None`` where neither has anything of the label.
    draws
        Of the patients of these images.
    answers
        Of a question: every answer there is.
    ordered
        Whether these are in order.
    against
        Whether the second reader is the reference.
    """

    what: What
    compared: Sequence[Compared | None]
    draws: Draws
    answers: tuple[str, ...] = ()
    ordered: bool = False
    against: bool = False

    def values(self, name: str, unit: str | None = None) -> np.ndarray:
        """One number per image; NaN where there is none, or it is in another unit."""
        return np.array(
            [
                np.nan if c is None or (unit is not None and c.unit != unit) else c.numbers.get(name, np.nan)
                for c in self.compared
            ]
        )

    @property
    def units(self) -> list[str]:
        """The units that occur, sorted."""
        return sorted({c.unit for c in self.compared if c is not None and c.numbers})


def measures(cases: Cases) -> list[Measure]:
    """All figures of a label, as its kind has them."""
    return _OF[cases.what](cases)


def _mean(cases: Cases, name: str, values: np.ndarray, unit: str = "", undefined: str = NOTHING) -> Measure:
    n = int(np.isfinite(values).sum())
    value = float(np.nanmean(values)) if n else float("nan")
    return Measure(name, unit, estimate(value, n, undefined, cases.draws.interval(mean_parts(values), ratio)))


def _rate(
    cases: Cases, name: str, parts: np.ndarray, of: Callable[[np.ndarray], np.ndarray], n: int, undefined: str
) -> Measure:
    return Measure(name, "", estimate(float(of(parts.sum(axis=0))), n, undefined, cases.draws.interval(parts, of)))


def _region(cases: Cases) -> list[Measure]:
    names = (("dice", "Dice"), ("iou", "IoU"))
    found = [_mean(cases, title, cases.values(name), undefined="neither reader drew it") for name, title in names]
    for unit in cases.units:
        found += [
            _mean(cases, title, cases.values(name, unit), unit, "no image on which both drew it")
            for name, title in (("hd95", "HD95"), ("assd", "ASSD"))
        ]
    for unit in cases.units:
        area = unit.replace("mm", "mm²").replace("px", "px²")
        first, second = cases.values("first", unit), cases.values("second", unit)
        found += _differences(cases, "area, ", first, second, area, (first > 0) & (second > 0))
    return [*found, *_presence(cases)]


def _line(cases: Cases) -> list[Measure]:
    found = [
        _mean(cases, title, cases.values(name, unit), unit, "no image on which both drew it")
        for unit in cases.units
        for name, title in (("hd95", "HD95"), ("assd", "ASSD"))
    ]
    return [*found, *_presence(cases)]


def _presence(cases: Cases) -> list[Measure]:
    """Whether a label is there at all; nothing where both readers have it on every image."""
    said = [(0, 0) if c is None else c.given for c in cases.compared]
    first, second = ([PRESENCE[given[i] > 0] for given in said] for i in (0, 1))
    if all(answer == "yes" for answer in (*first, *second)):
        return []
    return _kappas(cases, first, second, PRESENCE, "drawn or not, ")


def _objects(cases: Cases) -> list[Measure]:
    parts = np.stack([np.nan_to_num(cases.values(name)) for name in ("pairs", "only_first", "only_second")], axis=1)
    total = parts.sum(axis=0)
    first, second, both = total[0] + total[1], total[0] + total[2], total.sum()
    found = [
        _rate(cases, "precision", parts, precision_of, int(first), "the first reader has none"),
        _rate(cases, "recall", parts, recall_of, int(second), "the second reader has none"),
        _rate(cases, "F1", parts, f1_of, int(both), "neither reader has any"),
    ]
    ious = np.stack([np.nan_to_num(cases.values("iou")), parts[:, 0]], axis=1)
    found.append(_rate(cases, "mean IoU of pairs", ious, ratio, int(total[0]), "no object is found by both"))
    scored = [pair for c in cases.compared if c is not None for pair in c.scored]
    if cases.against and scored:
        curve = froc([s for s, _ in scored], [hit for _, hit in scored], int(second), len(cases.compared))
        for false in FALSE_POSITIVES if curve else ():
            name = f"sensitivity at {false:g} false positives an image"
            found.append(Measure(name, "", Estimate(curve.at(false) if curve else None, n=int(second))))
    return found


def _landmark(cases: Cases) -> list[Measure]:
    found = []
    for unit in cases.units:
        errors = cases.values("error", unit)
        found.append(_mean(cases, "MRE", errors, unit))
        if unit.startswith("mm"):
            for radius in RADII:
                hits = np.where(np.isfinite(errors), within(errors, radius), np.nan)
                found.append(_mean(cases, f"SDR {radius:g} {unit}", hits))
        for axis in "xy":
            first, second = (cases.values(f"{who}_{axis}", unit) for who in ("first", "second"))
            shift = _differences(cases, f"{axis}, ", first, second, unit, np.isfinite(first))
            found += [measure for measure in shift if "ICC" not in measure.name]
    return [*found, *_presence(cases)]


def _measurement(cases: Cases) -> list[Measure]:
    found = []
    for unit in cases.units:
        first, second = cases.values("first", unit), cases.values("second", unit)
        known = np.isfinite(first) & np.isfinite(second)
        found += _differences(cases, "", first, second, unit, known)
    return [*found, *_presence(cases)]


def _differences(
    cases: Cases, prefix: str, first: np.ndarray, second: np.ndarray, unit: str, known: np.ndarray
) -> list[Measure]:
    """Bias, limits of agreement and ICC; of patients with several images with intervals that are drawn by patient."""
    compared = bland_altman(first[known], second[known])
    if compared is None:
        return []
    whole = icc(np.stack([first[known], second[known]], axis=1))
    found = [
        Measure(f"{prefix}bias", unit, compared.bias),
        Measure(f"{prefix}lower limit", unit, compared.lower),
        Measure(f"{prefix}upper limit", unit, compared.upper),
        Measure(f"{prefix}ICC(2,1)", "", whole),
    ]
    if cases.draws.patients == len(cases.compared):
        return found
    parts = np.zeros((len(known), 3))
    parts[known] = np.stack([np.ones(len(compared.differences)), compared.differences, compared.differences**2], axis=1)
    numbers = np.zeros((len(known), 5))
    numbers[known] = icc_parts(np.stack([first[known], second[known]], axis=1))
    bounds = [cases.draws.interval(parts, lambda sums, s=side: limits_of(sums, s)) for side in (0, -1.96, 1.96)]  # type: ignore[misc]
    bounds.append(cases.draws.interval(numbers, icc_of))
    return [_within(measure, bound) for measure, bound in zip(found, bounds, strict=True)]


def _within(measure: Measure, bounds: tuple[float, float] | None) -> Measure:
    low, high = bounds or (None, None)
    return replace(measure, estimate=replace(measure.estimate, low=low, high=high))


def _answer(cases: Cases) -> list[Measure]:
    pairs = [c.answers for c in cases.compared if c is not None]
    return _kappas(cases, [a for a, _ in pairs], [b for _, b in pairs], cases.answers, "")


def _kappas(
    cases: Cases, first: Sequence[str], second: Sequence[str], answers: tuple[str, ...], prefix: str
) -> list[Measure]:
    """Agreement on categories; an empty answer of a reader keeps the image out."""
    both = [bool(a and b) for a, b in zip(first, second, strict=True)]
    known = [answer for answer in answers if answer]
    parts = np.zeros((len(both), len(known), len(known)))
    parts[both] = crosstable(
        [a for a, kept in zip(first, both, strict=True) if kept],
        [b for b, kept in zip(second, both, strict=True) if kept],
        known,
    )
    n = sum(both)
    undefined = ALIKE if n else NOTHING
    found = [
        _rate(cases, f"{prefix}agreed", parts, agreed_of, n, NOTHING),
        _rate(cases, f"{prefix}kappa", parts, cohen_of, n, undefined),
    ]
    if cases.ordered and len(known) > 2 and not prefix:
        for weights in (Weights.LINEAR, Weights.QUADRATIC):
            name = f"{weights.value} weighted kappa"
            found.append(_rate(cases, name, parts, lambda sums, w=weights: cohen_of(sums, w), n, undefined))  # type: ignore[misc]
    for i, answer in enumerate(known):
        name = f"{prefix}agreed on '{answer}'"
        found.append(
            _rate(cases, name, parts, lambda sums, i=i: specific_of(sums, i), n, "nobody said it")  # type: ignore[misc]
        )
    return found


_OF: dict[What, Callable[[Cases], list[Measure]]] = {
    What.REGION: _region,
    What.OBJECTS: _objects,
    What.LINE: _line,
    What.LANDMARK: _landmark,
    What.MEASUREMENT: _measurement,
    What.ANSWER: _answer,
}
