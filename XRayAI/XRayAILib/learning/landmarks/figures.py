"""How good landmarks are: errors in pixels and millimetres, success rates, missing points, and the uncertainty.

MRE and SDR are those of :mod:`XRayAILib.findings.agreement.points`. The MRE is over the points that both have; a point
that the model misses counts as no success in every SDR, so that to be silent does not pay. Millimetres are of one kind:
where some images are calibrated and others have those of the detector plane, the kind that more points have is told,
and how many are left out. Without any spacing there is no SDR; what can be told then is the part of the points within
1 % of the image's longer side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.agreement.bootstrap import Draws, divided, ratio
from XRayAILib.findings.agreement.compare import length_unit
from XRayAILib.findings.agreement.points import RADII
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.learning.metric import Metric

NEAR = 0.01
"""Of the image's longer side; see ``within_1_percent``."""
SCORE = Metric("mre", "Mean radial error", "lower", 2, "% of the longer side")
"""The same on images of any size, and on the network's square."""
METRICS = (
    Metric("mre_px", "Mean radial error", "lower", 1, "px"),
    Metric("mre_mm", "Mean radial error", "lower", 2, "mm"),
    *(Metric(f"sdr_{radius:g}mm", f"Within {radius:g} mm") for radius in RADII),
    SCORE,
    Metric("within_1_percent", "Within 1 % of the longer side"),
    Metric("missed", "Missed", "lower"),
    Metric("spurious", "Found where there is none", "lower"),
    Metric("covered", "Within their uncertainty"),
    Metric("uncertainty_rho", "Uncertainty with error (Spearman)", digits=2),
)

Fact = Mapping[str, Any]


def landmark_case(
    prediction: Findings,
    reference: Findings,
    labels: Sequence[str],
    spacing: Spacing,
    absent: bool,
    uncertainty: str,
) -> dict[str, Any]:
    """What is to be known of each point of an image, as plain values.

    Parameters
    ----------
    absent
        Whether a point that the reference does not have is not there; else nothing is known of it, and nothing told.
    uncertainty
        Name of the attribute with the radius in pixels.

    Returns
    -------
    dict
        By label: ``there`` and ``found``, what the reference and the prediction say; ``unit`` of lengths, ``px`` where
        there is no spacing; where both have the point, ``error_px``, ``error_part`` (of the image's longer side),
        ``error`` (in ``unit``) and, if given, ``uncertainty_px``; ``score``, if given.
    """
    case: dict[str, Any] = {}
    for label in labels:
        truth, said = (next(iter(findings.of(Landmark, label)), None) for findings in (reference, prediction))
        if truth is None and not absent:
            continue
        there, found = (point is not None and in_image(point, reference.shape) for point in (truth, said))
        fact: dict[str, Any] = {"there": there, "found": found, "unit": length_unit(spacing)}
        if truth is not None and said is not None and there and found:
            ends = (truth.x, truth.y), (said.x, said.y)
            fact["error_px"] = float(np.hypot(truth.x - said.x, truth.y - said.y))
            fact["error_part"] = fact["error_px"] / max(reference.shape)
            fact["error"] = spacing.length(*ends).value
            radius = dict(said.attributes).get(uncertainty)
            if radius is not None:
                fact["uncertainty_px"] = float(radius)
        if said is not None and said.score is not None:
            fact["score"] = said.score
        case[label] = fact
    return case


def landmark_badness(case: Mapping[str, Any]) -> float:
    """Mean error as a part of the longer side; what is missed or found where there is none counts as a whole side."""
    parts = [float(fact["there"] != fact["found"]) + fact.get("error_part", 0.0) for fact in case.values()]
    return float(np.mean(parts)) if parts else 0.0


def landmark_figures(
    cases: Sequence[Mapping[str, Any]], patients: Sequence[str], labels: Sequence[str], seed: int
) -> dict[str, Any]:
    """The figures of :data:`METRICS` for each point and, over all points together, ``overall``."""
    draws = Draws(patients, seed)
    units = Counter(fact["unit"] for case in cases for fact in case.values() if fact["unit"] != "px")
    unit = units.most_common(1)[0][0] if units else "mm"
    found = {label: _all([[c[label]] if label in c else [] for c in cases], draws, unit) for label in labels}
    return {"labels": found, "overall": _all([list(case.values()) for case in cases], draws, unit)}


