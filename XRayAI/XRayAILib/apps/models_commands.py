"""Commands of models: list, show, compare, export, import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayAILib.apps.options import JsonOption, ProjectOption, Text, Word

models = typer.Typer(help="Trained models, and models made elsewhere.", no_args_is_help=True)

MaybeProject = Annotated[Path | None, typer.Option("--project", "-p", help="Folder of the project.")]
Which = Annotated[str, Word(help="Name of a model of the project, or its folder.")]


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.add_typer(models, name="models")


@models.command("list")
def models_list(project: ProjectOption, as_json: JsonOption = False) -> None:
    """The models of a project, the newest first, and those that are refused with the reason."""
    from XRayAILib.apps.models import list_project_models

    list_project_models(project, as_json)


@models.command("show")
def models_show(model: Which, project: MaybeProject = None, as_json: JsonOption = False) -> None:
    """What a model is, what it was made from, how good it is on its test part, and the curves of its training."""
    from XRayAILib.apps.models import find_model, show_model

    show_model(find_model(model, project), as_json)


@models.command("compare")
def models_compare(
    model: Annotated[list[str], Word(help="Two models or more, by name or folder; the first one is the reference.")],
    project: MaybeProject = None,
    on_test: Annotated[
        bool, typer.Option("--on-test", help="On the same images: the project's test part, with intervals.")
    ] = False,
    device: Annotated[str, Text(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Figures of several models of one task side by side."""
    from XRayAILib.apps.models import compare_models, find_model

    if len(model) < 2:
        raise typer.BadParameter("name at least two models.")
    compare_models([find_model(name, project) for name in model], project, on_test, device, as_json)


@models.command("export")
def models_export(
    model: Which,
    project: MaybeProject = None,
    out: Annotated[Path | None, typer.Option(help="A .zip file or a folder; exports/NAME.zip without it.")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Also as ONNX, checked for equality with torch.")] = False,
) -> None:
    """A model for others: a MONAI bundle with its sums checked, without anybody's identity."""
    from XRayAILib.apps.models import export_to, find_model

    export_to(find_model(model, project), project, out, onnx)


@models.command("import")
def models_import(
    source: Annotated[Path | None, typer.Argument(help="Folder, zip archive, .safetensors or .onnx file.")] = None,
    project: MaybeProject = None,
    description: Annotated[
        Path | None, typer.Option(help="What a model made elsewhere takes and gives (YAML).")
    ] = None,
    name: Annotated[str, Text(help="Name of a model made elsewhere.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Only show a description to start from.")] = False,
) -> None:
    """Take a model into a project: one that was exported, or a 2D model made elsewhere. No code in it is ever run."""
    from XRayAILib.apps.models import import_into, show_example

    if example:
        show_example()
        return
    if source is None or project is None:
        raise typer.BadParameter("give the model and --project.")
    import_into(source, project, description, name)
