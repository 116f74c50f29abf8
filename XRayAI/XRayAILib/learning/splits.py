"""Which patients a model learns from, is chosen by, and is judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.examples import Example
from XRayAILib.project.project import Project

PARTS: dict[str, float] = {"train": 0.70, "validation": 0.15, "test": 0.15}


def split(project: Project, examples: Sequence[Example], labels: Sequence[str], seed: int) -> list[Example]:
    """Give every example its part and store it in the project.

    Parts are dealt by patient, so that every image of a person, priors among them, lies on one side. What the project
    has assigned before stays as it is, so that a test part stays untouched when images are added.

    Raises
    ------
    TrainingError
        There are fewer than three patients, or a label does not occur in the training part.
    """
    fixed: dict[str, str] = {}
    for image in examples:
        if image.part:
            earlier = fixed.setdefault(image.patient, image.part)
            if earlier != image.part:
                raise TrainingError(
                    f"The patient '{image.patient}' has images in the parts {earlier} and {image.part}. "
                    "Reset the split of the project, so that no patient is on two sides."
                )
    drawn: dict[str, frozenset[str]] = {}
    for image in examples:
        drawn[image.patient] = drawn.get(image.patient, frozenset()) | image.labels
    parts = deal(drawn, seed, fixed)
    done = [replace(e, part=parts[e.patient]) for e in examples]
    _check(done, labels)
    project.assign_split({e.uid: e.part for e in done})
    return done


def deal(patients: Mapping[str, frozenset[str]], seed: int, fixed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Part of every patient, 70/15/15, with every combination of labels spread over the parts alike.

    Parameters
    ----------
    patients
        The labels of each patient.
    fixed
        Parts that were assigned before and stay.
    """
    if len(patients) < len(PARTS):
        count = "one patient only" if len(patients) == 1 else f"only {len(patients)} patients"
        raise TrainingError(
            f"There is {count} with labels; training, validation and test need different patients, so at least "
            f"{len(PARTS)}. Label images of more patients (images without a patient ID count as patients of their own)."
        )
    parts = {p: part for p, part in (fixed or {}).items() if p in patients}
    shuffled = sorted(patients)
    np.random.default_rng(seed).shuffle(shuffled)
    sizes = Counter(patients.values())
    # Rare combinations first: they have the least room.
    shuffled.sort(key=lambda p: (sizes[patients[p]], sorted(patients[p])))
    counts = Counter(parts.values())
    for patient in shuffled:
        if patient not in parts:
            total = sum(counts.values()) + 1
            parts[patient] = max(PARTS, key=lambda part: PARTS[part] * total - counts[part])
            counts[parts[patient]] += 1
    movable = [p for p in reversed(shuffled) if p not in (fixed or {})]
    for part in PARTS:
        while not counts[part]:
            largest = counts.most_common(1)[0][0]
            patient = next((p for p in movable if parts[p] == largest), "")
            if not patient:
                raise TrainingError(f"No patient is left for the {part} part: label more, or reset the split.")
            parts[patient] = part
            counts[largest] -= 1
            counts[part] += 1
    return parts


def reset(project: Project) -> None:
    """Forget the parts of all images; the next training deals them anew, and the test part is no longer untouched."""
    project.assign_split({image.uid: "" for image in project.images() if image.split})
    project.audit("reset split")


def part_of(examples: Sequence[Example], part: str) -> list[Example]:
    return [e for e in examples if e.part == part]


def label_counts(examples: Sequence[Example], labels: Sequence[str]) -> dict[str, dict[str, int]]:
    """Images with each label in each part, as ``{"train": {"heart": 40, ...}, ...}``."""
    return {
        part: {label: sum(label in e.labels for e in part_of(examples, part)) for label in labels} for part in PARTS
    }


def _check(examples: Sequence[Example], labels: Sequence[str]) -> None:
    counts = label_counts(examples, labels)
    for label in labels:
        if not counts["train"][label]:
            elsewhere = [part for part in PARTS if counts[part][label]]
            raise TrainingError(
                f"The label '{label}' occurs only in the {' and '.join(elsewhere)} part, so it cannot be learnt. "
                "Label it in images of more patients, train without it, or reset the split of the project."
            )
