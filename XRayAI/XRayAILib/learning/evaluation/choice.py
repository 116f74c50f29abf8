"""Which images a model that is there already is tested on, and which of them it has seen before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, survey
from XRayAILib.learning.outside import outside_of
from XRayAILib.learning.splits import OUTSIDE, plan_split
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query

if TYPE_CHECKING:
    from XRayAILib.learning.model import Model

ASKED = ("test", "validation", "outside", "all")
NEW = "new"
"""The part of images that were labelled after the training and that no part was dealt to."""
SEEN = ("train", "validation")


@dataclass(frozen=True)
class Choice:
    """The images of an evaluation.

    Attributes
    ----------
    examples
        Those it is tested on, each with its part.
    learnt
        Those it learnt from and was chosen by, as far as the project knows.
    warnings
        What makes this less than a test, a sentence each.
    """

    examples: tuple[Example, ...]
    learnt: tuple[Example, ...]
    warnings: tuple[str, ...]


def choose(project: Project, model: Model, part: str) -> Choice:
    """The labelled images of a part, as the model's own training divided them.

    An image keeps the part that it had in the snapshot the model was trained with, and so do later images of the same
    person; others have the part that the project gives them now.

    Parameters
    ----------
    part
        ``test``, ``validation``, ``outside`` (what the model's configuration calls so) or ``all``.

    Raises
    ------
    TrainingError
        There are no such images, or the model was trained on images of a part that is meant to be untouched.
    """
    if part not in ASKED:
        raise TrainingError(f"There is no part '{part}'; there are {', '.join(ASKED)}.")
    model.check_schema(project.schema)
    config = model.config.changed(labels=model.labels)
    found = survey(project, config)
    wrong = [problem.text for problem in found.problems if problem.kind == "size"]
    if wrong:
        raise TrainingError(" ".join(wrong))
    then, why_not = _parts_then(project, model)
    persons = project.kin.persons(list(project.stream(Query())))
    known = {persons[uid]: own for uid, own in then.items() if uid in persons and own in SEEN}
    examples = _divided(project, found.examples, config, then, known, persons)
    chosen = tuple(e for e in examples if part == "all" or e.part == part)
    if not chosen:
        raise TrainingError(_nothing(part, examples, config))
    seen = [e for e in chosen if known.get(e.patient) == "train" or e.part == "train"]
    warnings = list(_unknown(model, why_not)) if not then else []
    if seen and part in ("test", "outside"):
        raise TrainingError(
            f"{len(seen)} of the {len(chosen)} images of the {part} part, or their patients, are among those that "
            f"'{model.name}' was trained on, such as {project.header(seen[0].uid).path}: what is measured there would "
            "say nothing about new images. The parts were dealt anew since; train again, or take --part all and bear "
            "in mind what it means."
        )
    if seen:
        warnings.insert(
            0,
            f"THIS IS NO TEST: {len(seen)} of the {len(chosen)} images are among those that the model was trained on. "
            "Its figures say how well it remembers, not how well it reads new images.",
        )
    elif part == "validation":
        warnings.insert(
            0,
            "THIS IS NO TEST: the weights and thresholds of the model were chosen by the validation part, so its "
            "figures there are better than on new images.",
        )
    learnt = tuple(e for e in examples if e.part in SEEN)
    return Choice(chosen, learnt, tuple(warnings))


def _parts_then(project: Project, model: Model) -> tuple[Mapping[str, str], str]:
    """Uid -> part in the model's own training; empty, and why, where this project does not know it."""
    snapshot = str(model.manifest.get("training", {}).get("snapshot", ""))
    if not snapshot:
        return {}, "it was not made in a project of X-Ray AI"
    try:
        with PinnedProject.at(project.folder, snapshot) as pinned:
            config = model.config.changed(labels=model.labels)
            return {e.uid: e.part for e in plan_split(pinned, survey(pinned, config).examples, config).examples}, ""
    except ProjectError as error:
        return {}, f"its snapshot {snapshot[:12]} cannot be read here ({error})"


def _unknown(model: Model, why_not: str) -> Sequence[str]:
    return (
        f"It is not known which images '{model.name}' was trained on: {why_not}. Where it has seen these before, its "
        "figures are better than on new images.",
    )


def _divided(
    project: Project,
    examples: Sequence[Example],
    config: TrainingConfig,
    then: Mapping[str, str],
    known: Mapping[str, str],
    persons: Mapping[str, str],
) -> list[Example]:
    images = {image.uid: image for image in project.images_of([e.uid for e in examples])}
    elsewhere = outside_of(project, images.values(), config.outside)
    found = []
    for example in examples:
        person = persons[example.uid]
        part = then.get(example.uid) or known.get(person) or images[example.uid].split or NEW
        if example.uid in elsewhere and part not in SEEN:
            part = OUTSIDE
        found.append(replace(example, part=part, patient=person))
    return found


def _nothing(part: str, examples: Sequence[Example], config: TrainingConfig) -> str:
    if part == OUTSIDE and not config.outside:
        return (
            "The model's configuration names no images from elsewhere, so there is no outside part. Train with "
            "'outside', such as  outside: {site: [HOSPITAL B]},  or test on another part."
        )
    counts = {name: sum(e.part == name for e in examples) for name in dict.fromkeys(e.part for e in examples)}
    there = ", ".join(f"{count} in {name}" for name, count in counts.items()) or "none at all"
    return f"No labelled image of the model's labels is in the {part} part ({there}). Label some, or take another part."
