"""Training and prediction from the terminal: start the job, show it, stop it with Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from XRayAILib.apps.console import Bar, Step, console, plain, running
from XRayAILib.project.project import Project
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.job import Job
from XRayAILib.workflow.prediction import find_models

if TYPE_CHECKING:
    from XRayAILib.learning.metric import Metric


MOST_METRICS = 5
"""Columns of figures that a terminal has room for; the others are in ``models show`` and in a report."""


class JobFailedError(RuntimeError):
    """A job that did not come to its end, and why."""


class JobStoppedError(JobFailedError):
    """A job that the person stopped, and how it goes on."""


def follow(job: Job, bar: Bar, message: Callable[[Job], str] = lambda job: job.progress.message) -> dict[str, Any]:
    """Show a job until it ends and give its result; Ctrl-C asks it to stop and waits for its checkpoint."""
    try:
        while job.running:
            for event in job.poll():
                if event.get("event") in ("plan", "note"):
                    console.print(f"{'':14} [dim]{plain(event['message'])}[/]", soft_wrap=True)
            bar.show(job.progress.done, job.progress.total, message(job))
            time.sleep(0.1)
    except KeyboardInterrupt:
        bar.show(job.progress.done, job.progress.total, "stopping, the checkpoint is being written ...")
        job.cancel()
        if job.wait(60) == "running":
            job.kill()
    if job.state == "failed":
        raise JobFailedError(job.error)
    if job.state != "done" or job.result is None:
        raise JobStoppedError(f"Stopped. What was done so far lies in {job.folder}.")
    return job.result


def training_message(job: Job) -> str:
    """The epoch with the newest loss and the newest score on the validation part."""
    parts = [job.progress.message]
    scores = [name for name in job.metrics if name.endswith("/validation") and name != "loss/validation"]
    for name in ("loss/train", *scores):
        if job.metrics.get(name):
            shown = name.partition("/")[0]
            parts.append(f"{shown} {job.metrics[name][-1][1]:.3f}")
    return "  ".join(part for part in parts if part)


@dataclass(frozen=True)
class TrainingWish:
    """What was asked for on the command line; empty texts and ``None`` for what was not.

    Attributes
    ----------
    settings
        ``NAME=VALUE`` for any field of the configuration, ``augmentation.flip=0.5`` for one inside; values as in YAML.
    """

    task: str = ""
    preset: str = ""
    labels: str = ""
    name: str = ""
    device: str = ""
    minutes: float | None = None
    start: str = ""
    settings: tuple[str, ...] = ()
    config: Path | None = None
    enhancement: str = ""
    snapshot: str = ""

    def document(self, project: Project) -> dict[str, Any]:
        """The whole configuration, checked."""
        from XRayAILib.learning.config import TrainingConfig
        from XRayAILib.project.enhancements import find_enhancement
        from XRayAILib.workflow.training import free_name

        changes: dict[str, Any] = {}
        for name in ("name", "device", "start"):
            if getattr(self, name):
                changes[name] = getattr(self, name)
        if self.labels:
            changes["labels"] = [label.strip() for label in self.labels.split(",") if label.strip()]
        if self.minutes is not None:
            changes["minutes"] = self.minutes
        if self.enhancement:
            # By its document: a later change of the project's own enhancement does not reach this training.
            changes["enhancement"] = find_enhancement(project, self.enhancement).document()
        if self.snapshot:
            changes["snapshot"] = project.snapshots.find(self.snapshot).digest
        if self.config is not None:
            if self.task or self.preset:
                raise JobFailedError(f"--config and --task or --preset together: say task and preset in {self.config}.")
            whole = TrainingConfig.read(self.config).document()
        else:
            changes.setdefault("name", free_name(project))
            whole = TrainingConfig.from_preset(self.preset or "quick", self.task or "segmentation").document()
        whole.update(changes)
        # Another network begins with what is usual for it, so what is said of its arguments comes after its name.
        for text in sorted(self.settings, key=lambda text: text.strip().startswith("network_arguments")):
            set_value(whole, text)
        return TrainingConfig.from_document(whole).document()


def set_value(document: dict[str, Any], text: str) -> None:
    """Put ``NAME=VALUE`` into a configuration; ``augmentation.flip=0.5`` for a value inside."""
    import yaml

    from XRayAILib.learning.settings import read_yaml

    name, equals, value = text.partition("=")
    *outer, last = name.strip().split(".")
    if not equals or not last:
        raise JobFailedError(f"--set {text}: write NAME=VALUE, such as --set augmentation.flip=0.5")
    place = document
    for part in outer:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise JobFailedError(f"--set {text}: '{part}' has no settings of its own.")
    before = place.get(last)
    try:
        place[last] = read_yaml(value)
    except yaml.YAMLError as error:
        raise JobFailedError(f"--set {text}: {value} cannot be read ({error}).") from error
    if place is document and last == "network" and place[last] != before:
        # Those that stand there are of the network before.
        document["network_arguments"] = {}


def earlier_config(project: Project, job_folder: Path, what: str) -> dict[str, Any]:
    """The configuration of a stopped job that is to go on; ``what`` names its kind for a person."""
    import json

    request = job_folder / "request.json"
    if not request.is_file():
        raise JobFailedError(f"{job_folder} is no folder of a {what}: those are in {project.folder / 'jobs'}.")
    found: dict[str, Any] = json.loads(request.read_text("utf-8"))["options"]["config"]
    return found


def train_model(
    project_folder: Path, wish: TrainingWish, resume: Path | None = None, consent_download: bool = False
) -> None:
    """Train a model and print what it reached on the test part."""
    with Project.open(project_folder) as project:
        document = earlier_config(project, resume, "training") if resume is not None else wish.document(project)
    step = Step(1, "Train")
    with running(step) as bar:
        options = {"config": document, "consent_download": consent_download}
        job = Job.start(project_folder, "train", options, folder=resume)
        try:
            result = follow(job, bar, training_message)
        except JobStoppedError as error:
            raise JobStoppedError(f"{error}\n{way_on(project_folder, job)}") from error
        except JobFailedError as error:
            # Ended from outside, or for want of memory or disk: what it had done is not lost.
            kept = any(job.folder.glob("checkpoint*"))
            raise JobFailedError(f"{error}\n{way_on(project_folder, job)}" if kept else str(error)) from error
        step.result = f"model {result['model']}" if result.get("model") else "nothing new"
    if "trained" in result:
        # A training again that was stopped ends as one.
        from XRayAILib.apps.next_cases import show_again

        show_again(result)
        return
    console.print(test_table(result))
    for warning in result.get("warnings", ()):
        console.print(f"[yellow]{plain(warning)}[/]", soft_wrap=True)
    console.print(
        "Report with curves, subgroups, best and worst cases:  "
        f"xrayai evaluate --project {plain(str(project_folder))} --model {plain(Path(result['model']).name)}",
        soft_wrap=True,
    )


def way_on(project_folder: Path, job: Job) -> str:
    """How a training that ended early is gone on with."""
    return f"Go on with: xrayai train --project {project_folder} --resume {job.folder}"


def test_table(result: dict[str, Any]) -> Table:
    """The result on the untouched test part, a line per class: the first metrics that have a value somewhere."""
    from XRayAILib.learning.task import task_class

    images, patients = result["test_images"], result["test_patients"]
    part = f"Test part: {counted(images, 'image', 'images')} of {counted(patients, 'patient', 'patients')}"
    table = Table(title=part, title_justify="left", box=None, pad_edge=False)
    rows = result["test"]
    metrics = [m for m in task_class(result["task"]).metrics if any(row.get(m.name) is not None for row in rows)]
    first, others = metrics[:1], metrics[1:MOST_METRICS]
    columns = [column for metric in first for column in (metric.title, "95 % interval")]
    for column in ("", "Images", *columns, *(metric.title for metric in others)):
        table.add_column(column, justify="right" if column else "left")
    for row in rows:
        shown = [metric.text(row[metric.name]) if row.get(metric.name) is not None else "" for metric in metrics]
        intervals = [_interval(row, metric) for metric in first]
        cells = (*shown[:1], *intervals, *shown[1:MOST_METRICS])
        table.add_row(plain(row["label"].replace("_", " ")), str(row["images"]), *cells)
    return table


def _interval(row: dict[str, Any], metric: Metric) -> str:
    low, high = row.get(f"{metric.name}_low"), row.get(f"{metric.name}_high")
    return "" if low is None or high is None else f"{low:.{metric.digits}f} to {high:.{metric.digits}f}"


def model_folder(project_folder: Path, text: str) -> Path:
    """The folder of a model, by its name in the project or by its path; of the project's current one without either."""
    with Project.open(project_folder) as project:
        place = project.models_folder
    names = [entry.name for entry in find_models(place)]
    if text in names:
        return place / text
    if text and (Path(text) / "manifest.json").is_file():
        return Path(text)
    if not names:
        raise JobFailedError(
            f"{project_folder} has no model yet: train one with  xrayai train --project {project_folder}"
        )
    if text:
        raise JobFailedError(f"There is no model '{text}'; the project has {', '.join(sorted(names))}.")
    return place / names[0]


def predict_images(project_folder: Path, model: str, everything: bool) -> None:
    """Predict on the images that the model was not trained on, or on all."""
    folder = model_folder(project_folder, model)
    with Project.open(project_folder) as project:
        images = [image for image in project.images() if not image.excluded]
    uids = [image.uid for image in images if everything or image.split not in ("train", "validation")]
    step = Step(1, "Predict")
    with running(step) as bar:
        job = Job.start(project_folder, "predict", {"model": str(folder), "uids": uids})
        result = follow(job, bar)
        step.result = f"{result['predicted']} images with {folder.name} on {job.device}"
        step.notes = [reason for _, reason in result["failed"]]
