"""Evaluation of a model that is there: on which images, what it found, and pictures of its best and worst.

::

    found = evaluate_model(project, model, "test")
    write_evaluation(project, found, project.exports_folder / "evaluation.html")    # report.py
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.objects import now
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.evaluation.choice import choose
from XRayAILib.learning.evaluation.run import class_titles, evaluate
from XRayAILib.workflow.outlined import outlined_picture
from XRayAILib.workflow.plots import COLORS

if TYPE_CHECKING:
    from XRayAILib.learning.inference import Inference
    from XRayAILib.learning.model import Model
    from XRayAILib.project.project import Project

SHOWN = 4
"""Of the worst, and as many of the best."""
REFERENCE, PREDICTION = COLORS[2], COLORS[1]


@dataclass(frozen=True)
class CasePicture:
    """An image with what the model found and what is true.

    Attributes
    ----------
    kind
        ``worst`` or ``best``.
    told
        How good it is, in words.
    image
        JPEG; empty where it cannot be shown.
    """

    uid: str
    kind: str
    told: str
    image: bytes = b""


@dataclass(frozen=True)
class Evaluated:
    """A model measured on a part of a project.

    Attributes
    ----------
    found
        See :func:`XRayAILib.learning.evaluation.run.evaluate`.
    warnings
        What makes it less than a test, then those of ``found``.
    """

    model: Model
    part: str
    created: str
    seed: int
    device: str
    found: Mapping[str, Any]
    warnings: Sequence[str]
    pictures: Sequence[CasePicture] = field(default=())

    @property
    def patients(self) -> int:
        return len({image["patient"] for image in self.found["images"]})


def evaluate_model(
    project: Project,
    model: Model,
    part: str = "test",
    emit: Emit = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
    device: str = "auto",
    seed: int = 0,
) -> Evaluated:
    """Measure a model on a part of the labelled images.

    Parameters
    ----------
    part
        ``test``, ``validation``, ``outside`` or ``all``; see :func:`XRayAILib.learning.evaluation.choice.choose`.

    Raises
    ------
    TrainingError
        There are no such images, or the model was trained on them.
    Cancelled
        ``cancelled`` said so.
    """
    from XRayAILib.learning.device import choose_device
    from XRayAILib.learning.inference import Inference

    chosen = choose(project, model, part)
    for warning in chosen.warnings:
        emit({"event": "note", "message": warning})
    where = choose_device(device)
    emit({"event": "device", "device": where.description})
    inference = Inference(model.task, model.network(), model.preset, where)
    found = evaluate(inference, project, chosen.examples, model.author, emit, cancelled, seed, chosen.learnt)
    pictures = _pictures(project, model, inference, found["images"], emit, cancelled)
    project.audit("evaluate", f"{model.folder.name} {model.digest[:16]} on {len(found['images'])} images ({part})")
    warnings = [*chosen.warnings, *found["warnings"]]
    return Evaluated(model, part, now(), seed, where.description, found, warnings, pictures)


def _pictures(
    project: Project,
    model: Model,
    inference: Inference,
    images: Sequence[Mapping[str, Any]],
    emit: Emit,
    cancelled: Callable[[], bool],
) -> list[CasePicture]:
    task, titles, found = model.task, class_titles(model.task), list[CasePicture]()
    good = [image for image in reversed(images) if _is_something(image["case"])] or list(reversed(images))
    # Many are as good as can be: then they are drawn, not the first by their names.
    best = [image for image in good if task.badness(image["case"]) <= task.badness(good[0]["case"])]
    random.Random(0).shuffle(best)
    best = (best + [image for image in good if image not in best])[:SHOWN] if len(best) < SHOWN else best[:SHOWN]
    worst = list(images[:SHOWN])
    chosen = [("worst", image) for image in worst]
    chosen += [("best", image) for image in best if image not in worst]
    for done, (kind, image) in enumerate(chosen):
        if cancelled():
            raise Cancelled
        text = "Drawing the best and worst cases"
        emit({"event": "progress", "step": "pictures", "done": done + 1, "total": len(chosen), "message": text})
        told = told_of(titles, image["case"])
        try:
            radiograph = project.radiograph(image["uid"])
        except UnreadableError as error:
            found.append(CasePicture(image["uid"], kind, f"{told}; it cannot be shown: {error}"))
            continue
        reference = project.reference(image["uid"])
        labels = set(task.labels)
        true = [o for o in reference or () if o.label in labels]
        seen = [o for o in inference.findings(radiograph, model.author) if o.label in labels and _is_shown(task, o)]
        drawn = outlined_picture(radiograph, [(true, REFERENCE), (seen, PREDICTION)], whole=True)
        found.append(CasePicture(image["uid"], kind, told, drawn))
    return found


def _is_shown(task: Any, item: Any) -> bool:
    """Whether a person is shown it: boxes below the threshold are only there to be counted."""
    thresholds = getattr(task, "thresholds", {})
    return item.score is None or item.score >= thresholds.get(item.label, 0.0)


def _is_something(case: Mapping[str, Any]) -> bool:
    """Whether there is anything to be seen: of images in which rightly nothing is found, one is like the other."""
    return any(fact.get("there") or fact.get("targets") or "truth" in fact for fact in case.values())


def told_of(titles: Mapping[str, str], case: Mapping[str, Any]) -> str:
    """What was measured of an image, in words, the worst classes first."""
    told = []
    for name, title in titles.items():
        text = _fact(case[name]) if name in case else ""
        if text:
            told.append((_worse(case[name]), f"{title}: {text}"))
    told.sort(key=lambda entry: -entry[0])
    more = f"; and {len(told) - 3} more" if len(told) > 4 else ""
    return "; ".join(text for _, text in (told[:3] if more else told)) + more


def _fact(fact: Mapping[str, Any]) -> str:
    if "dice" in fact and fact["there"] and fact["found"]:
        return f"Dice {fact['dice']:.3f}" + (f", HD95 {fact['hd95']:.1f} {fact['unit']}" if "hd95" in fact else "")
    if "truth" in fact:
        return f"probability {fact['probability']:.2f}, {'is there' if fact['truth'] else 'is not there'}"
    if "targets" in fact:
        return f"{fact['found']} of {fact['targets']} found, {fact['false']} false"
    if fact.get("there") and not fact.get("found"):
        return "missed"
    if fact.get("found") and not fact.get("there"):
        return "found where there is none"
    return f"{fact['error']:.1f} {fact['unit']} off" if "error" in fact else ""


def _worse(fact: Mapping[str, Any]) -> float:
    if "dice" in fact:
        return 1 - float(fact["dice"])
    if "truth" in fact:
        return abs(float(fact["truth"]) - float(fact["probability"]))
    if "targets" in fact:
        return float(fact["targets"] - fact["found"] + fact["false"])
    return float(fact.get("there") != fact.get("found")) + float(fact.get("error_part", 0.0))
