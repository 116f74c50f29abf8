"""Guidelines as rules that run: what must hold of the objects of a label, and why.

Rules only say what is wanted; :mod:`XRayAILib.findings.guidelines` looks whether it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from XRayAILib.findings.label import AREAS, MEASUREMENTS, Label, Tool


class Severity(str, Enum):
    """How much a broken rule matters.

    ``REFUSE`` keeps findings from being submitted, ``WARN`` is told. No rule has ``NOTE``: it says that a rule could
    not be judged, such as millimetres on an image without spacing.
    """

    NOTE = "note"
    WARN = "warn"
    REFUSE = "refuse"


class Measure(str, Enum):
    """What of an object is measured.

    Width and height are those of its extent along the columns and rows. The length is the path of a line, the longer
    side of a box, and the greatest distance between two points of anything else. The value is a measurement's own: an
    angle in degrees, a ratio.
    """

    WIDTH = "width"
    HEIGHT = "height"
    LENGTH = "length"
    AREA = "area"
    VALUE = "value"


class Unit(str, Enum):
    """Of a limit; areas have its square."""

    MM = "mm"
    PX = "px"


class Axis(str, Enum):
    """Along which landmarks follow each other: ``X`` from left to right in the picture, ``Y`` from top to bottom."""

    X = "x"
    Y = "y"


Conditions = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What every rule has.

    Attributes
    ----------
    labels
        Of which objects something is wanted.
    reason
        Why; shown to the reader with the message.
    severity
        ``WARN`` or ``REFUSE``.
    when
        (name of a question, answers): the rule holds only for images of which one of these answers is given.
    unless
        The same: it does not hold for images of which one of these answers is given.
    """

    labels: tuple[str, ...]
    reason: str = ""
    severity: Severity = Severity.WARN
    when: Conditions = ()
    unless: Conditions = ()

    check: ClassVar[str] = ""

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        """(field, what is wrong with it) under the labels of a schema, by their names."""
        if not self.labels:
            yield "labels", "names no label. List those that the rule is for."
        yield from _vanished("labels", self.labels, labels)
        if self.severity is Severity.NOTE:
            yield "severity", "'note' is for rules that cannot be judged. Use warn or refuse."
        for field, conditions in (("when", self.when), ("unless", self.unless)):
            for name, answers in conditions:
                question = labels.get(name)
                if question is None or question.tool is not Tool.IMAGE:
                    yield field, f"'{name}' is no question about the image (a label with the tool 'image')."
                elif foreign := [a for a in answers if question.options and a not in question.options]:
                    yield field, f"'{foreign[0]}' is no option of '{name}' ({', '.join(question.options)})."


@dataclass(frozen=True, kw_only=True)
class Size(Rule):
    """An object is neither too small nor too large.

    Attributes
    ----------
    minimum, maximum
        In ``unit``, areas in its square; in degrees, or none for a ratio, where the value of a measurement is meant.
    """

    measure: Measure = Measure.LENGTH
    minimum: float | None = None
    maximum: float | None = None
    unit: Unit = Unit.MM
    check = "size"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        yield from limits(self.minimum, self.maximum)
        if self.minimum is None and self.maximum is None:
            yield "minimum", "is missing, and 'maximum' too. Give one of them."
        for label in _present(self.labels, labels):
            if not _can_measure(self.measure, label.tool):
                yield (
                    "measure",
                    f"'{self.measure.value}' cannot be measured of '{label.name}', which is drawn as "
                    f"{label.tool.value}. Choose another measure, or take the label out of the rule.",
                )


@dataclass(frozen=True, kw_only=True)
class Count(Rule):
    """So many objects of each label; exactly n is a minimum of n and a maximum of n."""

    minimum: float | None = None
    maximum: float | None = None
    check = "count"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        yield from limits(self.minimum, self.maximum)
        if self.minimum is None and self.maximum is None:
            yield "minimum", "is missing, and 'maximum' too. Give one of them, or both for 'exactly'."
        for field, number in (("minimum", self.minimum), ("maximum", self.maximum)):
            if number is not None and (number < 0 or number != int(number)):
                yield field, f"{number:g} is no number of objects. Use 0, 1, 2, ..."


@dataclass(frozen=True, kw_only=True)
class _Among(Rule):
    """Where objects lie by objects of other labels.

    Attributes
    ----------
    others
        Any of these labels.
    tolerance
        Share of an object, 0..1, that may lie on the wrong side.
    """

    others: tuple[str, ...] = ()
    tolerance: float = 0.0

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        if not self.others:
            yield "others", "names no label. List those that the objects are compared with."
        yield from _vanished("others", self.others, labels)
        if not 0.0 <= self.tolerance < 1.0:
            yield "tolerance", f"{self.tolerance:g} is no share. Use 0 to 0.99: 0.05 is 5 %."
        for field, names in (("labels", self.labels), ("others", self.others)):
            for label in _present(names, labels):
                if label.tool is Tool.IMAGE:
                    yield field, f"'{label.name}' is a question about the image and lies nowhere. Take it out."


