"""Several models of one task side by side: what each reached on its own test part, or all on the same images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from XRayAILib.findings.agreement.bootstrap import Draws
from XRayAILib.learning.cache import Emit
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.errors import ModelError
from XRayAILib.learning.evaluation.comparable import OVERALL
from XRayAILib.learning.evaluation.run import evaluate
from XRayAILib.learning.examples import Example, gather
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.metric import Metric
from XRayAILib.learning.model import Model
from XRayAILib.project.project import Project

RESAMPLES = 1000
_AT_ONCE = 100
"""Draws that are held in memory together."""
_SAME_TEST = ("seed", "folds", "fold", "outside")
"""Settings that decide which images are the test part."""


@dataclass(frozen=True)
class Compared:
    """A figure of two models on the same images.

    Attributes
    ----------
    name
        The class, or empty for all together.
    metric
        Key of the metric.
    first, other
        The figure of each.
    low, high
        95 % interval of ``other - first``, by drawing patients for both at once; ``None`` where there is none.
    """

    name: str
    metric: str
    first: float
    other: float
    low: float | None
    high: float | None

    @property
    def difference(self) -> float:
        return self.other - self.first

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def require_one_task(models: Sequence[Model]) -> None:
    """Raise :class:`ModelError` where models are of different tasks."""
    kinds = {model.config.task: model.name for model in models}
    if len(kinds) > 1:
        listed = ", ".join(f"'{name}' does {task}" for task, name in kinds.items())
        raise ModelError(f"Models of different tasks have no figures in common: {listed}.")


def figure_of(model: Model, name: str, metric: str) -> Mapping[str, Any] | None:
    """A figure on the model's own test part; ``name`` empty for all classes together. ``None`` where it has none."""
    found: Any = model.metrics.get("labels", {}).get(name) if name else model.metrics.get("overall")
    figure = found.get(metric) if isinstance(found, Mapping) else None
    if not isinstance(figure, Mapping) or not isinstance(figure.get("value"), (int, float)):
        return None
    return figure


def figure_text(figure: Mapping[str, Any] | None, metric: Metric) -> str:
    """``0.962 (0.951 to 0.970)``; empty without a figure."""
    if figure is None:
        return ""
    text = metric.text(float(figure["value"]))
    low, high = figure.get("low"), figure.get("high")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        text += f" ({low:.{metric.digits}f} to {high:.{metric.digits}f})"
    return text


def unlike_test_parts(models: Sequence[Model]) -> str:
    """Why figures on the models' own test parts are not of the same images, as a sentence; empty where they are."""
    first = models[0]
    for other in models[1:]:
        for model in (first, other):
            if not model.metrics.get("labels"):
                return f"'{model.name}' has not been measured on any test part: measure both with --on-test."
        unlike = [name for name in _SAME_TEST if getattr(first.config, name) != getattr(other.config, name)]
        one, two = (m.manifest.get("training", {}) for m in (first, other))
        if one.get("snapshot") != two.get("snapshot"):
            unlike.append("snapshot")
        counts = [made.get("images", {}).get("test") for made in (one, two)]
        if unlike or counts[0] != counts[1]:
            why = f" ({', '.join(unlike)})" if unlike else f" ({counts[0]} and {counts[1]} images)"
            return (
                f"The test parts of '{first.name}' and '{other.name}' are not the same{why}, so their figures cannot "
                "be compared. Measure them on the same images with --on-test."
            )
    return ""


def compare_on_test(
    models: Sequence[Model],
    project: Project,
    device: str = "auto",
    emit: Emit = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
) -> tuple[list[list[Compared]], int, int]:
    """Each model after the first against the first one, on the labelled images of the project's test part.

    Returns
    -------
    For each of these models its figures; how many images, and how many patients they are of.

    Raises
    ------
    ModelError
        Different tasks, no class in common, or no test part.
    """
    require_one_task(models)
    for model in models:
        model.check_schema(project.schema)
    chosen = _test_examples(models, project)
    where = choose_device(device)
    cases: list[dict[str, Mapping[str, Any]]] = []
    patients: dict[str, str] = {}
    for number, model in enumerate(models, start=1):
        message = f"{model.name}, {number} of {len(models)}"
        emit({"event": "progress", "step": "test", "done": number - 1, "total": len(models), "message": message})
        inference = Inference(model.task, model.network(), model.preset, where)
        measured = evaluate(inference, project, chosen, model.author, emit, cancelled, seed)
        cases.append({image["uid"]: image["case"] for image in measured["images"]})
        patients.update({image["uid"]: str(image["patient"]) for image in measured["images"]})
    uids = [uid for uid in cases[0] if all(uid in of for of in cases)]
    owners = [patients[uid] for uid in uids]
    lists = [[of[uid] for uid in uids] for of in cases]
    found = [
        paired(models[0], other, lists[0], own, owners, seed) for other, own in zip(models[1:], lists[1:], strict=True)
    ]
    return found, len(uids), len(set(owners))


def paired(
    first: Model,
    other: Model,
    first_cases: Sequence[Mapping[str, Any]],
    other_cases: Sequence[Mapping[str, Any]],
    patients: Sequence[str],
    seed: int = 0,
) -> list[Compared]:
    """Figures of two models on the same images, with the interval of their difference by a paired bootstrap.

    Patients are drawn for both models at once (Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993): what
    makes an image hard for both does not widen the interval.
    """
    ours, theirs = first.task.statistics(first_cases), other.task.statistics(other_cases)
    draws = Draws(patients, seed, RESAMPLES)
    everyone = np.ones((1, len(patients)))
    found = []
    for key in (key for key in ours if key in theirs):
        one, two = (float(part[key].of(everyone)[0]) for part in (ours, theirs))
        if not (np.isfinite(one) and np.isfinite(two)):
            continue
        values = np.concatenate(
            [
                theirs[key].of(weights) - ours[key].of(weights)
                for weights in (draws.weights(at, at + _AT_ONCE) for at in range(0, RESAMPLES, _AT_ONCE))
            ]
        )
        bounds = draws.bounds(values) if draws.patients > 1 else None
        low, high = bounds or (None, None)
        found.append(Compared(key[0], key[1], one, two, low, high))
    if not found:
        raise ModelError(f"'{first.name}' and '{other.name}' have no class in common that the test part has.")
    order = {OVERALL: -1, **{name: place for place, name in enumerate(first.task.classes)}}
    return sorted(found, key=lambda one: order.get(one.name, len(order)))


def _test_examples(models: Sequence[Model], project: Project) -> list[Example]:
    """The images of the test part that teach something that every model finds."""
    parts: list[dict[str, Example]] = []
    for model in models:
        _, examples = gather(project, model.config.changed(labels=model.labels))
        parts.append({example.uid: example for example in examples if example.part == "test"})
    chosen = [example for uid, example in parts[0].items() if all(uid in part for part in parts)]
    if not chosen:
        raise ModelError(
            "The project has no labelled images in its test part. Deal the images into parts first: training does it, "
            "and so does 'xrayai split'."
        )
    return chosen
