"""A label schema as YAML, read so that a slip of the hand is told with its line and never passed over.

Every value is read as the text that stands there: YAML by itself takes ``yes`` and ``no`` for truth values, and ``012``
for ten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import yaml

from XRayAILib.findings.label import Attribute, AttributeKind, Code, Label, Skeleton, Tool
from XRayAILib.findings.rule import CHECKS, Axis, Measure, Rule, Severity, Unit, meant
from XRayAILib.findings.schema import LabelSchema, SchemaError
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.findings.schema_problems import Problem, as_text

E = TypeVar("E", bound=Enum)
NOTHING = ("", "~", "null")
DEFAULT_COLOR = "#ff8080"
LISTS = {
    name: tuple(field.name for field in fields(kind))
    for name, kind in (("labels", Label), ("skeletons", Skeleton), ("attributes", Attribute))
}
"""The fields of the entries of each list."""


def parse(text: str, source: str, name: str = "") -> LabelSchema:
    """The schema of a YAML text.

    Parameters
    ----------
    source
        What messages call it: a file, for example.
    name
        Of a schema that does not say its own.

    Raises
    ------
    SchemaError
        With every problem of the text: its line, entry, field, and the way out.
    """
    return require_whole(*draft(text, source, name)).schema()


def read_text(path: Path) -> tuple[SchemaDraft, list[Problem]]:
    """As :func:`draft`, from a file."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SchemaError(f"{path}: the label schema cannot be read ({error}).") from error
    return draft(text, str(path), path.stem)


