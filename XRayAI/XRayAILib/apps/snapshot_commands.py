"""Commands of snapshots: create, list, show, diff, verify."""

from __future__ import annotations

from typing import Annotated

import typer

from XRayAILib.apps.options import ProjectOption, Text, Word

snapshots = typer.Typer(help="Snapshots of the labelled data set.", no_args_is_help=True)

Which = Annotated[str, Word(help="Its name, or the first characters of its hash.")]


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.add_typer(snapshots, name="snapshot")


@snapshots.command("create")
def snapshot_create(
    project: ProjectOption, name: Annotated[str, Text(help="To find it by; its hash will do too.")] = ""
) -> None:
    """Keep the labelled data set as it is now; a training can refer to it by its hash."""
    from XRayAILib.apps.snapshots import create_snapshot

    create_snapshot(project, name)


@snapshots.command("list")
def snapshot_list(project: ProjectOption) -> None:
    """The snapshots of a project, the newest first."""
    from XRayAILib.apps.snapshots import list_snapshots

    list_snapshots(project)


@snapshots.command("show")
def snapshot_show(snapshot: Which, project: ProjectOption) -> None:
    """What a snapshot holds."""
    from XRayAILib.apps.snapshots import show_snapshot

    show_snapshot(project, snapshot)


@snapshots.command("diff")
def snapshot_diff(
    first: Which,
    project: ProjectOption,
    second: Annotated[str, Word(help="Another one; without it the project as it is now.")] = "",
) -> None:
    """What is different between two snapshots. The exit status is 3 where something is."""
    from XRayAILib.apps.snapshots import compare_snapshots

    if not compare_snapshots(project, first, second):
        raise typer.Exit(3)


@snapshots.command("verify")
def snapshot_verify(
    project: ProjectOption, snapshot: Annotated[str, Word(help="One of them; all without it.")] = ""
) -> None:
    """Whether all that snapshots hold can still be given back. The exit status is 3 where it cannot."""
    from XRayAILib.apps.snapshots import verify_snapshots

    if not verify_snapshots(project, snapshot):
        raise typer.Exit(3)
