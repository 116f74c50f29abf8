"""Commands of learning and reading: train, predict, and what belongs to them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from XRayAILib.apps.options import (
    ConsentOption,
    DeviceOption,
    JsonOption,
    LabelsOption,
    PresetOption,
    ProjectOption,
    SettingsFileOption,
    StartOption,
    Text,
    Word,
)


def add_to(app: typer.Typer) -> None:
    """Give a command line these commands."""
    app.command()(train)
    app.command()(pretrain)
    app.command()(weights)
    app.command()(predict)
    app.command()(evaluate)
    app.command("next")(next_cases)


def train(
    project: ProjectOption,
    model: Annotated[
        str, Word(help="With --again: name of the model; the current one of the project without it.")
    ] = "",
    again: Annotated[
        bool,
        typer.Option("--again", help="Go on from a model with what was corrected since, and compare both."),
    ] = False,
    task: Annotated[str, Text(help="segmentation, detection, classification or landmarks.")] = "",
    preset: PresetOption = "",
    labels: LabelsOption = "",
    name: Annotated[str, Text(help="Name of the model.")] = "",
    device: DeviceOption = "",
    minutes: Annotated[float | None, typer.Option(min=0, help="Longest time for the training; 0 for no limit.")] = None,
    start: StartOption = "",
    consent_download: ConsentOption = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as NAME=VALUE, such as augmentation.flip=0.5.")
    ] = None,
    config: SettingsFileOption = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a stopped training job to go on with.")] = None,
    enhancement: Annotated[str, Text(help="Done to every image first; see 'enhance --list'.")] = "",
    snapshot: Annotated[str, Text(help="Hash or name of the snapshot to learn from.")] = "",
    check: Annotated[bool, typer.Option("--check", help="Only say what is in the way; exit status 3 if so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --check: one JSON document.")] = False,
) -> None:
    """Train a model on the labels of a project."""
    from XRayAILib.apps.learn import TrainingWish, train_model

    wish = TrainingWish(
        task=task,
        preset=preset,
        labels=labels,
        name=name,
        device=device,
        minutes=minutes,
        start=start,
        settings=tuple(set_ or ()),
        config=config,
        enhancement=enhancement,
        snapshot=snapshot,
    )
    if model and not again:
        raise typer.BadParameter(f"what is to be done with '{model}'? A model is only named together with --again.")
    if again:
        if check or resume is not None or consent_download:
            raise typer.BadParameter("--again goes without --check, --resume and --consent-download.")
        from XRayAILib.apps.next_cases import train_again

        train_again(project, model, wish)
        return
    if check:
        from XRayAILib.apps.split import check_only

        if not check_only(project, wish, consent_download, as_json):
            raise typer.Exit(3)
        return
    train_model(project, wish, resume, consent_download)


def pretrain(
    project: ProjectOption,
    preset: PresetOption = "",
    like: Annotated[str, Text(help="The task whose network is pretrained; segmentation without it.")] = "",
    network: Annotated[str, Text(help="Another U-Net, such as FlexibleUNet.")] = "",
    name: Annotated[str, Text(help="Name for --start model:NAME.")] = "",
    device: DeviceOption = "",
    minutes: Annotated[float | None, typer.Option(min=0, help="Longest time; 0 for no limit.")] = None,
    start: StartOption = "",
    consent_download: ConsentOption = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Any other setting as NAME=VALUE, such as options.hidden=0.5.")
    ] = None,
    config: SettingsFileOption = None,
    resume: Annotated[Path | None, typer.Option(help="Folder of a stopped pretraining job to go on with.")] = None,
) -> None:
    """Let a network learn from all images of a project without their labels, for trainings to start from.

    A part of each image is hidden and the network learns to draw it. Patients of the test part are not looked at.
    """
    from XRayAILib.apps.learn import TrainingWish
    from XRayAILib.apps.pretrain import pretrain as pretrain_network

    settings = (*((f"network={network}", "network_arguments={}") if network else ()), *(set_ or ()))
    wish = TrainingWish(
        task="" if config else "pretraining",
        preset=preset,
        name=name or ("" if config else "pretrained"),
        device=device,
        minutes=minutes,
        start=start,
        settings=settings,
        config=config,
    )
    pretrain_network(project, wish, like, resume, consent_download)


def weights() -> None:
    """Show the weights that a training can start from after a download, with licence and checksum."""
    from XRayAILib.apps.pretrain import show_weights

    show_weights()


def predict(
    project: ProjectOption,
    model: Annotated[str, Text(help="Name of a model of the project, or a folder; the current one without it.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also images that the model was trained on.")] = False,
) -> None:
    """Predict findings on the images of a project."""
    from XRayAILib.apps.learn import predict_images

    predict_images(project, model, everything)


def evaluate(
    project: ProjectOption,
    model: Annotated[str, Text(help="Name of a model of the project, or a folder; the current one without it.")] = "",
    part: Annotated[str, typer.Option(help="test, validation, outside or all.")] = "test",
    report: Annotated[
        Path | None, typer.Option(help="HTML file of the report; in the project's exports without it.")
    ] = None,
    device: DeviceOption = "",
    seed: Annotated[int, typer.Option(min=0, help="Of intervals and p-values.")] = 0,
) -> None:
    """How good a model is on a part of the labelled images, for whom it is worse, and a report with best and worst."""
    from XRayAILib.apps.evaluate import evaluate_model

    evaluate_model(project, model, part, report, device, seed)


def next_cases(
    project: ProjectOption,
    model: Annotated[str, Text(help="Name of a model of the project; the current one without it.")] = "",
    count: Annotated[int, typer.Option(min=1, help="Images to choose.")] = 20,
    strategy: Annotated[
        str, typer.Option(help="both, uncertainty (of the model), diversity (unlike labelled ones) or random.")
    ] = "both",
    everything: Annotated[bool, typer.Option("--all", help="Also labelled images, to be looked at again.")] = False,
    device: DeviceOption = "",
    seed: Annotated[int, typer.Option(min=0, help="Of what is decided by lot.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Which images to label next, so that a model learns most from them; the annotation panel can show them first."""
    from XRayAILib.apps.next_cases import show_next

    options = {"strategy": strategy, "everything": everything, "device": device or "auto", "seed": seed}
    show_next(project, model, count, options, as_json)