def draft(text: str, source: str, name: str = "") -> tuple[SchemaDraft, list[Problem]]:
    """What stands in a YAML text, and what in it contradicts itself; parameters as of :func:`parse`.

    Raises
    ------
    SchemaError
        With every entry that cannot be understood.
    """
    try:
        node = yaml.compose(text, yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise SchemaError(f"{source}: the label schema cannot be read, it is no YAML ({error}).") from error
    except RecursionError as error:
        raise SchemaError(f"{source}: the label schema cannot be read: lists in lists without end.") from error
    reader = _Reader()
    top = reader.entry(node, "", ("name", "labels", "skeletons", "rules"), "a label schema")
    if top is None or "labels" not in top.nodes:
        missing = Problem("", "", "it has no list 'labels'. A label schema is a mapping with 'name' and 'labels'.")
        found = reader.problems or [missing]
        raise SchemaError(as_text(source, found), found)
    parts = tuple(reader.labels(top)), tuple(reader.skeletons(top)), tuple(reader.rules(top))
    if reader.problems:
        # What a misread entry contradicts would be no news.
        misread = sorted(reader.problems, key=lambda problem: problem.line)
        raise SchemaError(as_text(source, misread), misread)
    whole = SchemaDraft(top.text("name") or name, *parts, source)
    return whole, sorted(map(reader.placed, whole.problems()), key=lambda problem: problem.line)


def require_whole(found: SchemaDraft, contradictions: list[Problem]) -> SchemaDraft:
    """The draft; ``SchemaError`` where there are contradictions."""
    if contradictions:
        raise SchemaError(as_text(found.source, contradictions), contradictions)
    return found


def as_yaml(document: object) -> str:
    """Plain mappings and lists as YAML, letters of all languages as they are."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))


def document(schema: SchemaDraft) -> dict[str, object]:
    """A schema as plain mappings and lists; what is at its default is left out."""
    found: dict[str, object] = {"name": schema.name, "labels": [_plain(label) for label in schema.labels]}
    if schema.skeletons:
        found["skeletons"] = [_plain(skeleton) for skeleton in schema.skeletons]
    if schema.rules:
        found["rules"] = [{"check": rule.check, **_plain(rule)} for rule in schema.rules]
    return found


def _plain(value: Any) -> dict[str, Any]:
    entry = {}
    for field in fields(value):
        found = getattr(value, field.name)
        if found == field.default or found == ():
            continue
        if field.name in ("when", "unless"):
            found = {question: list(answers) for question, answers in found}
        entry[field.name] = _plain_value(found)
    return entry


def _plain_value(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain_value(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _plain(value) if hasattr(value, "__dataclass_fields__") else value


class _Entry:
    """One mapping of the file; its fields are asked for by kind, and what is wrong with them is noted."""

    def __init__(self, reader: _Reader, nodes: dict[str, yaml.Node], where: str, line: int) -> None:
        self.reader, self.nodes, self.where, self.line = reader, nodes, where, line

    def wrong(self, field: str, text: str) -> None:
        line = self.nodes[field].start_mark.line + 1 if field in self.nodes else self.line
        self.reader.problems.append(Problem(self.where, field, text, line))

    def text(self, field: str, default: str = "") -> str:
        node = self.nodes.get(field)
        if node is None or (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
            return default
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(field, "is a list or a mapping; a single text is meant.")
            return default
        return str(node.value).strip()

    def number(self, field: str) -> float | None:
        text = self.text(field)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if value - value != 0:  # not a number, or infinite
            self.wrong(field, f"'{text}' is no number. Leave it out where there is no limit.")
            return None
        return value

    def truth(self, field: str) -> bool:
        text = self.text(field).lower()
        if text not in ("", "yes", "true", "on", "no", "false", "off"):
            self.wrong(field, f"'{text}' is neither true nor false.")
        return text in ("yes", "true", "on")

    def choice(self, field: str, kind: type[E], default: E) -> E:
        text = self.text(field).lower()
        known = {str(member.value): member for member in kind}
        if text and text not in known:
            self.wrong(field, f"'{text}' is none of {', '.join(known)}{meant(text, known)}.")
        return known.get(text, default)

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        node = self.nodes.get(field)
        if isinstance(node, yaml.SequenceNode):
            if all(isinstance(part, yaml.ScalarNode) for part in node.value):
                return tuple(str(part.value).strip() for part in node.value)
            self.wrong(field, "has a list or a mapping in it; texts are meant, as in [one, two].")
            return ()
        text = self.text(field)
        return (text,) if text else ()

    def mapping(self, field: str) -> Mapping[str, yaml.Node]:
        node = self.nodes.get(field)
        if node is None or (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.wrong(field, "must be a mapping, as in {view: [PA, AP]}.")
            return {}
        return {str(key.value): value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


class _Reader:
    """Goes through a YAML document and notes what is wrong."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._lines: dict[str, _Entry] = {}

    def placed(self, problem: Problem) -> Problem:
        """A problem of the parts of the schema, with the line where they stand."""
        entry = self._lines.get(problem.where)
        if entry is None:
            return problem
        node = entry.nodes.get(problem.field)
        return replace(problem, line=node.start_mark.line + 1 if node is not None else entry.line)

    def entry(self, node: Any, where: str, known: Iterable[str], what: str) -> _Entry | None:
        """A mapping with these fields; ``None``, and a problem, where there is something else."""
        known = tuple(known)
        line = node.start_mark.line + 1 if node is not None else 0
        if not isinstance(node, yaml.MappingNode):
            self.problems.append(Problem(where, "", f"{what} is a mapping with {', '.join(known)}.", line))
            return None
        nodes: dict[str, yaml.Node] = {}
        found = _Entry(self, nodes, where, line)
        for key, value in node.value:
            field, at = str(key.value), key.start_mark.line + 1
            if field not in known:
                # British and American spelling are too far apart for a machine.
                way = " (did you mean 'color'?)" if field.lower() == "colour" else meant(field, known)
                text = f"there is no such field{way}. {what[0].upper()}{what[1:]} has: {', '.join(known)}."
                self.problems.append(Problem(where, field, text, at))
            elif field in nodes:
                text = f"stands there twice, first in line {nodes[field].start_mark.line + 1}. Take one out."
                self.problems.append(Problem(where, field, text, at))
            else:
                nodes[field] = value
        return found

    def labels(self, top: _Entry) -> Iterator[Label]:
        for entry in self._entries(top, "labels", "label"):
            name = entry.text("name")
            yield Label(
                name=name,
                title=entry.text("title", name.replace("_", " ")),
                tool=entry.choice("tool", Tool, Tool.MASK),
                color=entry.text("color", DEFAULT_COLOR),
                code=self._code(entry),
                mirror=entry.text("mirror"),
                hotkey=entry.text("hotkey"),
                options=entry.texts("options"),
                multiple=entry.truth("multiple"),
                required=entry.truth("required"),
                attributes=tuple(self._attributes(entry)),
            )

    def skeletons(self, top: _Entry) -> Iterator[Skeleton]:
        for entry in self._entries(top, "skeletons", "skeleton"):
            name = entry.text("name")
            title = entry.text("title", name.replace("_", " "))
            yield Skeleton(name, title, entry.texts("points"), tuple(self._pairs(entry, "lines")))

    def rules(self, top: _Entry) -> Iterator[Rule]:
        for number, node in enumerate(self._nodes(top, "rules"), 1):
            first = {str(key.value): value for key, value in getattr(node, "value", ()) if hasattr(key, "value")}
            check = str(getattr(first.get("check"), "value", ""))
            kind = CHECKS.get(check)
            if kind is None:
                said = f"'{check}' is no check{meant(check, CHECKS)}" if check else "'check' is missing"
                text = f"{said}; there are {', '.join(CHECKS)}."
                self.problems.append(Problem(f"rule {number}", "check", text, node.start_mark.line + 1))
                continue
            where = f"rule {number} ({check})"
            names = ("check", *(field.name for field in fields(kind)))
            entry = self.entry(node, where, names, f"a rule of the kind {check}")
            if entry is None:
                continue
            self._lines[where] = entry
            values = {field.name: self._value(entry, field.name) for field in fields(kind) if field.name in entry.nodes}
            yield kind(**{"labels": (), **values})

    def _value(self, entry: _Entry, field: str) -> Any:
        readers: dict[str, Callable[[], Any]] = {
            "severity": lambda: entry.choice(field, Severity, Severity.WARN),
            "measure": lambda: entry.choice(field, Measure, Measure.LENGTH),
            "unit": lambda: entry.choice(field, Unit, Unit.MM),
            "axis": lambda: entry.choice(field, Axis, Axis.Y),
            "minimum": lambda: entry.number(field),
            "maximum": lambda: entry.number(field),
            "tolerance": lambda: entry.number(field) or 0.0,
            "distance": lambda: entry.number(field) or 0.0,
            "reason": lambda: entry.text(field),
            "attribute": lambda: entry.text(field),
            "when": lambda: tuple(self._conditions(entry, field)),
            "unless": lambda: tuple(self._conditions(entry, field)),
        }
        return readers.get(field, lambda: entry.texts(field))()

    def _conditions(self, entry: _Entry, field: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        nodes = dict(entry.mapping(field))
        inner = _Entry(self, nodes, f"{entry.where}, {field}", entry.line)
        for question in nodes:
            yield question, inner.texts(question)

    def _nodes(self, entry: _Entry, field: str) -> list[yaml.Node]:
        node = entry.nodes.get(field)
        if node is None or (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
            return []
        if not isinstance(node, yaml.SequenceNode):
            entry.wrong(field, "must be a list: an entry begins with '- '.")
            return []
        return list(node.value)

    def _entries(self, top: _Entry, field: str, what: str) -> Iterator[_Entry]:
        article = "an" if what[0] == "a" else "a"
        for number, node in enumerate(self._nodes(top, field), 1):
            place = f"{top.where}, " if top.where else ""
            entry = self.entry(node, f"{place}{what} {number}", LISTS[field], f"{article} {what}")
            if entry is None:
                continue
            name = entry.text("name")
            if not name:
                entry.wrong("name", f"is missing. Every {what} has one.")
                continue
            old, entry.where = entry.where, f"{place}{what} '{name}'"
            self.problems = [replace(p, where=entry.where) if p.where == old else p for p in self.problems]
            self._lines.setdefault(entry.where, entry)
            yield entry

    def _attributes(self, label: _Entry) -> Iterator[Attribute]:
        for entry in self._entries(label, "attributes", "attribute"):
            name = entry.text("name")
            kind = AttributeKind.CHOICE if "options" in entry.nodes else AttributeKind.TEXT
            yield Attribute(
                name,
                entry.text("title", name.replace("_", " ")),
                entry.choice("kind", AttributeKind, kind),
                entry.texts("options"),
                entry.truth("required"),
                entry.number("minimum"),
                entry.number("maximum"),
                entry.text("unit"),
            )

    def _code(self, label: _Entry) -> Code | None:
        node = label.nodes.get("code")
        if node is None or (isinstance(node, yaml.ScalarNode) and _is_empty(node)):
            return None
        entry = self.entry(node, f"{label.where}, code", ("scheme", "value", "meaning"), "a code")
        if entry is None:
            return None
        for field in ("scheme", "value", "meaning"):
            if not entry.text(field):
                entry.wrong(field, "is missing; a code needs 'scheme' (such as SCT), 'value' and 'meaning'.")
        return Code(entry.text("scheme"), entry.text("value"), entry.text("meaning"))

    def _pairs(self, entry: _Entry, field: str) -> Iterator[tuple[str, str]]:
        for node in self._nodes(entry, field):
            inner = _Entry(self, {field: node}, entry.where, entry.line)
            pair = inner.texts(field)
            if len(pair) == 2:
                yield pair[0], pair[1]
            else:
                inner.wrong(field, "each of them is a pair of two landmarks, as in [carina, left_apex].")


def _is_empty(node: yaml.ScalarNode) -> bool:
    # Quotes say that a text is meant.
    return node.value in NOTHING and node.style is None