@dataclass(frozen=True, kw_only=True)
class Inside(_Among):
    """An object lies inside those of other labels, taken together. Where none of them is drawn, nothing is judged."""

    check = "inside"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        for label in _present(self.others, labels):
            if label.tool not in AREAS and label.tool is not Tool.IMAGE:
                yield "others", f"nothing can lie inside '{label.name}', which is drawn as {label.tool.value}."


@dataclass(frozen=True, kw_only=True)
class Apart(_Among):
    """An object does not cross those of other labels."""

    check = "apart"


@dataclass(frozen=True, kw_only=True)
class Answered(Rule):
    """Attributes must be answered, at least under the rule's condition."""

    attributes: tuple[str, ...] = ()
    check = "attributes"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        if not self.attributes:
            yield "attributes", "names no attribute. List those that must be answered."
        for label in _present(self.labels, labels):
            for name in self.attributes:
                if all(attribute.name != name for attribute in label.attributes):
                    yield "attributes", _no_attribute(label, name)


@dataclass(frozen=True, kw_only=True)
class Border(Rule):
    """An object does not touch the border of the image. Without this rule it may.

    Attributes
    ----------
    distance
        Pixels that stay free at least.
    """

    distance: float = 0.0
    check = "border"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        if self.distance < 0:
            yield "distance", f"{self.distance:g} is no distance. Use 0 or more pixels."


@dataclass(frozen=True, kw_only=True)
class Sides(Rule):
    """In a frontal view the objects of these labels, the patient's right, lie left of those that they mirror to."""

    check = "sides"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        yield from _mirrored(self.labels, labels)


@dataclass(frozen=True, kw_only=True)
class Laterality(Rule):
    """Labels, or an attribute, say the side that the file's Image Laterality (0020,0062) says.

    Attributes
    ----------
    attribute
        The attribute that says the side, with answers that begin with "r" and "l" (right, left). Where it is empty,
        ``labels`` are questions with such answers, or labels of the patient's right, whose mirrors are the left's.
    """

    attribute: str = ""
    check = "laterality"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        if not self.attribute:
            drawn = tuple(label.name for label in _present(self.labels, labels) if label.tool is not Tool.IMAGE)
            yield from _mirrored(drawn, labels)
            return
        for label in _present(self.labels, labels):
            if all(attribute.name != self.attribute for attribute in label.attributes):
                yield "attribute", _no_attribute(label, self.attribute)


@dataclass(frozen=True, kw_only=True)
class Order(Rule):
    """Objects of these labels follow each other along an axis; what is not drawn is left out."""

    axis: Axis = Axis.Y
    check = "order"

    def problems(self, labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
        yield from super().problems(labels)
        if len(self.labels) == 1:
            yield "labels", "names one label only; an order takes at least two."


CHECKS: dict[str, type[Rule]] = {
    kind.check: kind for kind in (Size, Count, Inside, Apart, Answered, Border, Sides, Laterality, Order)
}
"""By the word that stands under ``check`` in a file."""


def limits(minimum: float | None, maximum: float | None) -> Iterator[tuple[str, str]]:
    """(field, problem) where a minimum is more than its maximum."""
    if minimum is not None and maximum is not None and minimum > maximum:
        yield "minimum", f"{minimum:g} is more than the maximum, {maximum:g}. Swap them?"


def _vanished(field: str, names: tuple[str, ...], labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name not in labels:
            yield field, f"there is no label '{name}'{meant(name, labels)}. Add it, or take it out of the rule."
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield field, f"'{name}' stands there twice."


def meant(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str:
    """`` (did you mean 'color'?)`` where a known name is much like one that is not known, else nothing."""
    import difflib

    near = difflib.get_close_matches(name.lower(), [str(word) for word in known], 1, 0.7)
    return f" (did you mean '{near[0]}'?)" if near else ""


def _present(names: tuple[str, ...], labels: Mapping[str, Label]) -> list[Label]:
    return [labels[name] for name in names if name in labels]


def _no_attribute(label: Label, name: str) -> str:
    there = tuple(attribute.name for attribute in label.attributes)
    known = f"it has {', '.join(there)}" if there else "it has none"
    return f"the label '{label.name}' has no attribute '{name}' ({known}){meant(name, there)}."


def _mirrored(names: tuple[str, ...], labels: Mapping[str, Label]) -> Iterator[tuple[str, str]]:
    for label in _present(names, labels):
        if not label.mirror:
            yield "labels", f"'{label.name}' has no 'mirror', so it has no side. Give it one, or take it out."
        elif label.mirror in names:
            yield "labels", f"lists both '{label.name}' and its mirror '{label.mirror}'. List the patient's right only."


def _can_measure(measure: Measure, tool: Tool) -> bool:
    if measure is Measure.VALUE:
        return tool in MEASUREMENTS
    if measure is Measure.AREA:
        return tool in AREAS
    return tool in AREAS or tool in (Tool.POLYLINE, Tool.LINE)
