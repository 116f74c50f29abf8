"""How good a model is on images that nothing was chosen by, at the radiographs' own resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.agreement.bootstrap import mean_interval
from XRayAILib.findings.author import Author
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.learning.inference import Inference
from XRayAILib.project.project import Project


def evaluate(
    inference: Inference,
    project: Project,
    examples: Sequence[Example],
    author: Author,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a model on examples.

    Returns
    -------
    dict
        ``labels``: per structure and metric ``mean``, ``std``, ``low`` and ``high`` (95 % interval by bootstrap over
        patients), ``median``, ``min`` and ``count``; ``mean``: each metric's mean over the structures; ``images``: the
        values of every image, the worst first; ``unreadable``: (uid, reason).
    """
    images: list[dict[str, Any]] = []
    unreadable: list[tuple[str, str]] = []
    for done, example in enumerate(examples):
        if cancelled():
            raise Cancelled
        message = f"Testing on image {done + 1} of {len(examples)}"
        emit({"event": "progress", "step": "test", "done": done + 1, "total": len(examples), "message": message})
        reference = project.reference(example.uid)
        try:
            radiograph = project.radiograph(example.uid)
        except UnreadableError as error:
            unreadable.append((example.uid, str(error)))
            continue
        if reference is not None:
            found = inference.task.measure(inference.findings(radiograph, author), reference)
            images.append({"uid": example.uid, "patient": example.patient, "metrics": found})
    if not images:
        raise TrainingError("No image of the test part can be read, so the model cannot be measured.")
    images.sort(key=_agreement)
    labels = summarise(images, inference.task.labels, seed)
    names = {name for values in labels.values() for name in values}
    mean = {n: float(np.mean([v[n]["mean"] for v in labels.values() if n in v])) for n in sorted(names)}
    return {"labels": labels, "mean": mean, "images": images, "unreadable": unreadable}


def summarise(images: Sequence[Mapping[str, Any]], labels: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Mean, spread and interval of each metric per label, from the values of every image."""
    summary: dict[str, Any] = {}
    for label in labels:
        shown = [image for image in images if label in image["metrics"]]
        if not shown:
            continue
        patients = [str(image["patient"]) for image in shown]
        summary[label] = {
            name: _statistics(np.array([image["metrics"][label][name] for image in shown]), patients, seed)
            for name in shown[0]["metrics"][label]
        }
    return summary


def _statistics(values: np.ndarray, patients: Sequence[str], seed: int) -> dict[str, float | int]:
    low, high = bootstrap_interval(values, patients, seed)
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if len(values) > 1 else 0.0,
        "low": low,
        "high": high,
        "median": float(np.median(values)),
        "min": float(values.min()),
        "count": len(values),
    }


def bootstrap_interval(values: np.ndarray, patients: Sequence[str], seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean; patients are drawn, because the images of one are not independent."""
    mean = float(values.mean())
    return mean_interval(values, patients, seed) or (mean, mean)


def _agreement(image: Mapping[str, Any]) -> float:
    values = [value for metrics in image["metrics"].values() for value in list(metrics.values())[:1]]
    return float(np.mean(values)) if values else 1.0
