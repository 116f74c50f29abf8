"""The split of a project from the terminal: who is where, dealing, and taking it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from XRayAILib.apps.console import as_json, console, plain
from XRayAILib.apps.learn import JobFailedError, TrainingWish
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.examples import Example, survey
from XRayAILib.learning.outside import text_of
from XRayAILib.learning.problem import Problem
from XRayAILib.learning.readiness import Readiness, check_training
from XRayAILib.learning.splits import OUTSIDE, PARTS, Split, plan_split, reset, said_in, split
from XRayAILib.project.project import Project


def show_split(folder: Path, wish: TrainingWish, deal: bool, json_wanted: bool) -> bool:
    """Print how many images of each label lie in each part or fold; whether that can be trained with.

    Parameters
    ----------
    deal
        Store it, as a training does.
    """
    with Project.open(folder) as project:
        config = TrainingConfig.from_document(wish.document(project))
        found = survey(project, config)
        problems = [problem.text for problem in found.problems if problem.error]
        done = Split(()) if not found.labels else plan_split(project, found.examples, config)
        problems += done.problems
        if deal and not problems:
            split(project, found.examples, config)
        groups = _groups(done, config)
    names = said_in(done.examples, found.labels)
    waiting = 0 if deal and not problems else len(done.fresh)
    if json_wanted:
        counts = {name: _counted(own, names) for name, own in groups.items()}
        document = {"parts": counts, "not_stored": waiting, "left_out": dict(done.left_out), "problems": problems}
        print(as_json(document))
        return not problems
    if done.examples:
        console.print(_table(groups, names, _title(config)))
    for uid, reason in done.left_out:
        console.print(f"Left out: {plain(uid)}: {plain(reason)}", soft_wrap=True)
    for text in problems:
        console.print(f"[bold red]Not possible:[/] {plain(text)}", soft_wrap=True)
    if waiting and not problems:
        what = "patients are" if config.folds else "images are"
        console.print(f"{waiting} {what} not dealt for good yet: --deal does it, and so does the next training.")
    return not problems


def reset_split(folder: Path, folds: int, who: str) -> None:
    """Take the parts of all images back, or one dealing into folds."""
    with Project.open(folder) as project:
        count = reset(project, folds, who)
    what = f"patients of the dealing into {folds} folds" if folds else "images"
    console.print(f"{count} {what} have none any more. Models trained before were tested on images that may be")
    console.print("learnt from next: their figures no longer compare with those of models to come.")


def check_only(folder: Path, wish: TrainingWish, consent_download: bool, json_wanted: bool) -> bool:
    """Print everything that is in the way of a training, and what it would learn from; whether it can start."""
    with Project.open(folder) as project:
        config = TrainingConfig.from_document(wish.document(project))
        found = check_training(project, config, consent_download=consent_download)
    if json_wanted:
        print(as_json(found.document()))
        return found.ready
    _print_problems(found)
    if found.split.examples:
        names = said_in(found.split.examples, found.labels)
        console.print(_table(_parts(found.split.examples), names, _title(config)))
    if found.ready:
        console.print(f"This training can start; it needs {size_text(found.bytes)} of disk at most.")
    return found.ready


def outside_of_text(texts: Sequence[str]) -> dict[str, list[str]]:
    """``["manufacturer=ACME", "manufacturer=OTHER"]`` as a mapping of lists."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise JobFailedError(f"--outside {text}: write ATTRIBUTE=VALUE, such as --outside manufacturer=ACME")
        found.setdefault(name.strip(), []).append(value.strip())
    return found


def settings_of(folds: int | None, seed: int | None, outside: Sequence[str]) -> tuple[str, ...]:
    """Options of the command line as settings of a configuration."""
    given: list[tuple[str, Any]] = [("folds", folds), ("seed", seed), ("outside", outside_of_text(outside) or None)]
    return tuple(f"{name}={json.dumps(value)}" for name, value in given if value is not None)


def size_text(count: int) -> str:
    """Bytes as a person reads them."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"


def _print_problems(found: Readiness) -> None:
    def line(problem: Problem) -> str:
        return ("[bold red]error[/]    " if problem.error else "[yellow]warning[/]  ") + plain(problem.text)

    for problem in found.problems:
        console.print(line(problem), soft_wrap=True)


def _parts(examples: Sequence[Example]) -> dict[str, list[Example]]:
    order = [*PARTS, *([OUTSIDE] if any(e.part == OUTSIDE for e in examples) else [])]
    return {part: [e for e in examples if e.part == part] for part in order}


def _groups(done: Split, config: TrainingConfig) -> dict[str, list[Example]]:
    """The images by part, or by fold."""
    if not config.folds:
        return _parts(done.examples)
    found: dict[str, list[Example]] = {f"fold {number}": [] for number in range(config.folds)}
    for example in done.examples:
        name = OUTSIDE if example.part == OUTSIDE else f"fold {done.dealt[example.patient]}"
        found.setdefault(name, []).append(example)
    return found


def _counted(examples: Sequence[Example], names: Sequence[str]) -> dict[str, Any]:
    labels = {name: sum(name in e.labels for e in examples) for name in names}
    return {"images": len(examples), "patients": len({e.patient for e in examples}), "labels": labels}


def _table(groups: Mapping[str, Sequence[Example]], names: Sequence[str], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in ("", *groups):
        table.add_column(column, justify="right" if column else "left")
    counts = [_counted(examples, names) for examples in groups.values()]
    table.add_row("Patients", *(f"{count['patients']:,}" for count in counts))
    table.add_row("Images", *(f"{count['images']:,}" for count in counts))
    for name in names:
        table.add_row(plain(name), *(f"{count['labels'][name]:,}" for count in counts))
    return table


def _title(config: TrainingConfig) -> str:
    how = f"{config.folds} folds" if config.folds else "70/15/15"
    return f"{config.task}, {how}" + (f", outside: {text_of(config.outside)}" if config.outside else "")
