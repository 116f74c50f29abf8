"""Drawings of an evaluation: what each task shows of its cases, and the gaps of subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from XRayAILib.findings.agreement.detection import froc
from XRayAILib.findings.agreement.points import RADII
from XRayAILib.learning.card import compared_metric, gap_of
from XRayAILib.learning.classification.figures import class_curves
from XRayAILib.workflow.plots import COLORS, INK, empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from XRayAILib.learning.metric import Metric
    from XRayAILib.learning.task import Task

MOST = 16
"""Classes in a drawing; the figures of all stand in the tables."""
GROUPS = 40
"""Rows of a forest plot."""

Drawing = tuple[str, "Figure"]
Place = Literal["lower right", "lower left", "upper left"]
Cases = Sequence[Mapping[str, Any]]


def task_drawings(task: Task, cases: Cases, titles: Mapping[str, str]) -> list[Drawing]:
    """(title, drawing) of what the cases of a task hold; which it is, is seen from their facts."""
    facts = {name: [case[name] for case in cases if name in case] for name in task.classes}
    facts = {titles[name]: of for name, of in facts.items() if of}
    if not facts:
        return []
    first = next(iter(facts.values()))[0]
    if "truth" in first:
        return _classes(task, cases, titles)
    if "targets" in first:
        return [("Free-response curve", _froc(facts)), ("Precision and recall", _precision_recall(facts))]
    if "error_part" in first or ("there" in first and not any("dice" in f for of in facts.values() for f in of)):
        return _points(facts)
    return _regions(facts)


def forest_figure(subgroups: Mapping[str, Any], task: Task) -> tuple[Metric, Figure] | None:
    """The gap of every group over all classes; ``None`` where none is compared.

    A line is the corrected interval, the thick part of it the plain one; what is significant has a colour of its own.
    """
    metric = compared_metric(type(task), subgroups)
    rows = [(group, gap) for group in subgroups["groups"] if (gap := gap_of(group, metric.name)) is not None][:GROUPS]
    if not rows:
        return None
    figure, axes = empty_figure(0.9 + 0.3 * len(rows))
    figure.set_size_inches(8.4, 0.9 + 0.3 * len(rows))
    axes.grid(False)
    axes.axvline(0, color=INK, linewidth=0.8, alpha=0.6)
    for row, (_group, gap) in enumerate(rows):
        color = COLORS[1] if gap["significant"] else COLORS[0]
        axes.plot([gap["corrected_low"], gap["corrected_high"]], [row, row], color=color, linewidth=1.2)
        if gap["low"] is not None:
            axes.plot([gap["low"], gap["high"]], [row, row], color=color, linewidth=4.5, alpha=0.4)
        axes.plot(gap["value"], row, "o", color=color, markersize=5.5)
    axes.set_yticks(range(len(rows)), [f"{group['name']}  ({group['patients']})" for group, _ in rows], color=INK)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    way = "right is better" if metric.better == "higher" else "left is better"
    axes.set_xlabel(f"{metric.title}: gap to the other images ({way})", color=INK)
    return metric, figure


def _legend(axes: Axes, count: int, place: Place) -> None:
    if count > 1:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=INK, loc=place)


def _named(facts: Mapping[str, Any]) -> list[tuple[str, Any, str]]:
    """(name, facts, colour); where there are more classes than colours, the first ones."""
    return [(name.replace("$", r"\$"), of, color) for (name, of), color in zip(facts.items(), COLORS, strict=False)]


def _strips(values: Mapping[str, np.ndarray], label: str, top: float | None = None) -> Figure:
    """A row of dots for each class, an image a dot, with its quartiles and median."""
    shown = {name: v for name, v in list(values.items())[:MOST] if len(v)}
    figure, axes = empty_figure(0.9 + 0.42 * max(len(shown), 2))
    axes.grid(False)
    axes.grid(True, axis="x", color=INK, alpha=0.18, linewidth=0.6)
    generator = np.random.default_rng(0)
    for row, of in enumerate(shown.values()):
        color = COLORS[row % len(COLORS)]
        heights = row + generator.uniform(-0.24, 0.24, len(of))
        axes.scatter(of, heights, s=11, color=color, alpha=0.5, linewidths=0, rasterized=len(of) > 400)
        low, middle, high = np.percentile(of, (25, 50, 75))
        axes.plot([low, high], [row, row], color=INK, linewidth=1.2, alpha=0.8)
        axes.plot([middle, middle], [row - 0.3, row + 0.3], color=INK, linewidth=2)
    axes.set_yticks(range(len(shown)), [name.replace("$", r"\$") for name in shown], color=INK)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    if top is not None:
        axes.set_xlim(right=top)
    axes.set_xlabel(label, color=INK)
    return figure


def _regions(facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Drawing]:
    dice = {name: np.array([f["dice"] for f in of if "dice" in f]) for name, of in facts.items()}
    found = [("Dice of every image", _strips(dice, "Dice", 1.005))]
    units = [f["unit"] for of in facts.values() for f in of if "hd95" in f]
    if units:
        unit = max(sorted(set(units)), key=units.count)
        far = {
            name: np.array([f["hd95"] for f in of if f.get("hd95") is not None and f["unit"] == unit])
            for name, of in facts.items()
        }
        found.append(("HD95 of every image", _strips(far, f"HD95, {unit}")))
    return found


def _points(facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Drawing]:
    every = [f for of in facts.values() for f in of if "error" in f]
    if not every:
        return []
    units = [f["unit"] for f in every]
    unit = max(sorted(set(units)), key=units.count)
    errors = {
        name: np.array([f["error"] for f in of if "error" in f and f["unit"] == unit]) for name, of in facts.items()
    }
    found = [("Error of every point", _strips(errors, f"Radial error, {unit}"))]
    figure, axes = empty_figure(3.2)
    there = sum(f["there"] for of in facts.values() for f in of if f["unit"] == unit)
    ordered = np.sort(np.concatenate(list(errors.values())))
    # Of all points that are there: one that is missed is found within no radius.
    axes.step(ordered, np.arange(1, len(ordered) + 1) / max(there, 1), where="post", color=COLORS[0], linewidth=2)
    for radius in RADII if unit.startswith("mm") else ():
        axes.axvline(radius, color=INK, alpha=0.3, linewidth=0.8, linestyle="--")
    axes.set_xlim(0, float(np.percentile(ordered, 99)) * 1.1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(f"Radius, {unit}", color=INK)
    axes.set_ylabel("Part of the points within it", color=INK)
    return [*found, ("Successful detection rate", figure)]


def _froc(facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    figure, axes = empty_figure(3.2)
    for name, of, color in _named(facts):
        scores = [score for f in of for score in f["scores"]]
        hits = [bool(hit & 1) for f in of for hit in f["hits"]]
        curve = froc(scores, hits, sum(f["targets"] for f in of), len(of))
        if curve is not None:
            x, y = np.r_[0.0, curve.false_positives], np.r_[0.0, curve.sensitivity]
            axes.step(x, y, where="post", color=color, linewidth=1.8, label=name)
    axes.set_xscale("symlog", linthresh=0.125)
    axes.set_xlim(0, 8)
    axes.set_xticks([0, 0.125, 0.25, 0.5, 1, 2, 4, 8])
    axes.get_xaxis().set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("False positives per image", color=INK)
    axes.set_ylabel("Sensitivity", color=INK)
    _legend(axes, len(facts), "lower right")
    return figure


def _precision_recall(facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    figure, axes = empty_figure(3.2)
    for name, of, color in _named(facts):
        scores = np.array([score for f in of for score in f["scores"]])
        hits = np.array([hit & 1 for f in of for hit in f["hits"]], bool)
        targets = sum(f["targets"] for f in of)
        if targets and len(scores):
            right = np.cumsum(hits[np.argsort(-scores, kind="stable")])
            recall, precision = right / targets, right / np.arange(1, len(right) + 1)
            axes.plot(np.r_[0.0, recall], np.r_[precision[0], precision], color=color, linewidth=1.8, label=name)
    _unit_square(axes, "Recall", "Precision")
    _legend(axes, len(facts), "lower left")
    return figure


def _classes(task: Task, cases: Cases, titles: Mapping[str, str]) -> list[Drawing]:
    curves = class_curves(cases, task.classes)
    named = [(titles[name], of, color) for (name, of), color in zip(curves.items(), COLORS, strict=False)]
    found = []
    kinds: tuple[tuple[str, str, tuple[str, str], Place], ...] = (
        ("ROC", "roc", ("1 − specificity", "Sensitivity"), "lower right"),
        ("Precision and recall", "precision_recall", ("Recall", "Precision"), "lower left"),
    )
    for title, key, labels, place in kinds:
        figure, axes = empty_figure(3.4)
        if key == "roc":
            axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.8, linestyle="--")
        shown = [(name, of[key], color) for name, of, color in named if key in of]
        for name, points, color in shown:
            x, y, *_ = np.array(points).T
            axes.plot(x, y, color=color, linewidth=1.8, label=name.replace("$", r"\$"))
        _unit_square(axes, *labels)
        _legend(axes, len(shown), place)
        if shown:
            found.append((title, figure))
    found.append(("Reliability", _reliability(named)))
    return found


def _reliability(named: Sequence[tuple[str, Mapping[str, Any], str]]) -> Figure:
    """How often it is so by the probability given, with intervals; dotted: before the temperature."""
    figure, axes = empty_figure(3.4)
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.4, linewidth=0.8, linestyle="--")
    for name, of, color in named:
        for key, style, alpha in (("reliability_before", ":", 0.6), ("reliability", "-", 1.0)):
            x, y, low, high = (
                np.array([row[part] for row in of[key]])
                for part in ("probability", "frequency", "frequency_low", "frequency_high")
            )
            label = name.replace("$", r"\$") if key == "reliability" else None
            axes.plot(x, y, linestyle=style, color=color, alpha=alpha, linewidth=1.5, label=label)
            if key == "reliability":
                axes.errorbar(x, y, [y - low, high - y], fmt="o", color=color, markersize=4, elinewidth=0.9, alpha=0.8)
    _unit_square(axes, "Probability that the model gives", "How often it is so")
    _legend(axes, len(named), "upper left")
    return figure


def _unit_square(axes: Axes, x: str, y: str) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
