"""Commands that look back on an image: history, comments."""

from __future__ import annotations

from typing import Annotated

import typer

from XRayAILib.apps.options import JsonOption, ProjectOption, Word


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.command()(history)
    app.command()(comments)


def history(
    image: Annotated[str, typer.Argument(help="UID, path or file name of the image.")],
    project: ProjectOption,
    as_json: JsonOption = False,
) -> None:
    """Every saved change of an image, what it changed, and how long each reader worked on it."""
    from XRayAILib.apps.image_history import show_history

    show_history(project, image, as_json)


def comments(
    project: ProjectOption,
    image: Annotated[str, Word(help="Only those on this image and its objects: as of history.")] = "",
    only_open: Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What people say about images and their objects."""
    from XRayAILib.apps.image_history import show_comments

    show_comments(project, image, only_open, as_json)
