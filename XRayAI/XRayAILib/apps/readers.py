"""The commands ``readers``: who takes part in a project."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import as_json as json_text
from XRayAILib.apps.console import console, plain
from XRayAILib.project.project import Project, user


def add_readers(project_folder: Path, names: Sequence[str], roles: str) -> None:
    """Register people with roles."""
    with Project.open(project_folder) as project:
        for name in names:
            reader = project.readers.add(name, roles.split(","), by=user())
            console.print(f"{plain(reader.name)}: {reader.roles_text}")


def list_readers(project_folder: Path, as_json: bool) -> None:
    """Everybody, with roles and the number of images to read."""
    with Project.open(project_folder) as project:
        rows = [(reader, len(project.assignments.of_reader(reader.name))) for reader in project.readers.all()]
    if as_json:
        document = [
            {
                "name": reader.name,
                "roles": reader.roles_text.split(", "),
                "active": reader.active,
                "since": reader.since,
                "assigned": number,
            }
            for reader, number in rows
        ]
        print(json_text(document))
        return
    if not rows:
        console.print("Nobody is registered: whoever opens the project may do everything.")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("Name", "Roles", "Since"):
        table.add_column(column, overflow="fold")
    table.add_column("To read", justify="right")
    for reader, number in rows:
        roles = reader.roles_text + ("" if reader.active else " (takes part no longer)")
        table.add_row(plain(reader.name), roles, reader.since[:10], f"{number:,}")
    console.print(table)


def set_roles(project_folder: Path, name: str, roles: str) -> None:
    """Give a person other roles."""
    with Project.open(project_folder) as project:
        project.readers.set_roles(name, roles.split(","), by=user())
        reader = project.readers.get(name)
    assert reader is not None
    console.print(f"{plain(name)}: {reader.roles_text}")


def remove_reader(project_folder: Path, name: str) -> None:
    """Let a person take part no longer."""
    with Project.open(project_folder) as project:
        project.readers.remove(name, by=user())
    console.print(
        f"{plain(name)} takes part no longer; what was drawn stays. The next 'assign' of a round gives to others what "
        "was not submitted.",
        soft_wrap=True,
    )
