"""Confounding: whether an attribute of the images already tells what a model is to find.

Where most of the ill are taken lying down, a model that recognises the view looks like one that recognises the disease.
So before any model is looked at, every attribute is asked how well it alone predicts every class, in the part that is
learnt from and in the part that is tested on: Cramér's V (corrected for its bias: Bergsma, *J. Korean Stat. Soc.* 42,
2013), and the AUROC of an imaginary model that knows nothing but the attribute, with an interval by bootstrap over
patients. The p-value comes from a permutation test: patients are put in random order and get the answers of the others,
those of one patient together, because images of one person are not independent. The p-values of a part are corrected by
Holm together, and a pair is called confounded where its own is at most 0.05 and the V at least 0.1, because in a large
collection also what hardly matters is significant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from XRayAILib.findings.agreement.bootstrap import Draws
from XRayAILib.learning.classification.ranking import auroc
from XRayAILib.learning.evaluation.gap import LEVEL, holm
from XRayAILib.learning.evaluation.subgroups import ATTRIBUTES, p_text
from XRayAILib.project.groups import GROUPS, UNKNOWN

LEAST_V = 0.1
LEAST_PATIENTS = 5
"""Of each value of an attribute, and with and without the class; rarer values are put together."""
OTHER = "other"
MOST, FEWEST = 5000, 1000
"""Permutations of few and of many images."""


@dataclass(frozen=True)
class Known:
    """What is known of an image beside its pixels.

    Attributes
    ----------
    groups
        Attribute -> value.
    truths
        Class -> whether it is there; a class of which nothing is known is left out.
    part
        ``training`` for what a model was learnt from and chosen by, ``test``, ...
    """

    patient: str
    groups: dict[str, str]
    truths: Mapping[str, bool]
    part: str


def associations(images: Sequence[Known], classes: Sequence[str], seed: int = 0) -> list[dict[str, Any]]:
    """How far each attribute tells each class in each part, the strongest first.

    Returns
    -------
    list of dict
        ``part``, ``attribute``, ``class``; ``counts``: value -> (images with the class, images); ``images``,
        ``patients``; ``v``, ``auroc``, ``low``, ``high``; ``p``, ``corrected_p``; ``confounded``.
    """
    found: list[dict[str, Any]] = []
    for part in dict.fromkeys(image.part for image in images):
        own = [image for image in images if image.part == part]
        of_part = []
        for name in classes:
            told = [image for image in own if name in image.truths]
            for attribute in ATTRIBUTES:
                one = _association(told, name, attribute, seed)
                if one is not None:
                    of_part.append({"part": part, "attribute": attribute, "class": name, **one})
        adjusted, _ = holm([one["p"] for one in of_part])
        for one, p in zip(of_part, adjusted, strict=True):
            one.update(corrected_p=p, confounded=p <= LEVEL and one["v"] >= LEAST_V)
        found += of_part
    return sorted(found, key=lambda one: (not one["confounded"], one["corrected_p"], -one["v"]))


def _association(images: Sequence[Known], name: str, attribute: str, seed: int) -> dict[str, Any] | None:
    """One attribute and one class; ``None`` where there is nothing to compare."""
    images = [image for image in images if image.groups.get(attribute, UNKNOWN) != UNKNOWN]
    values = _merged([(image.patient, image.groups[attribute]) for image in images])
    truths = np.array([image.truths[name] for image in images], bool)
    patients = np.array([image.patient for image in images], dtype=str)
    sides = [len(set(patients[truths == side])) for side in (True, False)]
    if len(set(values)) < 2 or min(sides) < LEAST_PATIENTS:
        return None
    kinds = sorted(set(values))
    index = np.array([kinds.index(value) for value in values])
    table = np.zeros((len(kinds), 2))
    np.add.at(table, (index, truths.astype(int)), 1)
    # Who knows only the attribute can do no better than to go by how often the class is there.
    scores = (table[:, 1] / table.sum(axis=1))[index]
    draws = Draws([image.patient for image in images], seed, 1000)
    low, high = Draws.bounds(auroc(truths.astype(float), scores, draws.weights())) or (None, None)
    return {
        "counts": {kind: [int(row[1]), int(row.sum())] for kind, row in zip(kinds, table, strict=True)},
        "images": len(images),
        "patients": draws.patients,
        "v": cramers_v(table),
        "auroc": float(auroc(truths.astype(float), scores)[0]),
        "low": low,
        "high": high,
        "p": _p_value(index, truths, patients, seed),
    }


def _merged(told: Sequence[tuple[str, str]]) -> list[str]:
    """The values, those of few patients put together as :data:`OTHER`."""
    counts = Counter(value for _, value in set(told))
    return [value if counts[value] >= LEAST_PATIENTS else OTHER for _, value in told]


def cramers_v(table: np.ndarray) -> float:
    """Cramér's V of a table of counts, corrected for its bias; 0 for no association, 1 for a complete one."""
    n, (rows, columns) = table.sum(), table.shape
    squared = _chi_squared(table[None, :, 1], table.sum(axis=1), table[:, 1].sum())[0] / n
    phi = max(0.0, squared - (rows - 1) * (columns - 1) / (n - 1))
    sides = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, np.sqrt(phi / sides))) if sides > 0 else 0.0


