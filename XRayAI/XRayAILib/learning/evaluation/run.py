"""How good a model is on images that nothing was chosen by, at the radiographs' own resolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.author import Author
from XRayAILib.learning.cache import Cancelled, Emit
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.evaluation.confounding import Known, associations, confounding_warnings
from XRayAILib.learning.evaluation.subgroups import ATTRIBUTES, compare_subgroups, gap_warnings
from XRayAILib.learning.examples import Example
from XRayAILib.learning.inference import Inference
from XRayAILib.learning.splits import OUTSIDE
from XRayAILib.learning.task import Task
from XRayAILib.project.groups import UNKNOWN, groups_of
from XRayAILib.project.project import Project

CODED = ("station", "site")
"""Attributes whose values name a hospital: a model travels, so it has numbers for them."""
FEW = 20
"""Patients below which an interval says little."""


def evaluate(
    inference: Inference,
    project: Project,
    examples: Sequence[Example],
    author: Author,
    emit: Emit,
    cancelled: Callable[[], bool] = lambda: False,
    seed: int = 0,
    learnt: Sequence[Example] = (),
) -> dict[str, Any]:
    """Measure a model on examples, as a whole and by subgroup, and ask what its figures cannot say.

    Parameters
    ----------
    examples
        What it is tested on.
    learnt
        What it was trained on and chosen by, as far as that is known: asked for confounding too.

    Returns
    -------
    dict
        ``labels``, ``overall`` and what else the task's figures have, see :data:`XRayAILib.learning.task.Figures`;
        ``images``: what is known of every image (``uid``, ``patient``, ``part``, ``groups``, ``case``), the worst
        first; ``subgroups``: see :func:`compare_subgroups`; ``confounding``: see :func:`associations`; ``warnings``:
        what is to be borne in mind, a sentence each; ``outside``, where some of several parts are from elsewhere: the
        same of these, which do not count in the others, and ``comparison``: their gaps to the others; ``unreadable``:
        (uid, reason); ``codes``: attribute -> number -> value, of what has numbers in the groups.

    Raises
    ------
    Cancelled
        ``cancelled`` said so.
    TrainingError
        None of the images can be read.
    """
    task = inference.task
    known, codes = _known(project, task, examples, learnt)
    images: list[dict[str, Any]] = []
    unreadable: list[tuple[str, str]] = []

    def progress(done: int, total: int, text: str, step: str = "test") -> None:
        if cancelled():
            raise Cancelled
        emit({"event": "progress", "step": step, "done": done, "total": total, "message": text})

    for done, example in enumerate(examples):
        progress(done + 1, len(examples), f"Testing on image {done + 1} of {len(examples)}")
        reference = project.reference(example.uid)
        try:
            radiograph = project.radiograph(example.uid)
        except UnreadableError as error:
            unreadable.append((example.uid, str(error)))
            emit({"event": "note", "uid": example.uid, "message": f"Not tested on: {error}"})
            continue
        if reference is not None:
            case = task.case(inference.findings(radiograph, author), reference, radiograph.spacing)
            about = {"uid": example.uid, "patient": str(example.patient), "part": example.part}
            images.append({**about, "groups": known[example.uid].groups, "case": case})
    if not images:
        raise TrainingError("None of the images can be read, so the model cannot be measured.")
    # In one order, whatever the order of the test: intervals and p-values are drawn by it.
    images.sort(key=lambda image: str(image["uid"]))
    inside = [image for image in images if image["part"] != OUTSIDE] or images
    found = _measured(task, inside, seed, lambda done, total, text: progress(done, total, text, "subgroups"))
    found["confounding"] = associations(list(known.values()), task.classes, seed)
    titles = class_titles(task)
    found["warnings"] = [
        *_few([image["patient"] for image in inside], titles, found),
        *confounding_warnings(found["confounding"], titles),
        *gap_warnings(found["subgroups"], task, titles),
    ]
    if len(inside) < len(images):
        found["outside"] = _outside(task, images, seed)
        found["warnings"] += gap_warnings(found["outside"]["comparison"], task, titles)
    if unreadable:
        found["warnings"].append(f"{len(unreadable)} of {len(examples)} images could not be read and do not count.")
    return {**found, "unreadable": unreadable, "codes": codes}


def _measured(
    task: Task,
    images: list[dict[str, Any]],
    seed: int,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    attributes: Sequence[str] = ATTRIBUTES,
) -> dict[str, Any]:
    cases, patients = [image["case"] for image in images], [image["patient"] for image in images]
    groups = [image["groups"] for image in images]
    figures = task.figures(cases, patients, seed)
    subgroups = compare_subgroups(task, cases, patients, groups, seed, progress, attributes)
    return {**figures, "images": sorted(images, key=lambda image: -task.badness(image["case"])), "subgroups": subgroups}


def _outside(task: Task, images: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """The figures of the images from elsewhere, and their gap to those that are tested on inside."""
    elsewhere = [image for image in images if image["part"] == OUTSIDE]
    found = _measured(task, elsewhere, seed)
    return {**found, "comparison": _measured(task, images, seed, attributes=("split",))["subgroups"]}


def kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """What of an evaluation goes into a model: nothing that names an image, a patient or a hospital."""
    names = ("images", "unreadable", "codes")
    return {name: kept(value) if name == "outside" else value for name, value in found.items() if name not in names}


def confounded_in(project: Project, task: Task, examples: Sequence[Example]) -> list[str]:
    """Which attributes already tell what is to be found in these images, a sentence each, without any model."""
    known, _ = _known(project, task, (), examples)
    return confounding_warnings(associations(list(known.values()), task.classes), class_titles(task))


def class_titles(task: Task) -> dict[str, str]:
    """What a person reads for each class: the label's title, with the answer where it has several."""
    titles = {label.name: label.title for label in task.legend}
    found = {}
    for name in task.classes:
        label, _, value = name.partition("=")
        title = titles.get(label, label)
        found[name] = f"{title}: {value}" if value and value != "yes" else title
    return found


