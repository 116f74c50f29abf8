"""Dealing patients to parts, so that every label, rare ones first, is spread over the parts alike.

Iterative stratification: Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", ECML PKDD 2011.
The label that the fewest undealt patients have is dealt first, each time to the part that still wants it most.
Combinations of labels that are frequent enough count as labels of their own, as in the second-order variant
(Szymański and Kajdanowicz, PMLR 74, 2017).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np

Part = TypeVar("Part", str, int)

LEAST_OF_COMBINATION = 4
"""Patients with it: to spread less would only push all of them to the largest part."""


def stratified(
    patients: Mapping[str, Collection[str]],
    shares: Mapping[Part, float],
    seed: int,
    fixed: Mapping[str, Part] | None = None,
) -> dict[str, Part]:
    """The part of every patient.

    Parameters
    ----------
    patients
        What the images of each patient say: labels, or whatever else is to be spread evenly.
    shares
        Part -> its share of the patients; they sum to 1.
    fixed
        Parts that were assigned before and stay; what they lack or have too much is made up for by the others.
    """
    fixed = {patient: part for patient, part in (fixed or {}).items() if patient in patients}
    strata = _strata(patients)
    everyone = sorted(patients)
    # What each part still wants: of each stratum, and of patients at all.
    sizes = Counter(stratum for patient in everyone for stratum in strata[patient])
    wants = {stratum: {part: share * size for part, share in shares.items()} for stratum, size in sizes.items()}
    room = {part: share * len(everyone) for part, share in shares.items()}
    for patient, part in fixed.items():
        _take(part, strata[patient], wants, room)

    generator = np.random.default_rng(seed)
    chance = {part: float(number) for part, number in zip(shares, generator.random(len(shares)), strict=True)}
    waiting = [patient for patient in everyone if patient not in fixed]
    generator.shuffle(waiting)
    dealt = dict(fixed)
    for stratum in _rarest_first(waiting, strata):
        for patient in stratum[1]:
            if patient in dealt:
                continue
            wanted = wants.get(stratum[0], room)
            part = max(shares, key=lambda part: (_rounded(wanted[part]), _rounded(room[part]), chance[part]))
            dealt[patient] = part
            _take(part, strata[patient], wants, room)
    return {patient: dealt[patient] for patient in everyone}


def _strata(patients: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """The labels of each patient, and the combination of them where enough patients have it."""
    combinations = {patient: " + ".join(sorted(set(labels))) for patient, labels in patients.items()}
    frequent = {name for name, size in Counter(combinations.values()).items() if size >= LEAST_OF_COMBINATION}
    found = {}
    for patient, labels in patients.items():
        own = sorted(set(labels))
        combined = combinations[patient]
        # Of a patient with one label or none, the combination says nothing more; none is a stratum too.
        found[patient] = (*own, combined) if combined in frequent and len(own) != 1 else tuple(own)
    return found


def _rarest_first(waiting: Sequence[str], strata: Mapping[str, Sequence[str]]) -> list[tuple[str, list[str]]]:
    """(stratum, its patients) in the order in which they are dealt; the last one holds whoever has no stratum.

    Which is the rarest is looked for anew after each, among those who are still to be dealt.
    """
    members: dict[str, list[str]] = defaultdict(list)
    for patient in waiting:
        for stratum in strata[patient]:
            members[stratum].append(patient)
    left = {stratum: len(own) for stratum, own in members.items()}
    done: set[str] = set()
    order = []
    while left:
        stratum = min(left, key=lambda name: (left[name], name))
        del left[stratum]
        fresh = [patient for patient in members[stratum] if patient not in done]
        done.update(fresh)
        for patient in fresh:
            for other in strata[patient]:
                if other in left:
                    left[other] -= 1
        order.append((stratum, fresh))
    return [*order, ("", [patient for patient in waiting if patient not in done])]


def _take(part: Part, strata: Sequence[str], wants: Mapping[str, dict[Part, float]], room: dict[Part, float]) -> None:
    room[part] -= 1
    for stratum in strata:
        wants[stratum][part] -= 1


def _rounded(value: float) -> float:
    # Sums of shares differ in the last digit from machine to machine; a tie must be a tie everywhere.
    return round(value, 9)
