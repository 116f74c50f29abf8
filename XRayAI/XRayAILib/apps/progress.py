"""The command ``progress``: how far readers are, and how well they do on controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, one_line, plain
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project
from XRayAILib.workflow.control_scores import Measured, control_scores
from XRayAILib.workflow.progress import progress

DAYS = 5
"""So many of the last days are told on the terminal; ``--json`` has all."""


def show_progress(project_folder: Path, name: str, as_json: bool) -> None:
    """A line per reader and round."""
    with Project.open(project_folder) as project:
        rounds = project.rounds.all()
        if name and all(conditions.name != name for conditions in rounds):
            names = ", ".join(conditions.name for conditions in rounds) or "none yet"
            raise ProjectError(f"There is no round '{name}' (there are: {names}).")
        found = progress(project, name or None)
        closed = {conditions.name for conditions in rounds if conditions.closed}
    if as_json:
        print(json_text([{**asdict(one), "done": one.done, "closed": one.round in closed} for one in found]))
        return
    if not found:
        console.print("Nothing is assigned yet: assign.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("Round", "Reader"):
        table.add_column(column, overflow="fold")
    for column in ("Done", "Of", "Begun", "Approved", "Rejected"):
        table.add_column(column, justify="right")
    table.add_column("Per day", overflow="fold")
    for one in found:
        numbers = (one.done, one.assigned, one.begun, one.approved, one.rejected)
        days = ", ".join(f"{date[5:]}: {number}" for date, number in one.per_day[-DAYS:])
        title = plain(one.round) + (" (closed)" if one.round in closed else "")
        table.add_row(title, plain(one.reader), *(f"{number:,}" for number in numbers), days)
    console.print(table)


def show_controls(project_folder: Path, as_json: bool) -> None:
    """A line per control that a reader has submitted, in the order of time."""
    with Project.open(project_folder) as project:
        scores = control_scores(project)
        number = len(project.controls.all())
        files = {score.uid: Path(project.header(score.uid).path).name for score in scores}
    if as_json:
        print(json_text([asdict(score) for score in scores]))
        return
    if not number:
        console.print("There are no controls: assign --controls.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("Reader", "Submitted", "Control", "Against the truth"):
        table.add_column(column, overflow="fold")
    for score in scores:
        table.add_row(
            plain(score.reader), score.time[:16].replace("T", " "), one_line(files[score.uid]), _text(score.measured)
        )
    console.print(table)


def _text(measured: Sequence[Measured]) -> str:
    words = []
    for one in measured:
        value = "" if one.measure in ("missed", "invented", "right") and not one.value else f" {one.value:.2f}"
        words.append(plain(f"{one.label}: {one.measure}{value} {one.unit}".strip()))
    return ", ".join(words)
