"""The command line of X-Ray AI: ``xrayai``, or ``./xray`` in a checkout."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from XRayAILib import __version__
from XRayAILib.apps.console import console, errors, plain

app = typer.Typer(
    name="xrayai",
    help="Research with radiographs: browse, annotate, train, predict and export.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

ProjectOption = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Argument(help="Your radiographs; without it a phantom is computed.")] = None,
    project: Annotated[Path | None, typer.Option(help="Where everything goes; xray-demo without it.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Masks or a COCO file for FOLDER.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 7,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Longest time for the training.")] = None,
    phantoms: Annotated[int, typer.Option(min=0, help="How many phantom radiographs; 0 for the usual number.")] = 0,
    epochs: Annotated[int, typer.Option(min=0, help="Passes over the training images; 0 for the preset's.")] = 0,
) -> None:
    """The main job, end to end: radiographs, labels, training, prediction, Slicer scene, COCO export, report."""
    from XRayAILib.apps.main_job import MainJob
    from XRayAILib.apps.main_wishes import Wishes

    wishes = Wishes(folder, labels, seed, minutes, phantoms, epochs)
    MainJob(wishes, project).run()


@app.command()
def scan(
    folders: Annotated[list[Path], typer.Argument(help="Folders or files, nested as they are.")], project: ProjectOption
) -> None:
    """Take radiographs into a project, which is made where there is none."""
    from XRayAILib.apps.collection import scan_folders

    scan_folders(project, folders)


@app.command("list")
def list_images(
    project: ProjectOption,
    text: Annotated[str, typer.Argument(help="Words that must occur.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document for other programs.")] = False,
) -> None:
    """The images of a project."""
    from XRayAILib.apps.collection import list_project

    list_project(project, text, as_json)


@app.command()
def calibrate(
    uid: Annotated[str, typer.Argument(help="The image, as 'list --json' gives it.")],
    project: ProjectOption,
    start: Annotated[str, typer.Option("--from", help="One end of the line: x,y in pixels.")] = "",
    end: Annotated[str, typer.Option("--to", help="The other end.")] = "",
    millimetres: Annotated[float, typer.Option("--mm", help="Its known length.")] = 0.0,
    what: Annotated[str, typer.Option(help="The object of known length, such as '25 mm ball'.")] = "",
    take_back: Annotated[bool, typer.Option("--take-back", help="Let the file's own spacing count again.")] = False,
) -> None:
    """Set an image's millimetres by a line of known length, or say what they are worth."""
    from XRayAILib.apps.calibrate import calibrate_image

    calibrate_image(project, uid, start, end, millimetres, what, take_back)


@app.command("import")
def import_labels(
    source: Annotated[Path, typer.Argument(help="A COCO file, or a folder with a subfolder of masks per label.")],
    project: ProjectOption,
    extend: Annotated[bool, typer.Option(help="Add labels that the schema does not have.")] = False,
) -> None:
    """Take labels made elsewhere into a project."""
    from XRayAILib.apps.collection import import_into

    import_into(project, source, extend)


@app.command()
def train(
    project: ProjectOption,
    preset: Annotated[str, typer.Option(help="quick, standard or best.")] = "quick",
    config: Annotated[Path | None, typer.Option(help="YAML file with more settings.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a stopped training job to go on with.")] = None,
) -> None:
    """Train a segmentation model on the labels of a project."""
    from XRayAILib.apps.learn import train_model

    train_model(project, preset, config, resume)


@app.command()
def predict(
    project: ProjectOption,
    model: Annotated[Path | None, typer.Option(help="Folder of a model; the newest without it.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also images that the model was trained on.")] = False,
) -> None:
    """Predict findings on the images of a project."""
    from XRayAILib.apps.learn import predict_images

    predict_images(project, model, everything)


@app.command()
def export(project: ProjectOption, name: Annotated[str, typer.Option(help="Name of the folder.")] = "coco") -> None:
    """Export the labelled images as COCO, read again by pycocotools before it counts."""
    from XRayAILib.apps.collection import export_project

    export_project(project, name)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def launch(
    context: typer.Context,
    slicer: Annotated[Path | None, typer.Option(help="Program or folder of 3D Slicer.")] = None,
) -> None:
    """Start an installed 3D Slicer with both modules; further arguments go to Slicer."""
    from XRayAILib.apps.launch import launch as start

    process = start(slicer, context.args)
    console.print(f"3D Slicer is starting (process {process.pid}).")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Lint, type check and the whole test suite; further arguments go to pytest."""
    from XRayAILib.apps.checks import run_checks

    raise typer.Exit(run_checks(context.args))


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"X-Ray AI {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="And nothing else.")
    ] = False,
) -> None:
    """Research with radiographs: browse, annotate, train, predict and export."""


def main() -> None:
    """Run the command line; an error that is meant for a person is one message, not a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        errors.print("Stopped.")
        sys.exit(130)
    except OSError as error:
        text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        errors.print(f"[bold red]xrayai:[/] {plain(text)}", soft_wrap=True)
        sys.exit(1)
    except Exception as error:
        if not type(error).__module__.startswith("XRayAILib"):
            raise
        errors.print(f"[bold red]xrayai:[/] {plain(str(error))}", soft_wrap=True)
        # Stopped by the person, as a shell has it; anything else is a failure.
        sys.exit(130 if type(error).__name__ == "JobStoppedError" else 1)


if __name__ == "__main__":
    main()
