"""The labels of a project: what may be said, with which tool, in which colour, under which code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from XRayAILib.findings.objects import FindingError


class Tool(str, Enum):
    """The kind of object that a label is drawn as."""

    MASK = "mask"
    POLYGON = "polygon"
    BOX = "box"
    ROTATED_BOX = "rotated box"
    ELLIPSE = "ellipse"
    POLYLINE = "polyline"
    LANDMARK = "landmark"
    LINE = "line"
    ANGLE = "angle"
    COBB_ANGLE = "cobb angle"
    CARDIOTHORACIC_RATIO = "cardiothoracic ratio"
    IMAGE = "image"


class SchemaError(FindingError):
    """A label schema that cannot be used, with the reason."""


@dataclass(frozen=True)
class Code:
    """A coded concept, such as SNOMED CT 39607008 "Lung" (PS3.3 8.8)."""

    scheme: str
    value: str
    meaning: str


class AttributeKind(str, Enum):
    """What an attribute is answered with."""

    CHOICE = "choice"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True)
class Attribute:
    """Something asked of every object of a label, such as the side of a fracture.

    Answers stand in :attr:`FindingObject.attributes` as text, under ``name``.

    Attributes
    ----------
    options
        Of a choice.
    minimum, maximum
        Of a number; ``None`` where there is no limit.
    unit
        Of a number, only to be shown.
    """

    name: str
    title: str
    kind: AttributeKind = AttributeKind.TEXT
    options: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Skeleton:
    """Landmarks that belong together, such as the points of a hand.

    Attributes
    ----------
    points
        Names of landmark labels, in the order in which they are set.
    lines
        Pairs of them that are joined by a line.
    """

    name: str
    title: str
    points: tuple[str, ...]
    lines: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Label:
    """One label.

    Attributes
    ----------
    name
        Key used in files and findings: letters, digits, ``_`` and ``-``.
    title
        What the reader sees.
    color
        ``#rrggbb``.
    mirror
        The label that this one becomes in a mirrored image (``left_lung`` for ``right_lung``); empty where there are
        no sides.
    options
        For ``Tool.IMAGE``: the allowed values.
    multiple
        For ``Tool.IMAGE``: several of them may be true at once, each an :class:`ImageLabel` of its own.
    required
        For ``Tool.IMAGE``: the question must be answered.
    attributes
        What is asked of each object.
    """

    name: str
    title: str
    tool: Tool
    color: str
    code: Code | None = None
    mirror: str = ""
    hotkey: str = ""
    options: tuple[str, ...] = ()
    multiple: bool = False
    required: bool = False
    attributes: tuple[Attribute, ...] = ()

    @property
    def rgb(self) -> tuple[float, float, float]:
        """The colour as 0..1."""
        red, green, blue = (int(self.color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return red, green, blue


@dataclass(frozen=True)
class LabelSchema:
    """The labels of a project, in the order in which they are offered."""

    name: str
    labels: tuple[Label, ...]
    skeletons: tuple[Skeleton, ...] = ()

    def __post_init__(self) -> None:
        names = [label.name for label in self.labels]
        for label in self.labels:
            if not re.fullmatch(r"[A-Za-z0-9][\w-]*", label.name):
                raise SchemaError(f"'{label.name}' is no label name: use letters, digits, '_' and '-'.")
            if names.count(label.name) > 1:
                raise SchemaError(f"The label '{label.name}' stands twice in the schema '{self.name}'.")
            if not re.fullmatch(r"#[0-9A-Fa-f]{6}", label.color):
                raise SchemaError(f"The colour '{label.color}' of '{label.name}' is not of the form #rrggbb.")
            if label.mirror and label.mirror not in names:
                raise SchemaError(f"The label '{label.name}' mirrors to '{label.mirror}', which is not in the schema.")

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

    @classmethod
    def read(cls, path: Path) -> LabelSchema:
        """Read a schema from YAML; :class:`SchemaError` names the file and the entry that is wrong."""
        import yaml

        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SchemaError(f"{path}: the label schema cannot be read ({error}).") from error
        if not isinstance(document, dict) or not isinstance(document.get("labels"), list):
            raise SchemaError(f"{path}: a label schema is a mapping with 'name' and a list 'labels'.")
        try:
            labels = tuple(_label(entry) for entry in document["labels"])
            return cls(str(document.get("name", path.stem)), labels)
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from error

    def write(self, path: Path) -> None:
        """Write the schema as YAML, whole or not at all."""
        import yaml

        text = yaml.safe_dump(self.document(), sort_keys=False, allow_unicode=True)
        temporary = path.with_name(path.name + ".part")
        temporary.write_text(text, "utf-8")
        temporary.replace(path)

    def document(self) -> dict[str, object]:
        """The schema as plain mappings and lists, as they stand in the YAML file."""
        return {"name": self.name, "labels": [_entry(label) for label in self.labels]}


def _label(entry: object) -> Label:
    if not isinstance(entry, dict) or "name" not in entry:
        raise SchemaError(f"an entry of 'labels' has no 'name': {entry!r}")
    name = str(entry["name"])
    try:
        tool = Tool(str(entry.get("tool", "mask")))
    except ValueError as error:
        raise SchemaError(f"the tool of '{name}' is none of {', '.join(t.value for t in Tool)}") from error
    code = entry.get("code")
    if code is not None and not (isinstance(code, dict) and {"scheme", "value", "meaning"} <= code.keys()):
        raise SchemaError(f"the code of '{name}' needs 'scheme', 'value' and 'meaning'")
    return Label(
        name=name,
        title=str(entry.get("title", name.replace("_", " "))),
        tool=tool,
        color=str(entry.get("color", "#ff8080")),
        code=Code(str(code["scheme"]), str(code["value"]), str(code["meaning"])) if code else None,
        mirror=str(entry.get("mirror", "")),
        hotkey=str(entry.get("hotkey", "")),
        options=tuple(str(o) for o in entry.get("options", ())),
    )


def _entry(label: Label) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": label.name,
        "title": label.title,
        "tool": label.tool.value,
        "color": label.color,
    }
    if label.code:
        entry["code"] = {"scheme": label.code.scheme, "value": label.code.value, "meaning": label.code.meaning}
    for name in ("mirror", "hotkey"):
        if getattr(label, name):
            entry[name] = getattr(label, name)
    if label.options:
        entry["options"] = list(label.options)
    return entry
