"""``xrayai pretrain`` and ``xrayai weights``: what a training can start from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import Step, console, running
from XRayAILib.apps.learn import JobFailedError, JobStoppedError, TrainingWish, earlier_config, follow, training_message
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import Job

_SHARED = ("size", "network", "network_arguments")


def pretrain(
    project_folder: Path, wish: TrainingWish, like: str = "", resume: Path | None = None, consent_download: bool = False
) -> None:
    """Pretrain a network and say how to start from it."""
    with Project.open(project_folder) as project:
        if resume is not None:
            document = earlier_config(project, resume, "pretraining")
        else:
            # What is given by hand comes after it and counts more.
            alike = _network_of(like, wish.preset or "quick") if like else ()
            document = replace(wish, settings=(*alike, *wish.settings)).document(project)
    step = Step(1, "Pretrain")
    with running(step) as bar:
        options = {"config": document, "consent_download": consent_download}
        job = Job.start(project_folder, "pretrain", options, folder=resume)
        try:
            result = follow(job, bar, training_message)
        except JobStoppedError as error:
            raise JobStoppedError(
                f"{error}\nGo on with: xrayai pretrain --project {project_folder} --resume {job.folder}"
            ) from error
        step.result = f"{result['model']}, mean error of hidden pixels {result['score']:.4f}"
    console.print(f"Start a training from it with  --start model:{result['name']}", soft_wrap=True)


def _network_of(task: str, preset: str) -> tuple[str, ...]:
    """Settings for the network that another task's preset trains, where it can be pretrained."""
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.networks import U_NETS

    config = TrainingConfig.from_preset(preset, task)
    if config.network not in U_NETS:
        raise JobFailedError(
            f"{task} trains {config.network} with the preset {preset}, which draws nothing, so it cannot be "
            "pretrained. Pretrain a FlexibleUNet with an encoder of the same family (--set network=FlexibleUNet --set "
            "network_arguments.backbone=efficientnet-b0, resnet50, ...): a training takes the encoder over."
        )
    document = config.document()
    return tuple(f"{name}={json.dumps(document[name])}" for name in _SHARED)


def show_weights() -> None:
    """The weights that can be downloaded."""
    from XRayAILib.learning.start.catalogue import CATALOGUE

    table = Table(box=None, pad_edge=False)
    for column in ("--start", "Network", "MB", "Licence", "SHA-256"):
        table.add_column(column, justify="right" if column == "MB" else "left", overflow="fold")
    for entry in CATALOGUE.values():
        table.add_row(f"download:{entry.name}", entry.network, str(entry.megabytes), entry.licence, entry.sha256)
    console.print(table)
    console.print(
        "Nothing is downloaded without --consent-download. Weights of torchvision and torchxrayvision are pickles: "
        "--start download:NAME with their name says how to convert them.",
        soft_wrap=True,
    )
