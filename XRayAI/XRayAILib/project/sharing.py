"""Sharing out: which readers read which images, balanced, with so many readers per image."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Images that go to the same readers: one image, or all of a patient.

    Attributes
    ----------
    members
        The uids.
    readers
        Who reads them already; they stay.
    barred
        Who must not get them: whoever has one of them already.
    preferred
        Who gets them before anybody else, whatever they have to do: the readers of the patient's other images.
    """

    members: tuple[str, ...]
    readers: frozenset[str] = frozenset()
    barred: frozenset[str] = frozenset()
    preferred: frozenset[str] = frozenset()


def share_out(
    groups: Sequence[Group], readers: Sequence[str], per_image: int, loads: Mapping[str, int], rng: random.Random
) -> dict[Group, tuple[str, ...]]:
    """The readers that each group still gets.

    Large groups come first, and each goes to those who have the fewest images so far, by lot where that is equal: so
    the numbers of two readers differ by no more than the size of one group, unless somebody is barred.

    Parameters
    ----------
    loads
        Images that each reader has already.
    rng
        Decides what is equal; groups and readers in the same order with the same seed give the same result.

    Returns
    -------
    dict
        Fewer readers than wanted where there are not enough who may read a group.
    """
    load = {reader: loads.get(reader, 0) for reader in readers}
    order = sorted(groups, key=lambda group: group.members)
    rng.shuffle(order)
    order.sort(key=lambda group: -len(group.members))  # keeps the shuffled order among equals
    found: dict[Group, tuple[str, ...]] = {}
    for group in order:
        # Names in the order of the alphabet, so that the order in which they were given changes nothing.
        free = [name for name in sorted(load) if name not in group.readers | group.barred]
        rng.shuffle(free)
        free.sort(key=lambda name: (name not in group.preferred, load[name]))
        found[group] = tuple(free[: max(per_image - len(group.readers), 0)])
        for name in found[group]:
            load[name] += len(group.members)
    return found
