"""From the names that other files use to the labels of the project's schema."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.findings.schema import Label, LabelSchema, Tool

COLORS = ("#26c6da", "#d4e157", "#ff7043", "#7e57c2", "#66bb6a", "#ec407a", "#ffca28", "#5c6bc0")
"""For labels that are added; taken in turn."""
LONGEST, SHOWN = 100, 10
"""A name with more letters than this is none; so many unknown names are told."""


def normalised(name: str) -> str:
    """``Right Lung``, ``right-lung`` and ``right_lung`` are one name; letters of all languages count."""
    return re.sub(r"[\W_]+", "_", unicodedata.normalize("NFKC", name).casefold()).strip("_")


class LabelNames:
    """Finds the labels of a schema by the names of another file: by name or title, without case and punctuation."""

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema
        self._labels = {normalised(label.title): label for label in schema}
        self._labels.update((normalised(label.name), label) for label in schema)
        self._found: dict[str, Label | None] = {}

    def get(self, name: str) -> Label | None:
        if name not in self._found:
            key = normalised(name)
            self._found[name] = self._labels.get(key) if key else None
        return self._found[name]

    def require(self, source: str, names: Iterable[str]) -> None:
        """Raise :class:`LabelFileError` that lists those of ``names`` which are not in the schema."""
        unknown = [name for name in names if self.get(name) is None]
        if unknown:
            one = len(unknown) == 1
            named = ", ".join(repr(n if len(n) <= LONGEST else f"{n[:LONGEST]}...") for n in unknown[:SHOWN])
            more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
            raise LabelFileError(
                f"{source}: the {'label' if one else 'labels'} {named}{more} {'is' if one else 'are'} not in the "
                f"project's schema (it has: {', '.join(label.name for label in self.schema)}). Rename "
                f"{'it' if one else 'them'} there, add to the schema (schema.yaml in the project's folder), or import "
                "with missing labels added (--extend)."
            )


def extended(schema: LabelSchema, wanted: Mapping[str, Tool]) -> LabelSchema:
    """``schema`` with a label for each name in ``wanted`` that it does not have yet."""
    names = LabelNames(schema)
    labels = list(schema)
    added = set()
    for name, tool in wanted.items():
        key = normalised(name)
        if names.get(name) is None and key and key not in added and len(name) <= LONGEST:
            added.add(key)
            title = " ".join("".join(c if c.isprintable() else " " for c in name.replace("_", " ")).split())
            color = COLORS[len(labels) % len(COLORS)]
            labels.append(Label(_free_name(key, {label.name for label in labels}), title, tool, color))
    return replace(schema, labels=tuple(labels))


def _free_name(key: str, taken: Collection[str]) -> str:
    """A name for a new label: in letters a to z, as a schema wants it, and not taken."""
    letters = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or "label"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return name
