"""The commands ``schema`` and ``guidelines`` of the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayAILib.apps.options import JsonOption, ProjectOption, Text

schema = typer.Typer(help="The labels of a project and the rules for them.", no_args_is_help=True)

Source = Annotated[str, typer.Argument(help="Name of a template, or a YAML file.")]


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.add_typer(schema, name="schema")
    app.command()(guidelines)


@schema.command("list")
def schema_list() -> None:
    """The templates that come with X-Ray AI."""
    from XRayAILib.apps.schema import list_templates

    list_templates()


@schema.command("show")
def schema_show(
    source: Annotated[str, typer.Argument(help="Name of a template, or a YAML file; without it the project's.")] = "",
    project: Annotated[Path | None, typer.Option("--project", "-p", help="Folder of the project.")] = None,
    as_yaml: Annotated[bool, typer.Option("--yaml", help="The whole of it, to be changed and used.")] = False,
) -> None:
    """Labels, questions and rules of a schema."""
    from XRayAILib.apps.schema import show_schema

    if not source and project is None:
        raise typer.BadParameter("Give a template, a file or --project.")
    show_schema(source, project, as_yaml)


@schema.command("use")
def schema_use(
    source: Source,
    project: ProjectOption,
    add: Annotated[bool, typer.Option("--add", help="Keep the labels that are there.")] = False,
) -> None:
    """Make a template or a file the schema of a project."""
    from XRayAILib.apps.schema import use_schema

    use_schema(project, source, add)


@schema.command("check")
def schema_check(file: Annotated[Path, typer.Argument(help="A YAML file.")]) -> None:
    """Say everything that is wrong with a schema in a file."""
    from XRayAILib.apps.schema import check_file

    check_file(file)


@schema.command("rename")
def schema_rename(old: str, new: str, project: ProjectOption) -> None:
    """Another name for a label and all its objects; the history keeps the old one."""
    from XRayAILib.apps.schema import rename_label

    rename_label(project, old, new)


@schema.command("put-back")
def schema_put_back(name: str, project: ProjectOption) -> None:
    """Add a label again that vanished from the schema while objects use it."""
    from XRayAILib.apps.schema import put_back

    put_back(project, name)


def guidelines(
    project: ProjectOption,
    reader: Annotated[str, Text(help="Only what this reader says.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Check what is drawn against the rules of the schema.

    The exit status is 3 where a rule is broken that refuses, 0 where none is.
    """
    from XRayAILib.apps.guidelines import check_guidelines

    check_guidelines(project, reader, as_json)
