"""Consensus of answers: what most readers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from XRayAILib.findings.objects import FindingObject


def most_said(answers: Sequence[str]) -> tuple[str | None, str]:
    """The most frequent answer; ``None`` where two are equally frequent, and then the tie in words.

    A reader who gave no answer has no voice here. Alphabetical order decides nothing: a tie is told, not settled.
    """
    counted = Counter(answers).most_common()
    if not counted:
        return None, ""
    first = [answer for answer, count in counted if count == counted[0][1]]
    if len(first) > 1:
        told = " and ".join(f"'{answer}'" for answer in sorted(first))
        return None, f"{told} were each said by {counted[0][1]}"
    return first[0], ""


def agreed_attributes(items: Sequence[FindingObject]) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """The attributes of one object as most readers answered them, and the ties in words; a tied one is left open."""
    names = list(dict.fromkeys(name for item in items for name, _ in item.attributes))
    kept, ties = [], []
    for name in names:
        answer, tie = most_said([value for item in items for key, value in item.attributes if key == name])
        if answer is not None:
            kept.append((name, answer))
        else:
            ties.append(f"{name}: {tie}")
    return tuple(kept), ties