def _known(
    project: Project, task: Task, examples: Sequence[Example], learnt: Sequence[Example]
) -> tuple[dict[str, Known], dict[str, dict[str, str]]]:
    """What is known of each image beside its pixels, and what the numbers in the groups stand for.

    An image that was learnt from and is tested on counts as learnt from.
    """
    taught = {example.uid for example in learnt}
    found: dict[str, Known] = {}
    for example in (*learnt, *examples):
        reference = None if example.uid in found else project.reference(example.uid)
        if reference is not None:
            part = "training" if example.uid in taught else example.part or "test"
            groups = {**groups_of(project.image(example.uid)), "split": example.part or UNKNOWN}
            found[example.uid] = Known(str(example.patient), groups, task.truths(reference), part)
    return found, _code([known.groups for known in found.values()])


def _code(groups: Sequence[dict[str, str]]) -> dict[str, dict[str, str]]:
    """Put numbers in the place of what names a hospital, and say what they stand for."""
    codes: dict[str, dict[str, str]] = {}
    for attribute in CODED:
        values = sorted({of[attribute] for of in groups} - {UNKNOWN})
        numbers = {value: str(i) for i, value in enumerate(values, 1)}
        for of in groups:
            of[attribute] = numbers.get(of[attribute], UNKNOWN)
        if numbers:
            codes[attribute] = {number: value for value, number in numbers.items()}
    return codes


def _few(patients: Sequence[str], titles: Mapping[str, str], figures: Mapping[str, Any]) -> list[str]:
    found = []
    count = len(set(patients))
    if count < FEW:
        found.append(f"The figures are of {count} patient{'s' if count != 1 else ''}: intervals of so few say little.")
    missing = [title for name, title in titles.items() if name not in figures["labels"]]
    if missing:
        found.append(f"Not measured, because no image tells of it: {', '.join(missing)}.")
    return found
