"""What a model's outputs mean: the labels it learnt, as they stood in the schema then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from XRayAILib.findings.schema import LabelSchema, Tool


@dataclass(frozen=True)
class LearntLabel:
    """A label in the order of the network's output.

    Attributes
    ----------
    mirror
        Position of the label it becomes in a mirrored image; its own where there are no sides.
    options, multiple
        Of an image label: what may be answered, and whether several answers may be true at once.
    """

    name: str
    title: str
    tool: Tool
    color: str
    mirror: int
    options: tuple[str, ...] = ()
    multiple: bool = False

    def document(self) -> dict[str, Any]:
        """The label as a plain mapping."""
        plain: dict[str, Any] = {**vars(self), "tool": self.tool.value}
        if not self.options:
            del plain["options"], plain["multiple"]
        else:
            plain["options"] = list(self.options)
        return plain

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> LearntLabel:
        """What :meth:`document` gave; KeyError, TypeError and ValueError say what is wrong with it."""
        return cls(
            str(document["name"]),
            str(document["title"]),
            Tool(document["tool"]),
            str(document["color"]),
            int(document["mirror"]),
            tuple(str(option) for option in document.get("options", ())),
            bool(document.get("multiple", False)),
        )


Legend = tuple[LearntLabel, ...]


def legend_of(labels: Sequence[str], schema: LabelSchema) -> Legend:
    """The labels of these names, in this order, as the schema describes them."""
    names = list(labels)
    found = []
    for position, name in enumerate(names):
        label = schema[name]
        mirror = names.index(label.mirror) if label.mirror in names else position
        found.append(
            LearntLabel(name, label.title, label.tool, label.color, mirror, tuple(label.options), label.multiple)
        )
    return tuple(found)
