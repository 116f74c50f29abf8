"""Contents: how much of what an export would hold, for saying before it starts what is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import Box, Landmark, Mask, Polygon

PLURALS = {"box": "boxes", "rotated box": "rotated boxes"}

_FIELDS = {
    "author": "who said it",
    "created": "when",
    "status": "the state of the review",
    "score": "the score",
    "derived_from": "what it was made from",
    "id": "its id",
}


@dataclass
class Contents:
    """What there is to export.

    Attributes
    ----------
    images
        With something to be said of them.
    kinds
        Kind of object -> how many.
    labels
        Label -> how many objects.
    with_attributes, scored, empty_masks, thin, hidden, outside
        How many objects have answers to attributes or a score, masks no pixel, boxes a side of less than a pixel;
        landmarks that are not visible, or outside.
    outside_of
        Label -> how many landmarks are outside.
    """

    images: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    with_attributes: int = 0
    scored: int = 0
    empty_masks: int = 0
    thin: int = 0
    hidden: int = 0
    outside: int = 0
    outside_of: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, findings: Iterable[Findings]) -> Contents:
        """Count."""
        found = cls()
        for each in findings:
            found.images += 1
            for item in each:
                found.kinds[item.kind] += 1
                found.labels[item.label] += 1
                found.with_attributes += bool(item.attributes)
                found.scored += item.score is not None
                found.empty_masks += isinstance(item, Mask) and not item.area
                found.thin += isinstance(item, Box) and min(item.width, item.height) < 1
                found.hidden += isinstance(item, Landmark) and not item.visible
                if isinstance(item, Landmark) and item.outside:
                    found.outside += 1
                    found.outside_of[item.label] += 1
        return found

    @property
    def objects(self) -> int:
        return sum(self.kinds.values())

    def losses(self, title: str, becomes: Mapping[str, str], carries: Collection[str]) -> list[str]:
        """What a format that writes kinds as ``becomes`` says, and carries these fields, does not hold of this."""
        sentences = []
        gone = [counted(self.kinds[kind], kind) for kind in KINDS if self.kinds[kind] and not becomes.get(kind)]
        if gone:
            sentences.append(f"Left out, because {title} has no place for them: {', '.join(gone)}.")
        for kind in KINDS:
            other = becomes.get(kind, "")
            if self.kinds[kind] and other not in ("", kind):
                parted = kind == Mask.kind and other == Polygon.kind
                how = ": each part is an object of its own, holes are filled" if parted else ""
                verb = "becomes a" if self.kinds[kind] == 1 else "become"
                number = 1 if self.kinds[kind] == 1 else 2
                sentences.append(f"{counted(self.kinds[kind], kind)} {verb} {_words(number, other)}{how}.")
        if "attributes" not in carries and self.with_attributes:
            sentences.append(f"The answers to attributes of {counted(self.with_attributes, 'object')} are left out.")
        lost = [words for name, words in _FIELDS.items() if name not in carries and (name != "score" or self.scored)]
        if lost:
            sentences.append(f"Not kept of any object: {', '.join(lost)}.")
        return sentences


def counted(number: int, kind: str) -> str:
    """Such as ``12 polygons``."""
    return f"{number} {_words(number, kind)}"


def _words(number: int, kind: str) -> str:
    return kind if number == 1 else PLURALS.get(kind, f"{kind}s")
