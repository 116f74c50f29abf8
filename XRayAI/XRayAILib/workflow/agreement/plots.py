"""Drawings of a report on agreement: differences by means (Bland and Altman), and free-response curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.agreement.bland_altman import BlandAltman, bland_altman
from XRayAILib.findings.agreement.compare import What
from XRayAILib.findings.agreement.detection import Froc, froc
from XRayAILib.workflow.agreement.agreement import Pair, Study
from XRayAILib.workflow.agreement.figures import labels_of
from XRayAILib.workflow.plots import COLORS, INK, empty_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MANY = 400
"""Points from which on they are drawn as pixels: as shapes they would make the page slow."""


_SUFFIXES: dict[What, tuple[tuple[str, str], ...]] = {
    What.MEASUREMENT: (("", ""),),
    What.LANDMARK: (("x", "_x"), ("y", "_y")),
    What.REGION: (("area", ""),),
}
"""Kinds that have numbers: what each is called, and how its name ends."""


def differences(study: Study) -> Iterator[tuple[str, str, str, str, BlandAltman]]:
    """(label, what of it, readers, unit, comparison) of every label with a number, and every pair of readers."""
    for label, what in labels_of(study):
        for what_of, suffix in _SUFFIXES.get(what, ()):
            for pair in study.pairs:
                for unit, values in _numbers(study, pair, label, what, suffix).items():
                    compared = bland_altman(*np.array(values).T)
                    if compared is not None:
                        shown = unit.replace("mm", "mm²").replace("px", "px²") if what is What.REGION else unit
                        yield label, what_of, study.called(pair), shown, compared


def curves(study: Study) -> Iterator[tuple[str, str, Froc]]:
    """(label, readers, curve) of every reader with scores against the reference."""
    for label, what in labels_of(study) if study.wishes.reference else ():
        if what is not What.OBJECTS:
            continue
        for pair, images in study.pairs.items():
            found = [c for said in images.values() for c in said if (c.label, c.what) == (label, what)]
            scored = [entry for c in found for entry in c.scored]
            targets = sum(c.given[1] for c in found)
            curve = froc([score for score, _ in scored], [hit for _, hit in scored], targets, len(images))
            if curve is not None and scored:
                yield label, study.called(pair), curve


def difference_figure(compared: BlandAltman, unit: str) -> Figure:
    """Differences by means, with bias, limits of agreement and the intervals of all three."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = empty_figure(3.3)
    axes.scatter(
        compared.means,
        compared.differences,
        s=18,
        color=COLORS[0],
        alpha=0.55,
        linewidths=0,
        rasterized=len(compared.means) > MANY,
    )
    lines = ((compared.upper, "--", COLORS[1]), (compared.bias, "-", COLORS[2]), (compared.lower, "--", COLORS[1]))
    for line, style, color in lines:
        assert line.value is not None and line.low is not None and line.high is not None
        axes.axhspan(line.low, line.high, color=color, alpha=0.13, linewidth=0)
        axes.axhline(line.value, linestyle=style, color=color, linewidth=1.5)
        axes.annotate(
            f"{line.value:+,.0f}" if abs(line.value) >= 100 else f"{line.value:+.3g}",
            (1.0, line.value),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=INK,
        )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 100 else f"{value:g}")
    axes.set_xlabel(_with_unit("Mean of both", unit), color=INK)
    axes.set_ylabel("Difference", color=INK)
    return figure


def curve_figure(named: list[tuple[str, Froc]]) -> Figure:
    """Sensitivity against false positives per image, a line per reader."""
    figure, axes = empty_figure(3.3)
    for (name, curve), color in zip(named, COLORS, strict=False):
        x = np.concatenate([[0.0], curve.false_positives])
        y = np.concatenate([[0.0], curve.sensitivity])
        axes.step(x, y, where="post", color=color, linewidth=1.8, label=name.replace("$", r"\$"))
    axes.set_xscale("symlog", linthresh=0.125)
    axes.set_xlim(left=0)
    ticks = [0, 0.125, 0.25, 0.5, 1, 2, 4, 8]
    axes.set_xticks([t for t in ticks if t <= axes.get_xlim()[1]], minor=False)
    axes.get_xaxis().set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("False positives per image", color=INK)
    axes.set_ylabel("Sensitivity", color=INK)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK, loc="lower right")
    return figure


def _numbers(study: Study, pair: Pair, label: str, what: What, suffix: str) -> dict[str, list[tuple[float, float]]]:
    """Unit -> (first, second) of the images where both readers have a number."""
    found: dict[str, list[tuple[float, float]]] = {}
    for said in study.pairs[pair].values():
        for c in said:
            if (c.label, c.what) == (label, what) and f"first{suffix}" in c.numbers and min(c.given) > 0:
                both = c.numbers[f"first{suffix}"], c.numbers[f"second{suffix}"]
                found.setdefault(c.unit, []).append(both)
    return found


def _with_unit(text: str, unit: str) -> str:
    return f"{text}, {unit}" if unit else text
