"""Editing the label schema of a project.

What is edited are the entries as they stand in the YAML file, so that the text and the forms of an editor are two views
of one thing, and a half-typed entry can be there for a while. Nothing counts before :meth:`SchemaEdit.save`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.rule import CHECKS
from XRayAILib.findings.rule_text import in_words
from XRayAILib.findings.schema import SchemaError
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.findings.schema_file import DEFAULT_COLOR, as_yaml, document, draft
from XRayAILib.findings.schema_problems import Problem
from XRayAILib.findings.template import template

if TYPE_CHECKING:
    from XRayAILib.project.project import Project
    from XRayAILib.project.schemas import Use

Entry = dict[str, Any]
COLORS = ("#4fc3f7", "#81c784", "#ffd54f", "#ff8a65", "#ba68c8", "#4db6ac", "#f06292", "#aed581", "#9575cd", "#ffb74d")
"""For labels that are added; taken in turn."""


class SchemaEdit:
    """A schema being edited.

    Attributes
    ----------
    labels, skeletons, rules
        The entries, as in the file.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self._path = project.folder / "schema.yaml"
        self._begun = self._path.read_text("utf-8")
        self.name = ""
        self.labels: list[Entry] = []
        self.skeletons: list[Entry] = []
        self.rules: list[Entry] = []
        self._origins: list[str] = []
        self._take(draft(self._begun, str(self._path), self._path.stem)[0])
        self._origins = [entry["name"] for entry in self.labels]

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to be saved."""
        return self.text() != as_yaml(document(draft(self._begun, str(self._path), self._path.stem)[0]))

    # Labels ------------------------------------------------------------------------------------------------------

    def add_label(self, place: int) -> int:
        """A new label at a place among the others; gives the place."""
        names = {entry.get("name") for entry in self.labels}
        name = next(name for number in range(1, len(names) + 2) if (name := f"label_{number}") not in names)
        color = COLORS[len(self.labels) % len(COLORS)] or DEFAULT_COLOR
        self.labels.insert(place, {"name": name, "title": name.replace("_", " "), "tool": "polygon", "color": color})
        self._origins.insert(place, "")
        return place

    def remove_label(self, place: int) -> None:
        """Take a label out. What names it elsewhere stays, and is told by :meth:`problems`."""
        del self.labels[place], self._origins[place]

    def move_label(self, place: int, by: int) -> int:
        """Exchange a label with the one so many places on; gives its new place."""
        there = min(max(place + by, 0), len(self.labels) - 1)
        self.labels.insert(there, self.labels.pop(place))
        self._origins.insert(there, self._origins.pop(place))
        return there

    def change_label(self, place: int, values: Mapping[str, Any]) -> None:
        """Set fields of a label; an empty value takes a field away. A new name is taken over wherever the old stood."""
        entry = self.labels[place]
        old, new = str(entry.get("name", "")), str(values.get("name", entry.get("name", "")))
        _set(entry, values)
        if new and new != old and all(other is entry or other.get("name") != new for other in self.labels):
            self._replace_name(old, new)

    # Rules -------------------------------------------------------------------------------------------------------

    def add_rule(self, check: str) -> int:
        """A new rule of a kind at the end, for the first label; gives its place."""
        rule: Entry = {"check": check, "labels": [entry["name"] for entry in self.labels[:1]]}
        self.rules.append(rule)
        return len(self.rules) - 1

    def remove_rule(self, place: int) -> None:
        del self.rules[place]

    def change_rule(self, place: int, values: Mapping[str, Any]) -> None:
        """Set fields of a rule; an empty value takes a field away, and another kind those that it does not have."""
        rule = self.rules[place]
        _set(rule, values)
        known = {"check", *(field.name for field in fields(CHECKS[rule["check"]]))}
        for name in set(rule) - known:
            del rule[name]

    def rules_in_words(self) -> list[str]:
        """What each rule wants; its kind where it cannot be understood yet."""
        found = []
        for entry in self.rules:
            try:
                whole, _ = draft(as_yaml({"name": "", "labels": [], "rules": [entry]}), "The rule")
            except SchemaError:  # told by problems()
                found.append(f"{entry['check']}: ?")
                continue
            titles = {str(label["name"]): str(label.get("title", label["name"])) for label in self.labels}
            found.append(in_words(whole.rules[0], titles))
        return found

    # The whole ---------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """As YAML."""
        found: Entry = {"name": self.name, "labels": self.labels}
        for field, entries in (("skeletons", self.skeletons), ("rules", self.rules)):
            if entries:
                found[field] = entries
        return as_yaml(found)

    def set_text(self, text: str) -> None:
        """Take everything from YAML; ``SchemaError`` where it cannot be understood, and nothing is changed."""
        origins = {entry.get("name"): origin for entry, origin in zip(self.labels, self._origins, strict=True)}
        self._take(draft(text, "The text", self.name)[0])
        self._origins = [origins.get(entry["name"], "") for entry in self.labels]

    def use_template(self, name: str, add: bool) -> None:
        """Take the labels and rules of a template, in place of what is there or beside it."""
        chosen = SchemaDraft.of(template(name))
        if add:
            self._take(self._draft().with_more(chosen))
            self._origins += [""] * (len(self.labels) - len(self._origins))
        else:
            there = {entry["name"] for entry in self.labels}
            self._take(chosen)
            self._origins = [entry["name"] if entry["name"] in there else "" for entry in self.labels]

    def problems(self) -> list[Problem]:
        """Everything that is wrong now, without the lines of a text that nobody sees."""
        try:
            _, found = draft(self.text(), "The schema", self.name)
        except SchemaError as error:
            found = list(error.problems)
        return [replace(problem, line=0) for problem in found]

    def vanishing(self) -> list[Use]:
        """The labels that objects use and that would no longer be in the schema."""
        before = {label.name for label in self.project.schema}
        kept = {entry.get("name") for entry in self.labels} | set(self._origins)
        return self.project.schemas.uses(before - kept)

    def save(self, who: str = "") -> int:
        """Make this the schema of the project, and give objects the new names of their labels.

        Returns
        -------
        How many objects got another label's name.

        Raises
        ------
        SchemaError
            It does not hold together, another program changed the schema meanwhile, or two labels exchanged names.
        """
        schema = self._draft().schema()
        if self._path.read_text("utf-8") != self._begun:
            raise SchemaError(
                f"{self._path} was changed by another program since it was opened here. Copy what you need from the "
                "text, close this window, and open it again."
            )
        renames = [
            (origin, entry["name"])
            for origin, entry in zip(self._origins, self.labels, strict=True)
            if origin and origin != entry["name"]
        ]
        before = set(self._origins) | {label.name for label in self.project.schema}
        for old, new in renames:
            if new in before:
                raise SchemaError(
                    f"'{old}' cannot be called '{new}' at once, because another label had that name until now. Save "
                    "with another name first, or use 'xrayai schema rename' to make one label of two."
                )
        count = sum(self.project.rename_label(old, new, who) for old, new in renames)
        self.project.set_schema(schema, who)
        self._begun = self._path.read_text("utf-8")
        self._take(SchemaDraft.of(schema))
        self._origins = [entry["name"] for entry in self.labels]
        return count

    # Within ------------------------------------------------------------------------------------------------------

    def _draft(self) -> SchemaDraft:
        return draft(self.text(), "The schema", self.name)[0]

    def _take(self, found: SchemaDraft) -> None:
        entries: Any = document(found)
        self.name, self.labels = entries["name"], entries["labels"]
        self.skeletons, self.rules = entries.get("skeletons", []), entries.get("rules", [])

    def _replace_name(self, old: str, new: str) -> None:
        def name(found: Any) -> Any:
            return new if found == old else found

        for entry in self.labels:
            if entry.get("mirror") == old:
                entry["mirror"] = new
        for skeleton in self.skeletons:
            skeleton["points"] = [name(point) for point in skeleton.get("points", [])]
            skeleton["lines"] = [[name(end) for end in line] for line in skeleton.get("lines", [])]
        for rule in self.rules:
            for field in ("labels", "others"):
                if field in rule:
                    rule[field] = [name(one) for one in rule[field]]
            for field in ("when", "unless"):
                if field in rule:
                    rule[field] = {name(question): answers for question, answers in rule[field].items()}


def _set(entry: Entry, values: Mapping[str, Any]) -> None:
    for field, value in values.items():
        if value in ("", None, [], {}, False):
            entry.pop(field, None)
        else:
            entry[field] = value
