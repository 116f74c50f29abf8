"""What became of each object between two states of a track, and the words for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from XRayAILib.findings.author import Status


class How(str, Enum):
    """What became of an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


_ASPECTS = {
    "label": "relabelled",
    "value": "answered",
    "status": "status",
    "attributes": "attributes",
    "score": "score",
    "visible": "visibility",
    "outside": "visibility",
}
"""Fields of an object that are told by a word of their own; every other one says where it is."""

_UNTOLD = frozenset({"created", "author", "derived_from"})
_PLACES = {"mask": "repainted"}
MOVED = "moved"


@dataclass(frozen=True)
class ObjectChange:
    """What became of one object.

    Attributes
    ----------
    kind
        As :attr:`FindingObject.kind` has it: ``box``, ``mask``, ...
    value
        Of an image label, else empty.
    aspects
        Of a changed object: what is different, in words.
    """

    id: str
    kind: str
    label: str
    how: How
    value: str = ""
    aspects: tuple[str, ...] = ()

    @property
    def is_status(self) -> bool:
        """Whether nothing but the status of the object was changed."""
        return bool(self.aspects) and set(self.aspects) <= {status.value for status in Status}


def changes_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ObjectChange, ...]:
    """What became of the objects of ``before``, given as documents by their ids, until ``after``."""
    found = []
    for i, document in after.items():
        if i not in before:
            found.append(_change(document, How.ADDED))
        elif before[i] != document:
            found.append(_change(document, How.CHANGED, _aspects(before[i], document)))
    return (*found, *(_change(document, How.REMOVED) for i, document in before.items() if i not in after))


def in_words(changes: Sequence[ObjectChange], title: Callable[[str], str] = str) -> str:
    """A sentence for a list, such as ``Heart added; 2 x Nodule moved``; ``title`` gives the name of a label."""
    counted = Counter(_words(change, title) for change in changes)
    times = "\N{MULTIPLICATION SIGN}"
    return "; ".join(f"{number} {times} {text}" if number > 1 else text for text, number in counted.items())


def _words(change: ObjectChange, title: Callable[[str], str]) -> str:
    name = title(change.label)
    if change.value:
        return f"{name}: {change.value}" + (" taken back" if change.how is How.REMOVED else "")
    if change.how is How.CHANGED:
        return f"{name} {', '.join(change.aspects)}"
    return f"{name} {change.how.value}"


def _change(document: Mapping[str, Any], how: How, aspects: tuple[str, ...] = ()) -> ObjectChange:
    value = str(document.get("value", "")) if document["kind"] == "image label" else ""
    return ObjectChange(document["id"], document["kind"], document["label"], how, value, aspects)


def _aspects(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What is different of two documents of one object; a field that an older version did not write says nothing."""
    found = []
    for name, value in after.items():
        if name in _UNTOLD or name not in before or before[name] == value:
            continue
        word = _ASPECTS.get(name) or _PLACES.get(after["kind"], MOVED)
        found.append(f"{value}" if word == "status" else word)
    return tuple(dict.fromkeys(found)) or ("changed",)
