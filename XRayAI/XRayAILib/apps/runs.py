"""Trainings side by side from the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import as_json, console, plain
from XRayAILib.apps.learn import JobFailedError
from XRayAILib.project.project import Project
from XRayAILib.workflow.runs import NoRunError, Run, chosen_runs, differing, project_runs, run_document, run_table

REPORT = "runs.html"
FEW = 12
"""Settings that are columns in the terminal; the page has all."""


def list_project_runs(folder: Path, task: str, as_document: bool) -> None:
    """A line for each training."""
    with Project.open(folder) as project:
        runs = [run for run in project_runs(project) if not task or run.task == task]
    if as_document:
        print(as_json({"runs": [run_document(run) for run in runs]}))
        return
    if not runs:
        console.print(f"There are no trainings yet. Start one with: xrayai train --project {plain(str(folder))}")
        return
    _show(runs, ())


def compare_project_runs(folder: Path, names: Sequence[str], report: Path | None, as_document: bool) -> None:
    """The table with what differs, and the page with the curves."""
    from XRayAILib.workflow.runs_report import write_comparison

    with Project.open(folder) as project:
        try:
            runs = chosen_runs(project_runs(project), names)
        except NoRunError as error:
            raise JobFailedError(str(error)) from error
        settings = differing(runs)
        page = write_comparison(project, runs, report or project.exports_folder / REPORT)
    if as_document:
        print(as_json({"runs": [run_document(run) for run in runs], "differing": settings, "page": str(page)}))
        return
    _show(runs, settings[:FEW])
    if len(settings) > FEW:
        console.print(f"... and {len(settings) - FEW} more settings differ; the page has all.")
    console.print(f"\nCurves: {plain(str(page))}", soft_wrap=True)


def _show(runs: Sequence[Run], settings: Sequence[str]) -> None:
    columns, rows = run_table(runs, settings)
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*map(plain, row))
    console.print(table)
    for run in runs:
        if run.why:
            console.print(f"[bold red]failed[/]  {plain(run.key)}: {plain(run.why)}", soft_wrap=True)