def _all(images: Sequence[Sequence[Fact]], draws: Draws, unit: str) -> dict[str, Any]:
    def mean(value: Callable[[Fact], float | None], undefined: str) -> dict[str, Any]:
        return _mean([[v for fact in facts if (v := value(fact)) is not None] for facts in images], draws, undefined)

    no_point = "No image of these has the point."
    not_both = "In no image do the reference and the model both have the point."
    found = {"mre_px": {**mean(lambda f: f.get("error_px"), not_both), "unit": "px"}}
    found["mre_mm"] = mean(lambda f: f.get("error") if f["unit"] == unit else None, not_both)
    for radius in RADII:
        found[f"sdr_{radius:g}mm"] = mean(partial(_success, error="error", radius=radius, unit=unit), no_point)
    _in_millimetres([found[name] for name in found if name != "mre_px"], images, unit)
    found["mre_mm"]["unit"] = unit
    found["mre"] = {**mean(_percent, not_both), "unit": "%"}
    found["within_1_percent"] = mean(partial(_success, error="error_part", radius=NEAR), no_point)
    found["missed"] = mean(lambda f: float(not f["found"]) if f["there"] else None, no_point)
    found["spurious"] = mean(
        lambda f: float(f["found"]) if not f["there"] else None, "The point is in every image that tells of it."
    )
    found["covered"] = mean(_covered, "No point has an uncertainty and an error.")
    found["uncertainty_rho"] = _correlation(images, draws)
    for name, figure in found.items():
        if not name.startswith("mre"):
            for spread in ("std", "median", "min", "max"):
                figure.pop(spread, None)
    return found


def _in_millimetres(figures: Sequence[dict[str, Any]], images: Sequence[Sequence[Fact]], unit: str) -> None:
    """Say why there are no millimetres, or which are left out."""
    there = [fact for facts in images for fact in facts if fact["there"]]
    others = sum(fact["unit"] != unit for fact in there)
    known = any(fact["unit"] != "px" for fact in there)
    for figure in figures:
        if there and not known:
            figure["reason"] = "No image has a spacing, so nobody knows how long a millimetre is in it."
        elif others:
            figure["reason"] = f"{others} of {len(there)} points are left out, because they are not in {unit}."


def _success(fact: Fact, error: str, radius: float, unit: str = "") -> float | None:
    if not fact["there"] or (unit and fact["unit"] != unit):
        return None
    return float(fact["found"] and fact[error] <= radius)


def _percent(fact: Fact) -> float | None:
    return 100 * fact["error_part"] if "error_part" in fact else None


def _covered(fact: Fact) -> float | None:
    return float(fact["error_px"] <= fact["uncertainty_px"]) if "uncertainty_px" in fact else None


def in_image(point: Landmark, shape: tuple[int, int]) -> bool:
    """Whether a landmark lies on a pixel of an image of this shape (rows, columns)."""
    rows, columns = shape
    return not point.outside and -0.5 <= point.x <= columns - 0.5 and -0.5 <= point.y <= rows - 0.5


def _mean(values: Sequence[Sequence[float]], draws: Draws, undefined: str) -> dict[str, Any]:
    """The mean of all values of all images; those of one patient are drawn together."""
    every = np.array([value for image in values for value in image], float)
    if not len(every):
        return {"value": None, "low": None, "high": None, "count": 0, "reason": undefined}
    parts = np.array([(sum(image), len(image)) for image in values], float)
    low, high = draws.interval(parts, ratio) or (None, None)
    return {
        "value": float(every.mean()),
        "low": low,
        "high": high,
        "count": len(every),
        "std": float(every.std(ddof=1)) if len(every) > 1 else 0.0,
        "median": float(np.median(every)),
        "min": float(every.min()),
        "max": float(every.max()),
    }


def _correlation(images: Sequence[Sequence[Fact]], draws: Draws) -> dict[str, Any]:
    """Spearman's rank correlation of uncertainty and error; the ranks are those among all points, in every draw."""
    from scipy.stats import rankdata

    pairs = [[(f["uncertainty_px"], f["error_px"]) for f in facts if "uncertainty_px" in f] for facts in images]
    every = np.array([pair for image in pairs for pair in image], float).reshape(-1, 2)
    nothing = {"value": None, "low": None, "high": None, "count": len(every)}
    if len(every) < 3 or (np.ptp(every, axis=0) == 0).any():
        return {**nothing, "reason": "There are fewer than three points with an uncertainty, or all have the same."}
    ranks = (rankdata(every, axis=0) - (len(every) + 1) / 2) / len(every)
    x, y = ranks.T
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1)
    image_of = np.repeat(np.arange(len(pairs)), [len(image) for image in pairs])
    parts = np.zeros((len(pairs), terms.shape[1]))
    np.add.at(parts, image_of, terms)
    low, high = draws.interval(parts, _pearson) or (None, None)
    return {**nothing, "value": float(_pearson(parts.sum(axis=0))), "low": low, "high": high}


def _pearson(sums: np.ndarray) -> np.ndarray:
    """Correlation from the sums of 1, x, y, xx, yy and xy."""
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(sums, float), -1, 0)
    spread = np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0)
    return divided(n * xy - x * y, np.sqrt(spread))
