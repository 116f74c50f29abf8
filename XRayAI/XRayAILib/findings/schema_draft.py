"""A label schema as it stands in a file or an editor, whether or not it holds together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

from XRayAILib.findings.label import Label, Skeleton
from XRayAILib.findings.rule import Rule
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.schema_problems import Problem, problems


@dataclass(frozen=True)
class SchemaDraft:
    """The parts of a :class:`LabelSchema`; in a draft they may contradict each other.

    Attributes
    ----------
    source
        Where it was read from, for messages.
    """

    name: str
    labels: tuple[Label, ...]
    skeletons: tuple[Skeleton, ...] = ()
    rules: tuple[Rule, ...] = ()
    source: str = ""

    @classmethod
    def of(cls, schema: LabelSchema) -> SchemaDraft:
        """A schema, to be changed."""
        return cls(schema.name, schema.labels, schema.skeletons, schema.rules)

    @classmethod
    def read(cls, path: Path) -> SchemaDraft:
        """Read from YAML; ``SchemaError`` names the lines that cannot be understood."""
        from XRayAILib.findings.schema_file import read_text

        return read_text(path)[0]

    def problems(self) -> Iterator[Problem]:
        """Everything in it that is wrong."""
        return problems(self.labels, self.skeletons, self.rules)

    def schema(self) -> LabelSchema:
        """The schema; ``SchemaError`` with all problems where it does not hold together."""
        return LabelSchema(self.name, self.labels, self.skeletons, self.rules)

    def text(self) -> str:
        """As YAML."""
        from XRayAILib.findings.schema_file import as_yaml, document

        return as_yaml(document(self))

    def write(self, path: Path) -> None:
        """Write as YAML, whole or not at all."""
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(self.text(), "utf-8")
        temporary.replace(path)

    def without_vanished(self) -> SchemaDraft:
        """The same without what names labels that are not there: such mirrors, points, lines and rules are left out."""
        known = {label.name: label for label in self.labels}
        labels = tuple(label if label.mirror in known else replace(label, mirror="") for label in self.labels)
        skeletons = []
        for skeleton in self.skeletons:
            points = tuple(name for name in skeleton.points if name in known)
            lines = tuple(line for line in skeleton.lines if all(name in known for name in line))
            if points:
                skeletons.append(replace(skeleton, points=points, lines=lines))
        rules = []
        for rule in self.rules:
            kept = _of_known(rule, set(known))
            # What is left of a rule need not make sense, such as the order of a single landmark.
            if kept == rule or not any(kept.problems(known)):
                rules.append(kept)
        return replace(self, labels=labels, skeletons=tuple(skeletons), rules=tuple(rules))

    def renamed(self, old: str, new: str) -> SchemaDraft:
        """The same with a label under another name, in mirrors, skeletons and rules too.

        Where the new name is there already, the old label is dropped in favour of it.
        """

        def name(found: str) -> str:
            return new if found == old else found

        def names(found: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(dict.fromkeys(name(one) for one in found))

        both = any(label.name == new for label in self.labels)
        labels = tuple(
            replace(label, name=name(label.name), mirror=name(label.mirror))
            for label in self.labels
            if not (both and label.name == old)
        )
        skeletons = tuple(
            replace(s, points=names(s.points), lines=tuple((name(start), name(end)) for start, end in s.lines))
            for s in self.skeletons
        )
        rules = []
        for rule in self.rules:
            values: dict[str, object] = {field: names(getattr(rule, field)) for field in _name_fields(rule)}
            for field in ("when", "unless"):
                values[field] = tuple((name(question), answers) for question, answers in getattr(rule, field))
            rules.append(replace(rule, **values))  # type: ignore[arg-type]
        return replace(self, labels=labels, skeletons=skeletons, rules=tuple(rules))

    def with_more(self, other: SchemaDraft) -> SchemaDraft:
        """The same with labels, skeletons and rules of another one that are not there yet.

        What is there stays as it is: a key that is taken is left out, and so is a rule that does not fit a label which
        both have.
        """
        names = {label.name for label in self.labels}
        keys = {label.hotkey.upper() for label in self.labels}
        fresh = [label for label in other.labels if label.name not in names]
        more = tuple(replace(label, hotkey="") if label.hotkey.upper() in keys else label for label in fresh)
        known = {label.name: label for label in (*self.labels, *more)}
        there = {skeleton.name for skeleton in self.skeletons}
        rules = (rule for rule in other.rules if rule not in self.rules and not any(rule.problems(known)))
        return replace(
            self,
            labels=tuple(known.values()),
            skeletons=(*self.skeletons, *(s for s in other.skeletons if s.name not in there)),
            rules=(*self.rules, *rules),
        )


def _of_known(rule: Rule, known: set[str]) -> Rule:
    values = {field: tuple(name for name in getattr(rule, field) if name in known) for field in _name_fields(rule)}
    return replace(rule, **values)  # type: ignore[arg-type]


def _name_fields(rule: Rule) -> list[str]:
    """The fields of a rule that hold names of labels."""
    return [field.name for field in fields(rule) if field.name in ("labels", "others")]
