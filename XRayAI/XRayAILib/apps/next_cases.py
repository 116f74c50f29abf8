"""The commands ``next`` and ``train --again``: what to label next, and learning from what was labelled since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import Step, as_json, console, plain, running
from XRayAILib.apps.learn import (
    JobFailedError,
    JobStoppedError,
    TrainingWish,
    follow,
    set_value,
    test_table,
    training_message,
)
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import Job
from XRayAILib.workflow.prediction import find_models


def current_model(project_folder: Path, name: str = "") -> Path:
    """The folder of this model of the project, without a name that of its current one; says why there is none."""
    with Project.open(project_folder) as project:
        place = project.models_folder
    names = [entry.name for entry in find_models(place)]
    if not names:
        raise JobFailedError(
            f"{project_folder} has no model yet: train one with  xrayai train --project {project_folder}"
        )
    if name and name not in names:
        raise JobFailedError(f"The project has no model '{name}'; it has {', '.join(sorted(names))}.")
    return place / (name or names[0])


def show_next(project_folder: Path, model: str, count: int, options: Mapping[str, Any], as_document: bool) -> None:
    """Run the job and print the list with its reasons."""
    folder = current_model(project_folder, model)
    step = Step(1, "Next")
    with running(step) as bar:
        result = follow(Job.start(project_folder, "next_cases", {"model": str(folder), "count": count, **options}), bar)
        step.result = f"{len(result['images'])} of {result['looked_at']} images, chosen with {folder.name}"
        step.notes = [reason for _, reason in result["unreadable"]]
    if as_document:
        print(as_json(result))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("", "Image", "Why"):
        table.add_column(column, justify="left" if column else "right", overflow="fold")
    for number, image in enumerate(result["images"], start=1):
        table.add_row(str(number), plain(image["path"]), plain(image["reason"]))
    console.print(table)


def train_again(project_folder: Path, model: str, wish: TrainingWish) -> None:
    """Train again from a model and print how both read the same images."""
    parent = current_model(project_folder, model)
    document = _document(parent, wish)
    step = Step(1, "Train again")
    with running(step) as bar:
        job = Job.start(project_folder, "train", {"config": document, "again": parent.name})
        try:
            result = follow(job, bar, training_message)
        except JobStoppedError as error:
            raise JobStoppedError(
                f"{error}\nGo on with: xrayai train --project {project_folder} --resume {job.folder}"
            ) from error
        step.result = f"model {result['model']}" if result["trained"] else "nothing new"
    show_again(result)


def _document(parent: Path, wish: TrainingWish) -> dict[str, Any]:
    """The gentle configuration with what was asked for on top; what would make another model of it is refused."""
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.corrections.gentle import gentle
    from XRayAILib.learning.model import Model

    given = ("task", "preset", "labels", "start", "config", "enhancement", "snapshot")
    refused = [f"--{name}" for name in given if getattr(wish, name)]
    if refused:
        raise JobFailedError(
            f"--again keeps what the model was made with, so {' and '.join(refused)} cannot be given. For another "
            f"training that begins with its weights:  --start model:{parent.name}"
        )
    whole = gentle(Model.load(parent)).document()
    for name in ("name", "device", "minutes"):
        if getattr(wish, name) not in ("", None):
            whole[name] = getattr(wish, name)
    for text in wish.settings:
        set_value(whole, text)
    return TrainingConfig.from_document(whole).document()


def show_again(result: Mapping[str, Any]) -> None:
    """What became of a training again: both models on the old and the new test part, and which is the current one."""
    if result["trained"]:
        console.print(test_table(dict(result)))
        console.print(tests_table(result))
        for test in result["tests"]:
            for note in test["notes"]:
                console.print(f"[yellow]{plain(note)}[/]", soft_wrap=True)
    console.print(plain(result["message"]), soft_wrap=True)


def tests_table(result: Mapping[str, Any]) -> Table:
    """Both models on the same images, a line per figure."""
    from XRayAILib.learning.task import task_class

    metrics = {metric.name: metric for metric in task_class(result["task"]).metrics}
    table = Table(box=None, pad_edge=False)
    for column in ("Test part", "", "", "Before", "Now", "Difference", "95 % interval"):
        table.add_column(column, justify="right" if column in ("Before", "Now", "Difference") else "left")
    for test in result["tests"]:
        head = f"{test['part']}: {test['images']} images of {test['patients']} patients"
        for figure in test["figures"]:
            metric = metrics.get(figure["metric"])
            digits, title = (metric.digits, metric.title) if metric else (3, figure["metric"])
            low, high = figure["low"], figure["high"]
            interval = "" if low is None or high is None else f"{low:+.{digits}f} to {high:+.{digits}f}"
            values = [f"{figure[name]:.{digits}f}" for name in ("first", "other")]
            name = figure["name"].replace("_", " ") or "all"
            table.add_row(head, plain(name), title, *values, f"{figure['difference']:+.{digits}f}", interval)
            head = ""
    return table
