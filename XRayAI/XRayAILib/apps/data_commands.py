"""Commands of what is learnt from: split and cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayAILib.apps.options import JsonOption, ProjectOption, Text, WhoOption

cache = typer.Typer(help="Images that trainings have prepared; all of it can be made again.", no_args_is_help=True)

OutsideOption = Annotated[
    list[str] | None,
    Text(metavar="ATTRIBUTE=VALUE", help="Only to be tested on: a device, a site, a folder; repeatable."),
]


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.command()(split)
    app.add_typer(cache, name="cache")


def split(
    project: ProjectOption,
    task: Annotated[str, Text(help="segmentation, detection, classification or landmarks.")] = "",
    labels: Annotated[str, Text(help="Labels to learn, with commas; all of the task's kind without it.")] = "",
    folds: Annotated[int | None, typer.Option(min=3, help="As many folds, instead of 70/15/15.")] = None,
    outside: OutsideOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed deals alike.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of a training, instead of the options.")] = None,
    deal: Annotated[bool, typer.Option("--deal", help="Deal for good; else it is only shown.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Take all parts, or with --folds these folds, back.")] = False,
    who: WhoOption = "",
    as_json: JsonOption = False,
) -> None:
    """Which images are for training, validation and test: counts per part and label.

    Patients are dealt, with all their images and copies; what was dealt stays until it is reset. The exit status is 3
    where it cannot be trained with.
    """
    from XRayAILib.apps.learn import TrainingWish
    from XRayAILib.apps.split import reset_split, settings_of, show_split

    if reset:
        if deal:
            raise typer.BadParameter("Reset first, look at what would be dealt, and then deal.")
        reset_split(project, folds or 0, who)
        return
    wish = TrainingWish(task=task, labels=labels, config=config, settings=settings_of(folds, seed, outside or []))
    if not show_split(project, wish, deal, as_json):
        raise typer.Exit(3)


@cache.command("show")
def cache_show(project: ProjectOption, as_json: JsonOption = False) -> None:
    """How much is prepared, of what, and when it was used."""
    from XRayAILib.apps.cache import show_cache

    show_cache(project, as_json)


@cache.command("clear")
def cache_clear(project: ProjectOption) -> None:
    """Delete it; what a running training reads stays."""
    from XRayAILib.apps.cache import clear_cache

    clear_cache(project)


@cache.command("limit")
def cache_limit(
    gib: Annotated[float, typer.Argument(help="GiB; what was not used for the longest time goes first.")],
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Only of this project.")] = None,
) -> None:
    """How much the cache of a project may take; without a project, of each of yours."""
    from XRayAILib.apps.cache import limit_cache

    limit_cache(gib, project)
