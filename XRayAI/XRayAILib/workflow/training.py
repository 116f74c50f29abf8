"""Training: what can be learnt from a project, where and for how long; then start it, watch it, stop it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.child import library_environment
from XRayAILib.findings.objects import Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.learning.device import duration_text
from XRayAILib.workflow.job import REQUEST
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.project.project import Project

LEARNABLE = (Tool.MASK, Tool.POLYGON)
PRESETS = {
    "quick": "a small network; minutes on two cores",
    "standard": "for a workstation; up to two hours",
    "best": "for one large GPU; hours",
}
DEVICES = {
    "auto": "the fastest there is",
    "cpu": "the processor",
    "cuda": "an NVIDIA GPU",
    "mps": "the GPU of an Apple Mac",
}


class TrainingRefused(RuntimeError):
    """A training that cannot start, and what to do."""


@dataclass(frozen=True)
class LearnableLabel:
    """A label of the schema that a model can learn, with the number of images that have it."""

    name: str
    title: str
    color: str
    images: int


@dataclass(frozen=True)
class StoppedTraining:
    """A training that left a checkpoint in its job's folder."""

    folder: Path
    labels: tuple[str, ...]
    preset: str
    config: dict[str, Any]


class Training:
    """The trainings of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("train", interpreter)

    def labels(self, project: Project) -> list[LearnableLabel]:
        """The labels that are drawn as areas, in the schema's order."""
        counts = project.label_counts(Mask, Polygon)
        return [
            LearnableLabel(label.name, label.title, label.color, counts.get(label.name, 0))
            for label in project.schema
            if label.tool in LEARNABLE
        ]

    def config(
        self, project: Project, labels: list[str], preset: str, device: str, enhancement: str = "none"
    ) -> TrainingConfig:
        """The configuration of a training; :class:`TrainingRefused` says what is missing.

        ``enhancement`` is a name that ``find_enhancement`` knows; what it means today goes into the configuration.
        """
        from XRayAILib.learning.config import TrainingConfig
        from XRayAILib.project.enhancements import find_enhancement

        if not labels:
            if not project.label_counts(Mask, Polygon):
                raise TrainingRefused(
                    "No image has a mask or a polygon to learn from: draw some in X-Ray AI Annotate, or import labels."
                )
            raise TrainingRefused("No label is chosen: tick at least one that occurs in the collection.")
        counts = project.label_counts(Mask, Polygon)
        missing = [project.schema[name].title for name in labels if not counts.get(name)]
        if missing:
            raise TrainingRefused(f"No image has the label {', '.join(missing)}: draw it, or train without it.")
        chosen = find_enhancement(project, enhancement).document()
        return TrainingConfig.from_preset(
            preset, labels=labels, device=device, name=free_name(project), enhancement=chosen
        )

    def start(self, project: Project, config: TrainingConfig) -> None:
        """Begin in a process of its own; see :attr:`work`."""
        self.work.begin(project.folder, {"config": config.document()})

    def stopped(self, project: Project) -> StoppedTraining | None:
        """The newest training that was stopped, or that ended with the program, and can go on."""
        from XRayAILib.learning.training import CHECKPOINT

        checkpoints = list(project.jobs_folder.glob(f"*/{CHECKPOINT}"))
        if not checkpoints:
            return None
        folder = max(checkpoints, key=lambda path: path.stat().st_mtime).parent
        try:
            document = json.loads((folder / REQUEST).read_text("utf-8"))["options"]["config"]
            return StoppedTraining(folder, tuple(document["labels"]), str(document["preset"]), document)
        except (OSError, ValueError, KeyError, TypeError):
            # Its request is damaged, so it cannot go on; a new training can start.
            return None

    def go_on(self, project: Project, stopped: StoppedTraining) -> None:
        """Go on with a stopped training from its checkpoint, as if it had not been stopped."""
        self.work.begin(project.folder, {"config": stopped.config}, stopped.folder)

    def curves(self) -> dict[str, list[tuple[float, float]]]:
        """Name -> (epoch, value), to be drawn while it runs: losses, and the score on the validation part."""
        metrics = self.work.job.metrics if self.work.job else {}
        # One line per label would hide the three that tell how it goes; the loss of single steps is noise.
        return {name: list(points) for name, points in metrics.items() if name.count("/") == 1 and "step" not in name}

    def outcome(self) -> str:
        """What the last training reached, in a sentence."""
        result = self.work.result or {}
        text = f"Model {Path(str(result.get('model', ''))).name or 'trained'} is ready"
        score = result.get("score")
        name = result.get("score_title", "score")
        return f"{text}: {name} {float(score):.3f} on the test part." if score is not None else f"{text}."


def limit_text(preset: str) -> str:
    """How long a preset trains at most."""
    from XRayAILib.learning.config import TrainingConfig

    minutes = TrainingConfig.from_preset(preset).minutes
    return f"at most {duration_text(60 * minutes)}" if minutes else "no time limit"


def free_name(project: Project) -> str:
    """A name for the next model: ``model-1``, ``model-2``, ..."""
    number = 1
    while (project.models_folder / f"model-{number}").exists():
        number += 1
    return f"model-{number}"


class DeviceQuestion:
    """Asks another process which device a training would use: to import torch here would stop the window."""

    _CODE = (
        "import sys\n"
        "try:\n"
        "    from XRayAILib.learning.device import choose_device\n"
        "    print(choose_device(sys.argv[1]).description)\n"
        "except ImportError:\n"
        "    print('PyTorch is not installed yet')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )

    def __init__(self, interpreter: str = sys.executable) -> None:
        self._interpreter = interpreter
        self._asked = ""
        self._answers: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None

    def ask(self, device: str) -> None:
        """Begin to find out; :meth:`answer` has it after a while. What is known already is not asked again."""
        if device in self._answers or (self._process is not None and self._asked == device):
            return
        self.close()
        self._asked = device
        self._process = subprocess.Popen(
            [self._interpreter, "-c", self._CODE, device],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=library_environment(),
            # No console window beside Slicer's on Windows.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    @property
    def asking(self) -> bool:
        """Whether an answer is still to come."""
        return self._process is not None

    def answer(self, device: str) -> str:
        """What the device is; empty while it is not known. Never waits."""
        process = self._process
        if process is not None and process.poll() is not None:
            said = process.stdout.read().strip() if process.stdout else ""
            self._answers[self._asked] = said.splitlines()[-1] if said else "unknown"
            self.close()
        return self._answers.get(device, "")

    def forget(self) -> None:
        """Ask anew: something was installed."""
        self.close()
        self._answers.clear()

    def close(self) -> None:
        """End the question."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()
            self._process = None
