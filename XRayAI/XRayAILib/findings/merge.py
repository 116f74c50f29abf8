"""Two versions of one track made into one, object by object, so that nothing that either of them says is lost."""

from __future__ import annotations

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject


def merge(base: Findings, mine: Findings, theirs: Findings) -> Findings:
    """What both say, given what they were made from.

    An object that one side only added, changed or removed is as that side has it. One that both changed stays twice:
    mine as it is, theirs beside it as an object of its own that remembers where it came from; a change counts more
    than a removal.
    """
    before, here, there = ({item.id: item for item in findings} for findings in (base, mine, theirs))
    kept: dict[str, FindingObject] = {}
    for i in (*here, *there):
        if i in kept:
            continue
        old, my, their = before.get(i), here.get(i), there.get(i)
        if my == their or their == old:
            chosen = my
        elif my == old:
            chosen = their
        else:
            chosen = my or their
            if my is not None and their is not None:
                beside = their.derived(their.author)
                kept[beside.id] = beside
        if chosen is not None:
            kept[i] = chosen
    return Findings(mine.radiograph_uid, mine.shape, mine.author, tuple(kept.values()))
