"""Whether a model that was trained again takes the place of the one it came from, and where that is written.

Beside a model that was trained again lies ``models/NAME.again.json``: both models' figures on the old and the new test
part, and whether it replaced the old one. The model folders themselves never change. Where nobody names a model, the
newest one that was not set aside is taken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.device import Device
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.comparable import OVERALL
from XRayAILib.learning.examples import Example
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.models.comparison import Compared, paired
from XRayAILib.project.project import Project

if TYPE_CHECKING:
    from XRayAILib.learning.model import Model
    from XRayAILib.learning.task import Task

ENDING = ".again.json"
TOLERANCES = {"mre": 0.05}
"""Differences that are none, by metric; of landmarks in % of the longer side."""
TOLERANCE = 0.01
"""Of every other metric: Dice, AP, AUROC."""
_Cases = tuple[Mapping[str, Mapping[str, Any]], Mapping[str, Mapping[str, Any]]]
"""What the old and the new model said of each image, by uid."""
MOST = 5
"""Times the tolerance: a difference that is worse than this counts, however wide its interval is."""


@dataclass(frozen=True)
class Compare:
    """Both models on the same images.

    Attributes
    ----------
    part
        ``old`` for the old model's own test part, ``new`` for the test part as it is now.
    figures
        All that were compared, all classes together first.
    judged
        The one that decides: of all classes together, the task's score where it is compared.
    worse
        Why the new model is worse, as a sentence; empty where it is not.
    notes
        Classes of which the new model is clearly worse, a sentence each.
    """

    part: str
    images: int
    patients: int
    figures: tuple[Compared, ...]
    judged: Compared
    worse: str
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        figures = [{**asdict(one), "difference": one.difference} for one in self.figures]
        judged = {"name": self.judged.name, "metric": self.judged.metric}
        own = {"part": self.part, "images": self.images, "patients": self.patients, "judged": judged}
        return {**own, "figures": figures, "worse": self.worse, "notes": list(self.notes)}


def compare(part: str, old: Model, new: Model, cases: _Cases, examples: Sequence[Example], seed: int = 0) -> Compare:
    """Compare two models by what they said of the same images."""
    known = [e for e in examples if e.uid in cases[0] and e.uid in cases[1]]
    if not known:
        raise TrainingError(f"No image of the {part} test part can be read, so the models cannot be compared.")
    owners = [e.patient for e in known]
    first, second = ([of[e.uid] for e in known] for of in cases)
    figures = tuple(paired(old, new, first, second, owners, seed))
    judged = judged_by(figures, old.task)
    metrics = {metric.name: metric for metric in old.task.metrics}
    metric = metrics.get(judged.metric) or Metric(judged.metric, judged.metric)
    others = [one for one in figures if one.name and one is not judged and one.metric == judged.metric]
    notes = tuple(
        f"It is clearly worse at {one.name.replace('_', ' ')}: {_words(one, metric)}."
        for one in others
        if one.is_clear and _gain(one.difference, metric) < 0
    )
    return Compare(part, len(known), len(set(owners)), figures, judged, worse(judged, metric), notes)


def judged_by(figures: Sequence[Compared], task: Task) -> Compared:
    """The figure that decides."""
    together = [one for one in figures if one.name == OVERALL] or list(figures)
    order = {metric.name: place for place, metric in enumerate((task.score, *task.metrics))}
    order[task.score.name] = -1
    # AP50 of boxes is compared in the place of the mean over overlaps, which no bootstrap has the time for.
    return min(together, key=lambda one: order.get(one.metric, len(order)))


def worse(judged: Compared, metric: Metric) -> str:
    """Why the new model counts as worse, as a sentence; empty where it does not.

    It does where the whole 95 % interval of the paired difference lies below the tolerance, and where the difference
    itself is worse than :data:`MOST` tolerances: of a few patients no interval says anything clearly, and so large a
    loss is not to be taken for chance. Without an interval, where the difference is worse than the tolerance.
    """
    tolerance = TOLERANCES.get(metric.name, TOLERANCE)
    gain = _gain(judged.difference, metric)
    bounds = [_gain(bound, metric) for bound in (judged.low, judged.high) if bound is not None]
    if bounds and max(bounds) < -tolerance:
        return f"It is clearly worse: {_words(judged, metric)}, all of it beyond the tolerance of {tolerance:g}."
    if gain < -(MOST * tolerance if bounds else tolerance):
        return f"It is worse by more than can be taken for chance: {_words(judged, metric)}."
    return ""


def cases_of(
    model: Model,
    project: Project,
    examples: Sequence[Example],
    device: Device,
    emit: Emit = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, Mapping[str, Any]]:
    """What :meth:`Task.case` says of each image that can be read, by uid."""
    inference = Inference(model.task, model.network(), model.preset, device)
    found: dict[str, Mapping[str, Any]] = {}
    for done, example in enumerate(examples, start=1):
        if cancelled():
            raise Cancelled
        message = f"Comparing: {model.folder.name}, image {done} of {len(examples)}"
        emit({"event": "progress", "step": "compare", "done": done, "total": len(examples), "message": message})
        reference = project.reference(example.uid)
        try:
            radiograph = project.radiograph(example.uid)
        except UnreadableError as error:
            emit({"event": "note", "uid": example.uid, "message": f"Not compared on: {error}"})
            continue
        if reference is not None:
            said = inference.findings(radiograph, model.author)
            found[example.uid] = model.task.case(said, reference, radiograph.spacing)
    return found


def write_verdict(folder: Path, verdict: Mapping[str, Any]) -> Path:
    """Write the verdict on the model in ``folder`` beside it; whole or not at all."""
    path = verdict_path(folder)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(json.dumps(verdict, indent=1), "utf-8")
    temporary.replace(path)
    return path


def verdict_path(folder: Path) -> Path:
    return folder.with_name(folder.name + ENDING)


def read_verdict(folder: Path) -> Mapping[str, Any]:
    """The verdict on the model in ``folder``; empty where it was not trained again, or where it is of another model."""
    path = verdict_path(folder)
    try:
        found = json.loads(path.read_text("utf-8"))
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        if isinstance(found, dict) and found["model"] == manifest["digest"]:
            return found
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError):
        # Without it, it is a model like any other; its own manifest still names what it came from.
        return {}
    return {}


def is_set_aside(folder: Path) -> bool:
    """Whether a model was trained again and found worse than the one it came from."""
    return read_verdict(folder).get("replaced") is False


def _gain(value: float, metric: Metric) -> float:
    """A difference as something that is better where it is larger."""
    return value if metric.better == "higher" else -value


def _words(one: Compared, metric: Metric) -> str:
    text = f"{metric.title} {metric.text(one.first)} before and {metric.text(one.other)} now"
    if one.low is None or one.high is None or not math.isfinite(one.low):
        return text
    return f"{text} (difference {one.low:+.{metric.digits}f} to {one.high:+.{metric.digits}f})"
