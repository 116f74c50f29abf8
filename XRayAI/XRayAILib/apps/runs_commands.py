"""Commands about several trainings: list and compare runs, search for better settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayAILib.apps.options import (
    ConsentOption,
    DeviceOption,
    JsonOption,
    LabelsOption,
    ProjectOption,
    StartOption,
    Text,
    Word,
)

runs = typer.Typer(help="Trainings of a project side by side.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.command()(search)
    app.add_typer(runs, name="runs")


@runs.command("list")
def runs_list(
    project: ProjectOption,
    task: Annotated[str, Text(help="Only trainings of this task.")] = "",
    as_json: JsonOption = False,
) -> None:
    """All trainings of a project, the newest first, those that were stopped or failed too."""
    from XRayAILib.apps.runs import list_project_runs

    list_project_runs(project, task, as_json)


@runs.command("compare")
def runs_compare(
    project: ProjectOption,
    run: Annotated[
        list[str] | None, Word(help="Runs by name or job folder; all of the newest one's task without any.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="HTML file; in the project's exports without it.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What differs between trainings, what they reached, and a page with their curves over each other."""
    from XRayAILib.apps.runs import compare_project_runs

    compare_project_runs(project, run or [], report, as_json)


def search(
    project: ProjectOption,
    task: Annotated[str, Text(help="segmentation, detection, classification or landmarks.")] = "",
    trials: Annotated[
        int, typer.Option(min=0, help="Trainings altogether; 20 without it. With --resume: so many in the end.")
    ] = 0,
    minutes: Annotated[float, typer.Option(min=0, help="For the whole search; each trial gets its share.")] = 0.0,
    space: Annotated[
        Path | None, typer.Option(help="YAML file: settings with {low, high, log} or a list; a usual one without it.")
    ] = None,
    pruner: Annotated[str, Text(help="Gives up what lies behind: median, hyperband or none.")] = "median",
    preset: Annotated[str, Text(help="What is not varied: quick, standard or best.")] = "",
    labels: LabelsOption = "",
    name: Annotated[str, Text(help="Name of the model to be.")] = "",
    device: DeviceOption = "",
    start: StartOption = "",
    consent_download: ConsentOption = False,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any other setting as NAME=VALUE.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file with what is not varied.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a stopped search to go on with.")] = None,
    snapshot: Annotated[str, Text(help="Hash or name of the snapshot to learn from.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Search for settings that do better on the validation part; the test part is not looked at. Needs Optuna."""
    from XRayAILib.apps.learn import TrainingWish
    from XRayAILib.apps.search import SearchWish, search_settings

    wish = TrainingWish(
        task=task,
        preset=preset,
        labels=labels,
        name=name,
        device=device,
        start=start,
        settings=tuple(set_ or ()),
        config=config,
        snapshot=snapshot,
    )
    asked = trials or (0 if resume is not None else 20)
    search_settings(project, wish, SearchWish(asked, minutes, space, pruner, consent_download), resume, as_json)