def _p_value(index: np.ndarray, truths: np.ndarray, patients: np.ndarray, seed: int) -> float:
    owner, dealt = _dealt(tuple(patients.tolist()), seed)
    answers = truths[owner]
    sizes, ill = np.bincount(index), int(truths.sum())
    kinds = index.astype(np.int16)[dealt[:, answers]]
    by_chance = np.stack([(kinds == kind).sum(axis=1) for kind in range(len(sizes))], axis=1)
    seen = np.bincount(index[truths], minlength=len(sizes))
    least = _chi_squared(seen[None], sizes, ill)[0] - 1e-9
    return float((1 + (_chi_squared(by_chance, sizes, ill) >= least).sum()) / (len(dealt) + 1))


@lru_cache(maxsize=2)
def _dealt(patients: tuple[str, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The images by patient, and in every draw (draws, images) those that get their answers: by patient at random.

    Most attributes and classes are known of the same images, and to put these in order takes the most time.
    """
    names, owner = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    number = int(np.clip(2e6 // len(patients), FEWEST, MOST))
    keys = np.random.default_rng(seed).random((number, len(names)))[:, owner]
    return np.argsort(owner, kind="stable"), np.argsort(keys, axis=1, kind="stable").astype(np.int32)


def _chi_squared(ill: np.ndarray, sizes: np.ndarray, total: float) -> np.ndarray:
    """Pearson's chi-squared of tables (draws, values) that share their margins."""
    n = sizes.sum()
    expected = sizes * total / n
    well = sizes - expected
    square = (ill - expected) ** 2
    return (square / np.where(expected > 0, expected, 1) + square / np.where(well > 0, well, 1)).sum(axis=-1)


def confounding_warnings(found: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[str]:
    """A sentence for each attribute that tells a class, and what follows from it."""
    texts = []
    for one in found:
        if one["confounded"]:
            attribute, label = GROUPS[one["attribute"]].lower(), f"'{titles.get(one['class'], one['class'])}'"
            rates = ", ".join(f"{value} {ill} of {count}" for value, (ill, count) in one["counts"].items())
            interval = "" if one["low"] is None else f", {one['low']:.2f} to {one['high']:.2f}"
            texts.append(
                f"{attribute.capitalize()} and {label} are confounded in the {one['part']} part: the {attribute} alone "
                f"tells {label} with an AUROC of {one['auroc']:.2f}{interval} (Cramér's V {one['v']:.2f}, corrected "
                f"{p_text(one['corrected_p'])}; {rates}). A model can score by recognising the {attribute}: look at "
                f"its figures within each {attribute}."
            )
    return texts
