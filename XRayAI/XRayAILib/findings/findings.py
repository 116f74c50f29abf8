"""Findings: everything that one author says of one radiograph, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import FindingError, FindingObject, Mask

K = TypeVar("K", bound=FindingObject)


@dataclass(frozen=True)
class Findings:
    """What ``author`` says of the radiograph ``radiograph_uid``. Immutable: a change gives new findings.

    A person's annotation and a model's prediction are the same type, so review, comparison and export are written once.

    Attributes
    ----------
    radiograph_uid
        ``Header.uid`` of the radiograph.
    shape
        (rows, columns) of its stored pixels.
    author
        Whose findings these are. Objects taken over from somebody else keep their own author.
    """

    radiograph_uid: str
    shape: tuple[int, int]
    author: Author
    objects: tuple[FindingObject, ...] = ()

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for item in self.objects:
            if item.id in seen:
                raise FindingError(f"Two objects of {self.radiograph_uid} have the id {item.id}.")
            seen.add(item.id)
            if isinstance(item, Mask) and item.shape != self.shape:
                raise FindingError(
                    f"The mask '{item.label}' has {item.shape[1]} x {item.shape[0]} pixels, "
                    f"its radiograph {self.radiograph_uid} has {self.shape[1]} x {self.shape[0]}."
                )

    def __iter__(self) -> Iterator[FindingObject]:
        return iter(self.objects)

    def __len__(self) -> int:
        return len(self.objects)

    def of(self, kind: type[K], label: str | None = None) -> list[K]:
        """The objects of a kind, such as ``findings.of(Mask, "heart")``."""
        return [o for o in self.objects if isinstance(o, kind) and (label is None or o.label == label)]

    def labels(self) -> list[str]:
        """The labels used, each once, in order of first use."""
        return list(dict.fromkeys(o.label for o in self.objects))

    def with_objects(self, objects: Iterable[FindingObject]) -> Findings:
        """The same with ``objects`` added; one whose ``id`` is there already replaces the old one in its place."""
        merged = {o.id: o for o in self.objects}
        merged.update((o.id, o) for o in objects)
        return replace(self, objects=tuple(merged.values()))

    def without(self, ids: Iterable[str]) -> Findings:
        """The same without the objects of these ids."""
        gone = set(ids)
        return replace(self, objects=tuple(o for o in self.objects if o.id not in gone))

    def each(self, change: Callable[[FindingObject], FindingObject]) -> Findings:
        """The same with every object passed through ``change``."""
        return replace(self, objects=tuple(change(o) for o in self.objects))
