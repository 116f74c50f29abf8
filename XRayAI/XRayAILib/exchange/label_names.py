"""From the names that other files use to the labels of the project's schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.findings.schema import Label, LabelSchema, Tool

COLORS = ("#26c6da", "#d4e157", "#ff7043", "#7e57c2", "#66bb6a", "#ec407a", "#ffca28", "#5c6bc0")
"""For labels that are added; taken in turn."""


def normalised(name: str) -> str:
    """``Right Lung``, ``right-lung`` and ``right_lung`` are one name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


class LabelNames:
    """Finds the labels of a schema by the names of another file: by name or title, without case and punctuation."""

    def __init__(self, schema: LabelSchema) -> None:
        self.schema = schema
        self._labels = {normalised(label.title): label for label in schema}
        self._labels.update((normalised(label.name), label) for label in schema)
        self._found: dict[str, Label | None] = {}

    def get(self, name: str) -> Label | None:
        if name not in self._found:
            self._found[name] = self._labels.get(normalised(name))
        return self._found[name]

    def require(self, source: str, names: Iterable[str]) -> None:
        """Raise :class:`LabelFileError` that lists those of ``names`` which are not in the schema."""
        unknown = [name for name in names if self.get(name) is None]
        if unknown:
            one = len(unknown) == 1
            raise LabelFileError(
                f"{source}: the {'label' if one else 'labels'} {', '.join(repr(n) for n in unknown)} "
                f"{'is' if one else 'are'} not in the project's schema (it has: "
                f"{', '.join(label.name for label in self.schema)}). Rename {'it' if one else 'them'} there, "
                "add to the schema (schema.yaml in the project's folder), or import with missing labels added."
            )


def extended(schema: LabelSchema, wanted: Mapping[str, Tool]) -> LabelSchema:
    """``schema`` with a label for each name in ``wanted`` that it does not have yet."""
    names = LabelNames(schema)
    labels = list(schema)
    for name, tool in wanted.items():
        key = normalised(name)
        if names.get(name) is None and key and all(label.name != key for label in labels):
            color = COLORS[len(labels) % len(COLORS)]
            labels.append(Label(key, name.strip().replace("_", " "), tool, color))
    return replace(schema, labels=tuple(labels))
