"""Training: what can be learnt from a project, where and for how long; then start it, watch it, stop it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.workflow.job import REQUEST
from XRayAILib.workflow.learnable import LearnableLabel, learnable_labels, learnable_tasks
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.metric import Metric
    from XRayAILib.project.project import Project

SHOWN = 3
"""Warnings that the outcome names; the model card has all."""


class TrainingRefused(RuntimeError):
    """A training that cannot start, and what to do."""


@dataclass(frozen=True)
class StoppedTraining:
    """A training that left a checkpoint in its job's folder."""

    folder: Path
    labels: tuple[str, ...]
    preset: str
    config: dict[str, Any]

    @property
    def task(self) -> str:
        """The title of its task."""
        name = self.config.get("task", "segmentation")
        return next((task.title for task in learnable_tasks() if task.name == name), str(name))


class Training:
    """The trainings of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("train", interpreter)

    def labels(self, project: Project, task: str = "segmentation") -> list[LearnableLabel]:
        """The labels that a task learns, in the schema's order."""
        return learnable_labels(project, task)

    def config(
        self,
        project: Project,
        labels: Sequence[str],
        preset: str,
        device: str,
        enhancement: str = "none",
        task: str = "segmentation",
        changes: Mapping[str, object] | None = None,
        offered: Sequence[LearnableLabel] | None = None,
    ) -> TrainingConfig:
        """The configuration of a training; :class:`TrainingRefused` says what is missing.

        Parameters
        ----------
        enhancement
            A name that ``find_enhancement`` knows; what it means today goes into the configuration.
        changes
            Settings that differ from the preset; without a ``name``, the next one that is free.
        offered
            What :meth:`labels` gave a moment ago, where it need not be counted again: that takes a second in a large
            collection.

        Raises
        ------
        TrainingRefused
            Nothing to learn is chosen, or nothing is there.
        TrainingError
            A setting makes no sense.
        """
        from XRayAILib.learning.config import TrainingConfig
        from XRayAILib.project.enhancements import find_enhancement

        counts = {label.name: label.images for label in (offered or self.labels(project, task))}
        if not labels:
            if not any(counts.values()):
                draws = next(offered.draws for offered in learnable_tasks() if offered.name == task)
                raise TrainingRefused(
                    f"No image has {draws} to learn from: draw some in X-Ray AI Annotate, or import labels."
                )
            raise TrainingRefused("No label is chosen: tick at least one that occurs in the collection.")
        missing = [project.schema[name].title for name in labels if not counts.get(name)]
        if missing:
            raise TrainingRefused(f"No image has the label {', '.join(missing)}: draw it, or train without it.")
        settings = {"name": free_name(project), **(changes or {})}
        if (project.models_folder / str(settings["name"])).exists():
            raise TrainingRefused(f"The project has a model {settings['name']} already: give another name, or none.")
        chosen = find_enhancement(project, enhancement).document()
        return TrainingConfig.from_preset(
            preset, task, **{**settings, "labels": list(labels), "device": device, "enhancement": chosen}
        )

    def start(self, project: Project, config: TrainingConfig) -> None:
        """Begin in a process of its own; see :attr:`work`."""
        self.work.begin(project.folder, {"config": config.document()})

    def stopped(self, project: Project) -> StoppedTraining | None:
        """The newest training that was stopped, or that ended with the program, and can go on."""
        from XRayAILib.learning.training import CHECKPOINT

        checkpoints = sorted(project.jobs_folder.glob(f"*/{CHECKPOINT}"), key=lambda path: -path.stat().st_mtime)
        for folder in (path.parent for path in checkpoints):
            try:
                request = json.loads((folder / REQUEST).read_text("utf-8"))
                document = request["options"]["config"]
                # A pretraining is gone on with where it was started: on the command line.
                if request["kind"] == self.work.kind:
                    return StoppedTraining(folder, tuple(document["labels"]), str(document["preset"]), document)
            except (OSError, ValueError, KeyError, TypeError):
                # Its request is damaged, so it cannot go on; a new training can start.
                continue
        return None

    def go_on(self, project: Project, stopped: StoppedTraining) -> None:
        """Go on with a stopped training from its checkpoint, as if it had not been stopped."""
        self.work.begin(project.folder, {"config": stopped.config}, stopped.folder)

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Name -> (epoch, value), to be drawn while it runs: losses, and the score on the validation part."""
        metrics = self.work.job.metrics if self.work.job else {}
        # One line per label would hide the three that tell how it goes; the loss of single steps is noise.
        return {name: list(points) for name, points in metrics.items() if name.count("/") == 1 and "step" not in name}

    def figures(self) -> str:
        """How it goes, in a sentence: ``Loss 0.214; Dice 0.931 on the validation part, the best 0.940 (epoch 12).``"""
        curves = self.curves()
        loss = curves.get("loss/train")
        if not loss:
            return ""
        told = [f"Loss {loss[-1][1]:.3g}"]
        for name, points in curves.items():
            metric = metric_of(name)
            if metric is not None and name.endswith("/validation"):
                best = points[0]
                for point in points:
                    best = point if metric.improves(point[1], best[1]) else best
                last = f"{metric.title} {metric.text(points[-1][1])} on the validation part"
                told.append(f"{last}, the best {best[1]:.{metric.digits}f} (epoch {best[0]:.0f})")
        return "; ".join(told) + "."

    @property
    def model(self) -> Path | None:
        """The folder of the model that the last training made."""
        result = self.work.result
        return Path(str(result["model"])) if result and result.get("model") else None

    def outcome(self) -> str:
        """What the last training reached: a sentence, and what is to be borne in mind with it."""
        result = self.work.result or {}
        lines = [f"Model {self.model.name if self.model else 'trained'} is ready{_reached(result)}."]
        warnings = [str(warning) for warning in result.get("warnings", ())]
        lines += warnings[:SHOWN]
        if len(warnings) > SHOWN:
            lines.append(f"... and {len(warnings) - SHOWN} more in the model card.")
        return "\n".join(lines)


def _reached(result: Mapping[str, Any]) -> str:
    """``: Dice 0.962 (95 % interval 0.951 to 0.970) on the 9 images of the test part``."""
    name, score = str(result.get("score_name", "")), result.get("score")
    metric = metric_of(name)
    if metric is None:
        return ""
    figure = result.get("metrics", {}).get("overall", {}).get(name, {})
    if score is None:
        return f"; the test part has no {metric.title}" + (f": {figure['reason']}" if figure.get("reason") else "")
    unit = f" {figure['unit']}" if figure.get("unit") and not metric.unit else ""
    text = f": {metric.title} {metric.text(float(score))}{unit}"
    low, high = figure.get("low"), figure.get("high")
    if low is not None and high is not None:
        text += f" (95 % interval {low:.{metric.digits}f} to {high:.{metric.digits}f})"
    images = result.get("test_images")
    return f"{text} on the test part" + (f" of {images} image{'' if images == 1 else 's'}" if images else "")


def metric_of(name: str) -> Metric | None:
    """The score of a task by its key, or by the name of its curve: ``dice/validation``."""
    from XRayAILib.learning.task import task_class

    key = name.partition("/")[0]
    return next((s for s in (task_class(task.name).score for task in learnable_tasks()) if s.name == key), None)


def falls(name: str) -> bool:
    """Whether a curve is of a score that is better the lower it is, such as an error in pixels."""
    metric = metric_of(name)
    return metric is not None and metric.better == "lower"


def curve_title(name: str) -> str:
    """What a legend says of a curve: ``loss/train`` is ``Loss, train``; a score has the title of its metric."""
    metric = metric_of(name)
    if metric is None:
        return ", ".join(name.split("/")).capitalize()
    title = f"{metric.title} ({metric.unit})" if metric.unit else metric.title
    return ", ".join([title, *name.split("/")[1:]])


def free_name(project: Project) -> str:
    """A name for the next model: ``model-1``, ``model-2``, ..."""
    number = 1
    while (project.models_folder / f"model-{number}").exists():
        number += 1
    return f"model-{number}"
