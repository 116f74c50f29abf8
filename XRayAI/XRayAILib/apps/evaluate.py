"""The command ``evaluate``: how good a model is on a part of a project, for whom it is worse, and a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.apps.learn import follow, model_folder
from XRayAILib.workflow.job import Job

ALL = "All together"


def evaluate_model(project_folder: Path, model: str, part: str, report: Path | None, device: str, seed: int) -> None:
    """Run the job and print its figures, the gaps that are significant, and the warnings."""
    folder = model_folder(project_folder, model)
    options: dict[str, Any] = {"model": str(folder), "part": part, "device": device or "auto", "seed": seed}
    if report is not None:
        options["report"] = str(report.resolve())
    step = Step(1, "Evaluate")
    with running(step) as bar:
        result = follow(Job.start(project_folder, "evaluate", options), bar)
        step.result = f"{folder.name} on {result['images']} images of {result['patients']} patients: {result['page']}"
        step.notes = [reason for _, reason in result["unreadable"]]
    console.print(figure_table(result))
    if result["gaps"]:
        console.print(gap_table(result))
    for warning in result["warnings"]:
        console.print(f"[yellow]{plain(warning)}[/]", soft_wrap=True)


def figure_table(result: Mapping[str, Any]) -> Table:
    """The figures, a line per class and metric; what has no value is left out."""
    from XRayAILib.learning.task import task_class

    table = Table(title=f"Part: {result['part']}", title_justify="left", box=None, pad_edge=False)
    for column in ("", "Figure", "Value", "95 % interval", "Images"):
        table.add_column(column, justify="right" if column in ("Value", "Images") else "left")
    rows = list(result["metrics"]["labels"].items())
    if len(rows) > 1:
        rows.append((ALL, result["metrics"]["overall"]))
    for name, figures in rows:
        first = True
        for metric in task_class(result["task"]).metrics:
            figure = figures.get(metric.name, {"value": None})
            if figure["value"] is None:
                continue
            low, high, unit = figure["low"], figure["high"], figure.get("unit") or metric.unit
            interval = "" if low is None or high is None else f"{low:.{metric.digits}f} to {high:.{metric.digits}f}"
            title = f"{metric.title}, {unit}" if unit else metric.title
            value = f"{figure['value']:.{metric.digits}f}"
            table.add_row(
                plain(name.replace("_", " ")) if first else "", plain(title), value, interval, str(figure["count"])
            )
            first = False
    return table


def gap_table(result: Mapping[str, Any]) -> Table:
    """The gaps of subgroups that are significant after the correction for many comparisons."""
    from XRayAILib.learning.task import task_class

    metrics = {metric.name: metric for metric in task_class(result["task"]).metrics}
    title = f"Subgroups that differ from the rest ({result['comparisons']} comparisons)"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("Group", "", "Figure", "Gap", "Corrected interval", "p", "Patients"):
        table.add_column(column, justify="right" if column in ("Gap", "p", "Patients") else "left")
    for gap in sorted(result["gaps"], key=lambda gap: float(gap["corrected_p"])):
        metric = metrics[gap["metric"]]
        digits = metric.digits
        p = "< 0.001" if gap["corrected_p"] < 0.001 else f"{gap['corrected_p']:.3f}"
        table.add_row(
            plain(gap["group"]),
            plain(gap["class"].replace("_", " ") or ALL),
            metric.title,
            f"{gap['value']:+.{digits}f}",
            f"{gap['corrected_low']:+.{digits}f} to {gap['corrected_high']:+.{digits}f}",
            p,
            str(gap["patients"]),
        )
    return table
