"""What can be wrong with a label schema, said so that a person can mend it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from XRayAILib.findings.label import Attribute, AttributeKind, Label, Skeleton, Tool
from XRayAILib.findings.rule import Rule, limits, meant

NAME = re.compile(r"[A-Za-z0-9][\w-]{0,99}", re.ASCII)
KEY = re.compile(r"(Shift\+)?(\S|F([2-9]|1[0-2]))", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes
    ----------
    where
        The entry, such as ``label 'nodule'`` or ``rule 2 (size)``; empty for the schema as a whole.
    field
        Of the entry; empty where the whole entry is meant.
    text
        What is wrong, and the way out.
    line
        In the file, from 1; 0 where there is none.
    """

    where: str
    field: str
    text: str
    line: int = 0

    def __str__(self) -> str:
        place = [f"line {self.line}"] if self.line else []
        place += [self.where] if self.where else []
        place += [f"field '{self.field}'"] if self.field else []
        return f"{', '.join(place)}: {self.text}" if place else self.text


def as_text(source: str, found: Sequence[Problem]) -> str:
    """All problems of a source in one message, a line for each."""
    if len(found) == 1:
        return f"{source}: {found[0]}"
    return "\n".join([f"{source} has {len(found)} problems:", *(f"- {problem}" for problem in found)])


def problems(labels: Sequence[Label], skeletons: Sequence[Skeleton], rules: Sequence[Rule]) -> Iterator[Problem]:
    """Everything that is wrong with the parts of a schema, in their order."""
    known = {label.name: label for label in labels}
    yield from _twice([label.name for label in labels], "label", "Rename one of them, or take one out.")
    for label in labels:
        where = f"label '{label.name}'"
        yield from (Problem(where, field, text) for field, text in _of_label(label, known))
        yield from _twice([a.name for a in label.attributes], f"{where}, attribute", "Rename one of them.")
        for attribute in label.attributes:
            place = f"{where}, attribute '{attribute.name}'"
            yield from (Problem(place, field, text) for field, text in _of_attribute(attribute))
    yield from _hotkeys(labels)
    yield from _twice([s.name for s in skeletons], "skeleton", "Rename one of them.")
    for skeleton in skeletons:
        where = f"skeleton '{skeleton.name}'"
        yield from (Problem(where, field, text) for field, text in _of_skeleton(skeleton, known))
    for number, rule in enumerate(rules, 1):
        where = f"rule {number} ({rule.check})"
        yield from (Problem(where, field, text) for field, text in rule.problems(known))


def hotkey_problem(key: str) -> str:
    """Why a key cannot choose a label; empty where it can.

    Slicer's menus have keys with Ctrl; Alt and Meta belong to the panel's buttons and the window manager; Escape,
    Space, Delete and the like edit what is drawn.
    """
    if KEY.fullmatch(key):
        return ""
    if re.search(r"(ctrl|control|alt|meta)\+", key, re.IGNORECASE):
        return f"'{key}' belongs to Slicer or to the panel: keys with Ctrl, Alt or Meta do. Use a letter or a digit."
    return f"'{key}' is no key for a label. Use a letter, a digit or a sign, also with Shift+, or F2 to F12."


def _twice(names: Iterable[str], what: str, way: str) -> Iterator[Problem]:
    for name, number in Counter(names).items():
        if number > 1:
            yield Problem(f"{what} '{name}'", "name", f"stands there {number} times. {way}")


def _of_label(label: Label, known: dict[str, Label]) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(label.name):
        yield "name", f"'{label.name}' is no name: use letters a to z, digits, '_' and '-', at most 100."
    if not label.title.strip():
        yield "title", "is empty. The reader sees it."
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", label.color):
        yield "color", f"'{label.color}' is not of the form #rrggbb, such as #4fc3f7."
    if label.code and not all((label.code.scheme, label.code.value, label.code.meaning)):
        yield "code", "needs a scheme (such as SCT), a value and a meaning. Leave it out where there is no code."
    if label.mirror:
        partner = known.get(label.mirror)
        if partner is None:
            yield "mirror", f"there is no label '{label.mirror}'{meant(label.mirror, known)}. Add it, or leave it out."
        elif label.mirror == label.name:
            yield "mirror", "is the label itself. Leave it out where there are no sides."
        elif partner.mirror != label.name:
            back = f"mirrors to '{partner.mirror}'" if partner.mirror else "mirrors to nothing"
            yield "mirror", f"'{label.mirror}' {back}; a pair names each other. Write 'mirror: {label.name}' there."
    if label.tool is Tool.IMAGE:
        yield from _options(label.options)
        if label.attributes:
            yield "attributes", "a question about the image has none. Ask another question instead."
        if label.mirror:
            yield "mirror", "a question about the image has no sides. Leave it out."
        return
    for field in ("options", "multiple", "required"):
        if getattr(label, field):
            yield (
                field,
                f"is for questions about the image (tool 'image'); '{label.name}' is drawn. "
                + ("Use an attribute of the kind choice." if field == "options" else "Use a rule of the kind count."),
            )


def _of_attribute(attribute: Attribute) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(attribute.name):
        yield "name", f"'{attribute.name}' is no name: use letters a to z, digits, '_' and '-'."
    if attribute.kind is AttributeKind.CHOICE:
        yield from _options(attribute.options)
        if not attribute.options:
            yield "options", "is missing: a choice needs some."
    elif attribute.options:
        yield "options", f"is for a choice; the kind is {attribute.kind.value}. Change the kind, or leave it out."
    if attribute.kind is AttributeKind.NUMBER:
        yield from limits(attribute.minimum, attribute.maximum)
        return
    for field in ("minimum", "maximum", "unit"):
        if getattr(attribute, field) not in (None, ""):
            yield field, f"is for a number; the kind is {attribute.kind.value}. Change the kind, or leave it out."


def _options(options: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for option, number in Counter(options).items():
        if number > 1:
            yield "options", f"'{option}' stands there {number} times. Take one out."
        if not option.strip():
            yield "options", "one of them is empty. Take it out; a reader can always leave the answer open."


def _hotkeys(labels: Sequence[Label]) -> Iterator[Problem]:
    taken: dict[str, str] = {}
    for label in labels:
        if not label.hotkey:
            continue
        if problem := hotkey_problem(label.hotkey):
            yield Problem(f"label '{label.name}'", "hotkey", problem)
            continue
        first = taken.setdefault(label.hotkey.upper(), label.name)
        if first != label.name:
            text = f"'{label.hotkey}' is the key of '{first}' already. Give one of them another."
            yield Problem(f"label '{label.name}'", "hotkey", text)


def _of_skeleton(skeleton: Skeleton, known: dict[str, Label]) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(skeleton.name):
        yield "name", f"'{skeleton.name}' is no name: use letters a to z, digits, '_' and '-'."
    if not skeleton.points:
        yield "points", "names no landmark. List them in the order in which they are set."
    for name, number in Counter(skeleton.points).items():
        if name not in known:
            yield "points", f"there is no label '{name}'{meant(name, known)}. Add it, or take it out of the skeleton."
        elif known[name].tool is not Tool.LANDMARK:
            yield "points", f"'{name}' is drawn as {known[name].tool.value}, not as a landmark."
        if number > 1:
            yield "points", f"'{name}' stands there {number} times. Take one out."
    for line in skeleton.lines:
        for name in line:
            if name not in skeleton.points:
                yield "lines", f"'{name}' is none of its points{meant(name, skeleton.points)}."
        if line[0] == line[1]:
            yield "lines", f"a line leads from '{line[0]}' to itself."
