"""Subgroups: the figures of a model by sex, age, view, device and site, and where they differ beyond chance.

Groups are the values of one attribute, and then of two at once. A group is looked at where it has at least ten patients
and so has the rest, and an intersection of two where it is none of the groups already; of intersections only the twenty
with the most patients, so that the correction for many comparisons does not drown what the single attributes show. How
a gap is tested stands in :mod:`XRayAILib.learning.evaluation.gap`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.evaluation.comparable import OVERALL
from XRayAILib.learning.evaluation.gap import LEVEL, Gap, Sides, corrected
from XRayAILib.project.groups import GROUPS, UNKNOWN

if TYPE_CHECKING:
    from XRayAILib.learning.task import Task

ATTRIBUTES = ("sex", "age", "view", "manufacturer", "station", "site")
LEAST_PATIENTS = 10
LEAST_THINGS = 5
"""Of each kind that a figure needs on both sides, such as images with and without the disease for an AUROC."""
INTERSECTIONS = 20
METHOD = (
    "A gap is the figure of a group less that of all other images of which the attribute is known. Its 95 % interval "
    "is by bootstrap over patients; its p-value by exchanging patients between the two sides at random, corrected by "
    f"Holm for all comparisons of this table. Groups have at least {LEAST_PATIENTS} patients, and {LEAST_THINGS} of "
    "each kind of image or object that a figure needs; of intersections of two attributes the "
    f"{INTERSECTIONS} with the most patients are looked at."
)


@dataclass(frozen=True)
class Subgroup:
    """Images that share the values of one or two attributes.

    Attributes
    ----------
    members, rest
        (images,) bool; images whose attributes are not known belong to neither.
    contrary
        The group before it of which this one is the rest, so that both have the same gap; usually empty.
    """

    values: Mapping[str, str]
    members: np.ndarray
    rest: np.ndarray
    patients: int
    contrary: str = ""

    @property
    def name(self) -> str:
        """``Sex F``, ``Sex F, View AP``."""
        return name_of(self.values)


def name_of(values: Mapping[str, str]) -> str:
    return ", ".join(f"{GROUPS[attribute]} {value}" for attribute, value in values.items())


def subgroups_of(
    groups: Sequence[Mapping[str, str]], patients: Sequence[str], attributes: Sequence[str] = ATTRIBUTES
) -> tuple[list[Subgroup], list[tuple[str, int]]]:
    """The groups that are large enough; (name, patients) of the values that are not, intersections left out.

    Parameters
    ----------
    groups
        Of each image, attribute -> value.
    """
    names = np.asarray(patients, dtype=str)
    single: list[Subgroup] = []
    small: list[tuple[str, int]] = []
    for attribute in attributes:
        values = np.array([of.get(attribute, UNKNOWN) for of in groups], dtype=str)
        known = sorted(set(values) - {UNKNOWN})
        for value in known:
            members = values == value
            rest = ~members & (values != UNKNOWN)
            count = len(set(names[members]))
            if count < LEAST_PATIENTS:
                small.append((name_of({attribute: value}), count))
            elif len(set(names[rest])) >= LEAST_PATIENTS:
                single.append(_new({attribute: value}, members, rest, count, single))
    return [*single, *_intersections(single, names)], small


def _intersections(single: Sequence[Subgroup], names: np.ndarray) -> list[Subgroup]:
    found: list[Subgroup] = []
    known = {group.members.tobytes() for group in single}
    for one, other in itertools.combinations(single, 2):
        if one.values.keys() == other.values.keys():
            continue
        members = one.members & other.members
        rest = (one.members | one.rest) & (other.members | other.rest) & ~members
        count = len(set(names[members]))
        if count < LEAST_PATIENTS or len(set(names[rest])) < LEAST_PATIENTS or members.tobytes() in known:
            continue
        known.add(members.tobytes())
        found.append(Subgroup({**one.values, **other.values}, members, rest, count))
    return sorted(found, key=lambda group: (-group.patients, group.name))[:INTERSECTIONS]


def _new(
    values: Mapping[str, str], members: np.ndarray, rest: np.ndarray, count: int, before: Sequence[Subgroup]
) -> Subgroup:
    contrary = next((g.name for g in before if np.array_equal(g.members, rest) and not g.contrary), "")
    return Subgroup(values, members, rest, count, contrary)


def compare_subgroups(
    task: Task,
    cases: Sequence[Mapping[str, Any]],
    patients: Sequence[str],
    groups: Sequence[Mapping[str, str]],
    seed: int = 0,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    attributes: Sequence[str] = ATTRIBUTES,
) -> dict[str, Any]:
    """Figures of every subgroup, and its gaps to the rest.

    Returns
    -------
    dict
        ``groups``: of each its ``name``, ``values``, ``images``, ``patients``, ``figures`` (see
        :data:`XRayAILib.learning.task.Figures`), ``contrary`` and ``gaps``: of each ``class`` (empty for all together)
        and ``metric`` the ``value``, ``low``, ``high``, ``p``, ``corrected_p``, ``corrected_low``, ``corrected_high``
        and whether it is ``significant`` and ``worse``; ``small``: (name, patients) of the groups that are too small;
        ``unknown``: attribute -> images of which it is not known; ``comparisons``: how many gaps were tested;
        ``method``.
    """
    found, small = subgroups_of(groups, patients, attributes)
    statistics = task.statistics(cases)
    better = {metric.name: metric.better for metric in task.metrics}
    documents: list[dict[str, Any]] = []
    tested: list[tuple[dict[str, Any], Gap]] = []
    for done, group in enumerate(found):
        progress(done, len(found), f"Comparing {group.name} with the rest")
        rows: list[int] = np.flatnonzero(group.members).tolist()
        figures = task.figures([cases[i] for i in rows], [patients[i] for i in rows], seed)
        gaps: list[dict[str, Any]] = []
        document = {
            "name": group.name,
            "values": dict(group.values),
            "images": len(rows),
            "patients": group.patients,
            "contrary": group.contrary,
            "figures": {"labels": figures["labels"], "overall": figures["overall"]},
            "gaps": gaps,
        }
        documents.append(document)
        if group.contrary:
            continue
        sides = Sides(patients, group.members, group.rest, seed)
        for (name, metric), statistic in statistics.items():
            if min(statistic.fewest(group.members), statistic.fewest(group.rest)) < LEAST_THINGS:
                continue
            gap = sides.gap(statistic)
            if gap is not None:
                entry: dict[str, Any] = {"class": name, "metric": metric}
                gaps.append(entry)
                tested.append((entry, gap))
    for (entry, _), gap in zip(tested, corrected([gap for _, gap in tested]), strict=True):
        lower_is_worse = better.get(entry["metric"], "higher") == "higher"
        entry.update(_document(gap), worse=gap.value < 0 if lower_is_worse else gap.value > 0)
    unknown = {a: sum(of.get(a, UNKNOWN) == UNKNOWN for of in groups) for a in attributes}
    return {
        "groups": documents,
        "small": [list(entry) for entry in small],
        "unknown": {attribute: count for attribute, count in unknown.items() if count},
        "comparisons": len(tested),
        "method": METHOD,
    }


def _document(gap: Gap) -> dict[str, Any]:
    names = ("value", "low", "high", "p", "corrected_p", "corrected_low", "corrected_high")
    return {**{name: getattr(gap, name) for name in names}, "significant": gap.is_significant}


def gap_warnings(subgroups: Mapping[str, Any], task: Task, titles: Mapping[str, str]) -> list[str]:
    """A sentence for every gap that is significant, the smallest p-value first.

    Parameters
    ----------
    titles
        Class -> what a person reads.
    """
    metrics = {metric.name: metric for metric in task.metrics}
    found = []
    for group in subgroups["groups"]:
        for gap in group["gaps"]:
            if not gap["significant"]:
                continue
            metric = metrics[gap["metric"]]
            of = f" of '{titles.get(gap['class'], gap['class'])}'" if gap["class"] != OVERALL else ""
            way = "lower" if gap["value"] < 0 else "higher"
            text = (
                f"{group['name']}: {metric.title}{of} is {abs(gap['value']):.{metric.digits}f} {way} than in the other "
                f"images ({interval_text(gap, metric.digits)}; corrected {p_text(gap['corrected_p'])}), which is "
                f"{'worse' if gap['worse'] else 'better'}."
            )
            found.append((gap["corrected_p"], text))
    return [text for _, text in sorted(found, key=lambda entry: entry[0])]


def interval_text(gap: Mapping[str, Any], digits: int = 3) -> str:
    """``corrected interval -0.12 to -0.03``."""
    return f"corrected interval {gap['corrected_low']:+.{digits}f} to {gap['corrected_high']:+.{digits}f}"


def p_text(p: float) -> str:
    """``p = 0.012``, ``p < 0.001``."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


__all__ = ["LEVEL", "Subgroup", "compare_subgroups", "gap_warnings", "name_of", "p_text", "subgroups_of"]
