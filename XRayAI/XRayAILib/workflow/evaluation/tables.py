"""The tables of an evaluation: figures by class and part, groups, and what attributes alone tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from XRayAILib.learning.card import compared_metric, gap_of
from XRayAILib.learning.evaluation.subgroups import p_text
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.task import Task
from XRayAILib.project.groups import GROUPS
from XRayAILib.workflow.agreement.tables import Line, Row, Table

ACROSS = 4
"""Metrics beside each other; more stand in the next table."""
ALL = "All together"
LISTED = 30


@dataclass(frozen=True)
class GroupRow:
    """A subgroup with its figure and its gap."""

    name: str
    images: int
    patients: int
    figure: Line
    gap: str
    interval: str
    corrected: str
    p: str
    significant: bool


@dataclass(frozen=True)
class AttributeRow:
    """What an attribute alone tells of a class."""

    part: str
    attribute: str
    label: str
    counts: str
    v: str
    auroc: Line
    p: str
    confounded: bool


def figure_tables(task: Task, parts: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> list[Table]:
    """The figures of each class and of all together, in each part; metrics that have no value anywhere are left out.

    Parameters
    ----------
    parts
        What to call it -> figures.
    """
    several = len(titles) > 1
    names = [*titles, *([""] if several else [])]
    shown = {
        name: [(part, of["labels"].get(name) if name else of["overall"]) for part, of in parts.items()]
        for name in names
    }
    colors = {label.name: label.color for label in task.legend}
    metrics = [m for m in task.metrics if any(_has(figures, m) for rows in shown.values() for _, figures in rows)]
    found = []
    for start in range(0, len(metrics), ACROSS):
        chunk = metrics[start : start + ACROSS]
        units = {m.name: _shared_unit([f for rows in shown.values() for _, f in rows], m) for m in chunk}
        rows = tuple(
            Row(
                titles.get(name, ALL),
                colors.get(name.partition("=")[0], "") if name else "",
                part if len(parts) > 1 else "",
                str(max((f["count"] for f in figures.values()), default=0)),
                tuple((figure_line(m, figures.get(m.name), units[m.name]),) for m in chunk),
                not name,
            )
            for name, of in shown.items()
            for part, figures in of
            if figures is not None
        )
        heads = tuple(m.title + (f", {units[m.name] or m.unit}" if units[m.name] or m.unit else "") for m in chunk)
        drawn = 0 if any(line.place for row in rows for line in row.cells[0]) else -1
        found.append(Table("", "", heads, rows, drawn, "Part" if len(parts) > 1 else "", "images"))
    return found


def _has(figures: Mapping[str, Any] | None, metric: Metric) -> bool:
    return figures is not None and figures.get(metric.name, {"value": None})["value"] is not None


def _shared_unit(figures: Sequence[Mapping[str, Any] | None], metric: Metric) -> str:
    units = {of[metric.name].get("unit", "") for of in figures if of is not None and _has(of, metric)}
    return str(next(iter(units))) if len(units) == 1 else ""


def figure_line(metric: Metric, figure: Mapping[str, Any] | None, shared: str = "") -> Line:
    """A figure as a table shows it; what is not defined is a dash with the reason."""
    if figure is None or figure["value"] is None:
        return Line("–", reason="" if figure is None else str(figure.get("reason", "")))
    low, high, value = figure["low"], figure["high"], figure["value"]
    digits, unit = metric.digits, str(figure.get("unit", ""))
    between = "–" if low is not None and low >= 0 else " to "
    interval = "" if low is None or high is None else f"{low:.{digits}f}{between}{high:.{digits}f}"
    is_part = metric.better == "higher" and not (unit or metric.unit) and 0 <= value <= 1
    bounds = [v for v in (value, low, high) if v is not None]
    place = tuple(100 * min(max(v, 0.0), 1.0) for v in bounds) if is_part else ()
    reason = str(figure.get("reason", ""))
    return Line(f"{value:.{digits}f}", interval, "" if unit == shared else unit, reason, place)


def group_rows(task: Task, subgroups: Mapping[str, Any]) -> tuple[Metric, list[GroupRow]]:
    """The subgroups over all classes, by the metric that stands for the gaps."""
    metric = compared_metric(type(task), subgroups)
    digits, rows = metric.digits, []
    for group in subgroups["groups"]:
        gap = gap_of(group, metric.name)
        line = figure_line(metric, group["figures"]["overall"].get(metric.name))
        told = ("", "", "", "")
        if gap is not None:
            plain = "" if gap["low"] is None else f"{gap['low']:+.{digits}f} to {gap['high']:+.{digits}f}"
            told = (
                f"{gap['value']:+.{digits}f}",
                plain,
                f"{gap['corrected_low']:+.{digits}f} to {gap['corrected_high']:+.{digits}f}",
                p_text(gap["corrected_p"]).removeprefix("p = ").removeprefix("p "),
            )
        elif group["contrary"]:
            told = (f"that of {group['contrary']}, turned round", "", "", "")
        significant = any(one["significant"] for one in group["gaps"])
        rows.append(GroupRow(group["name"], group["images"], group["patients"], line, *told, significant))
    return metric, rows


def attribute_rows(found: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[AttributeRow]:
    """What is confounded first, then by p-value."""
    rows = []
    for one in found[:LISTED]:
        interval = "" if one["low"] is None else f"{one['low']:.2f}–{one['high']:.2f}"
        counts = ", ".join(f"{value}: {ill} of {count}" for value, (ill, count) in one["counts"].items())
        rows.append(
            AttributeRow(
                one["part"],
                GROUPS[one["attribute"]],
                titles.get(one["class"], one["class"]),
                counts,
                f"{one['v']:.2f}",
                Line(f"{one['auroc']:.2f}", interval),
                p_text(one["corrected_p"]).removeprefix("p = ").removeprefix("p "),
                one["confounded"],
            )
        )
    return rows
