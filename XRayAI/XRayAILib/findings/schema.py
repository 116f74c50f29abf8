"""The labels of a project: what may be said, with which tool, in which colour, under which code, by which rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.findings.label import Attribute, AttributeKind, Code, Label, Skeleton, Tool
from XRayAILib.findings.objects import FindingError, FindingObject
from XRayAILib.findings.rule import Rule
from XRayAILib.findings.schema_problems import Problem, as_text, problems

__all__ = [
    "Attribute",
    "AttributeKind",
    "Code",
    "Label",
    "LabelSchema",
    "SchemaError",
    "Skeleton",
    "Tool",
]


class SchemaError(FindingError):
    """A label schema that cannot be used, with everything that is wrong with it.

    Attributes
    ----------
    problems
        One by one, where they were found in a schema.
    """

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


@dataclass(frozen=True)
class LabelSchema:
    """The labels of a project, in the order in which they are offered, and the rules for what is drawn of them.

    Raises
    ------
    SchemaError
        Something in it contradicts itself; the message names label and field of each problem, and the way out.
    """

    name: str
    labels: tuple[Label, ...]
    skeletons: tuple[Skeleton, ...] = ()
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        found = list(problems(self.labels, self.skeletons, self.rules))
        if found:
            raise SchemaError(as_text(f"The label schema '{self.name}'", found), found)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    def __contains__(self, name: str) -> bool:
        return any(label.name == name for label in self.labels)

    def __getitem__(self, name: str) -> Label:
        for label in self.labels:
            if label.name == name:
                return label
        known = ", ".join(label.name for label in self.labels)
        raise SchemaError(f"The label '{name}' is not in the schema '{self.name}' (it has: {known}).")

    def of(self, tool: Tool) -> list[Label]:
        """The labels drawn with ``tool``."""
        return [label for label in self.labels if label.tool is tool]

    def asked(self, item: FindingObject) -> tuple[tuple[str, str], ...]:
        """The attributes of an object that its label asks for; a model may have added how sure it is."""
        names = {attribute.name for attribute in self[item.label].attributes} if item.label in self else set()
        return tuple((name, value) for name, value in item.attributes if name in names)

    @classmethod
    def read(cls, path: Path) -> LabelSchema:
        """Read a schema from YAML; :class:`SchemaError` names the file, the lines and everything that is wrong."""
        from XRayAILib.findings.schema_file import read_text, require_whole

        return require_whole(*read_text(path)).schema()

    def write(self, path: Path) -> None:
        """Write the schema as YAML, whole or not at all."""
        from XRayAILib.findings.schema_draft import SchemaDraft

        SchemaDraft.of(self).write(path)

    def text(self) -> str:
        """The schema as YAML."""
        from XRayAILib.findings.schema_draft import SchemaDraft

        return SchemaDraft.of(self).text()

    def document(self) -> dict[str, object]:
        """The schema as plain mappings and lists, as they stand in the YAML file."""
        from XRayAILib.findings.schema_draft import SchemaDraft
        from XRayAILib.findings.schema_file import document

        return document(SchemaDraft.of(self))
