"""The images that a pretraining may see: all but those that a model will be judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example, image_key
from XRayAILib.learning.outside import outside_of
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query

VALIDATION = 0.1
"""Part of the persons by whose images the best weights are chosen, where no split says who."""


class UnlabelledProject(Project):
    """A project as if nobody had labelled anything in it."""

    def reference(self, uid: str) -> Findings | None:
        """Empty findings."""
        return Findings(uid, self.header(uid).shape, Author.imported("nobody"), ())


@dataclass(frozen=True)
class Unlabelled:
    """What a pretraining sees.

    Attributes
    ----------
    examples
        In the parts ``train`` and ``validation``.
    kept_out
        Reason -> how many images.
    undealt
        Images of persons who have no part yet: a later split may put them into its test part.
    """

    examples: tuple[Example, ...]
    kept_out: Mapping[str, int]
    undealt: int


def unlabelled_images(project: Project, config: TrainingConfig) -> Unlabelled:
    """All images but the excluded ones, those from outside, and all of every person of the test part.

    A person is whoever shares a patient or a copy of an image (:class:`XRayAILib.project.kin.Kin`); one image in the
    test part, or in the test fold of the configuration, keeps all of theirs out.

    Raises
    ------
    TrainingError
        Fewer than two persons are left.
    """
    every = list(project.stream(Query()))
    person = project.kin.persons(every)
    parts = _parts(project, every, config)
    of_person: dict[str, set[str]] = {}
    for image in every:
        of_person.setdefault(person[image.uid], set()).add(parts[image.uid])
    outside = outside_of(project, every, config.outside) if config.outside else frozenset[str]()
    visitors = {person[uid] for uid in outside}
    kept_out: Counter[str] = Counter()
    seen: list[Image] = []
    for image in every:
        own = person[image.uid]
        if "test" in of_person[own]:
            kept_out["their patients are in the test part"] += 1
        elif own in visitors:
            kept_out["they are from outside, or their patients are"] += 1
        elif image.excluded:
            kept_out["they are excluded"] += 1
        else:
            seen.append(image)
    persons = sorted({person[image.uid] for image in seen})
    if len(persons) < 2:
        reasons = ", ".join(f"{count} because {reason}" for reason, count in kept_out.items()) or "none"
        raise TrainingError(
            f"There are images of {len(persons)} patients to pretrain on, and at least 2 are needed. "
            f"Kept out: {reasons}."
        )
    chosen = _validation(persons, of_person, config.seed)
    examples = tuple(
        Example(
            image.uid,
            person[image.uid],
            frozenset(),
            "validation" if person[image.uid] in chosen else "train",
            image_key(image),
            "",
        )
        for image in seen
    )
    undealt = sum(of_person[person[image.uid]] == {""} for image in seen)
    return Unlabelled(examples, dict(kept_out), undealt)


def _parts(project: Project, every: list[Image], config: TrainingConfig) -> dict[str, str]:
    if not config.folds:
        return {image.uid: image.split for image in every}
    folds = project.parts.folds(config.folds)
    validation = (config.fold + 1) % config.folds
    names = {config.fold: "test", validation: "validation"}
    found = {}
    for image in every:
        fold = folds.get(image.header.patient_key)
        found[image.uid] = "" if fold is None else names.get(fold, "train")
    return found


def _validation(persons: list[str], parts: Mapping[str, set[str]], seed: int) -> set[str]:
    """Those of the validation part, and so many of the undealt ones that there is a tenth."""
    chosen = {person for person in persons if "validation" in parts[person]}
    free = [person for person in persons if parts[person] == {""}] or [p for p in persons if p not in chosen]
    np.random.default_rng(seed).shuffle(free)
    wanted = max(1, round(VALIDATION * len(persons)))
    chosen.update(free[: max(0, min(wanted - len(chosen), len(free) - 1))])
    return chosen if len(chosen) < len(persons) else set(sorted(chosen)[:1])
