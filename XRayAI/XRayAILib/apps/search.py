"""The search for better settings from the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import Step, as_json, console, plain, running
from XRayAILib.apps.learn import JobFailedError, JobStoppedError, TrainingWish, follow
from XRayAILib.learning.device import duration_text
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import REQUEST, Job


@dataclass(frozen=True)
class SearchWish:
    """What was asked for beside the training itself."""

    trials: int = 20
    minutes: float = 0.0
    space: Path | None = None
    pruner: str = "median"
    consent_download: bool = False


def search_settings(
    project_folder: Path, wish: TrainingWish, search: SearchWish, resume: Path | None, as_document: bool
) -> None:
    """Search, and print the trials and how to train with the best of them."""
    options = _resumed(resume, search) if resume is not None else _options(project_folder, wish, search)
    step = Step(1, "Search")
    with running(step) as bar:
        job = Job.start(project_folder, "search", options, folder=resume)
        try:
            result = follow(job, bar)
        except JobStoppedError as error:
            raise JobStoppedError(
                f"{error}\nGo on with: xrayai search --project {project_folder} --resume {job.folder}"
            ) from error
        step.result = f"the best {result['score_title']} of the validation part is {result['best']['score']:.4g}"
    if as_document:
        print(as_json(result))
        return
    console.print(trial_table(result))
    command = f"xrayai train --project {project_folder} --config {result['config']}"
    console.print(f"\nTrain with the best settings: {plain(command)}", soft_wrap=True)


def _options(project_folder: Path, wish: TrainingWish, search: SearchWish) -> dict[str, Any]:
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.search.defaults import default_space
    from XRayAILib.learning.search.search import missing_text
    from XRayAILib.learning.search.space import Space

    if problem := missing_text():
        raise JobFailedError(problem)
    with Project.open(project_folder) as project:
        document = wish.document(project)
    config = TrainingConfig.from_document(document)
    space = Space.read(search.space) if search.space is not None else default_space(config)
    space.check(config)
    return {
        "config": document,
        "space": space.document(),
        "trials": search.trials,
        "minutes": search.minutes,
        "pruner": search.pruner,
        "consent_download": search.consent_download,
    }


def _resumed(folder: Path, search: SearchWish) -> dict[str, Any]:
    """What the search was started with; more trials or more time may be asked for."""
    try:
        request = json.loads((folder / REQUEST).read_text("utf-8"))
        options: dict[str, Any] = dict(request["options"])
        if request["kind"] != "search":
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobFailedError(f"{folder} is no folder of a search.") from error
    more = {"trials": search.trials, "minutes": search.minutes}
    return {**options, **{name: value for name, value in more.items() if value}}


def trial_table(result: Mapping[str, Any]) -> Table:
    """A line for each trial, in their order; the best one stands out."""
    table = Table(
        title=f"{result['score_title']} on the validation part, after {duration_text(result['seconds'])}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    names = list(dict.fromkeys(name for trial in result["trials"] for name in trial["values"]))
    for column in ("Trial", result["score_title"], "", "Time", *names):
        table.add_column(column.replace("augmentation.", "").replace("options.", ""), justify="right")
    for trial in result["trials"]:
        score = "" if trial["score"] is None else f"{trial['score']:.4f}"
        seconds = "" if trial["seconds"] is None else duration_text(trial["seconds"])
        values = (str(trial["values"].get(name, "")) for name in names)
        style = "bold" if trial["number"] == result["best"]["number"] else ""
        cells = (str(trial["number"]), score, trial["state"], seconds, *values)
        table.add_row(*map(plain, cells), style=style)
    return table
