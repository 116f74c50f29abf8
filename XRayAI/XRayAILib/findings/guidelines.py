"""Guidelines that run: which rules of a schema the findings of an image break, each with a message for the reader.

::

    for violation in check(findings, project.schema, header.spacing, header.laterality):
        print(violation.severity.value, violation.message)

Beside the rules of the schema it looks whether the questions are answered that must be, whether answers are among
those that their question allows, and whether polygons cross themselves. Rejected objects are left out: they are no
longer said.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.answers import wrong_answers
from XRayAILib.findings.author import Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Tool
from XRayAILib.findings.objects import FindingObject, ImageLabel, Mask
from XRayAILib.findings.region import Region, share_crossed, share_inside
from XRayAILib.findings.rule import (
    Answered,
    Apart,
    Axis,
    Border,
    Count,
    Inside,
    Laterality,
    Measure,
    Order,
    Rule,
    Severity,
    Sides,
    Size,
    Unit,
)
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Point

WORDS = {
    Measure.WIDTH: "wide",
    Measure.HEIGHT: "high",
    Measure.LENGTH: "long",
    Measure.AREA: "large",
    Measure.VALUE: "",
}
ORDER = (Severity.REFUSE, Severity.WARN, Severity.NOTE)


@dataclass(frozen=True)
class Violation:
    """One thing that is not as it should be.

    Attributes
    ----------
    rule
        The rule of the schema; ``None`` where the schema's labels and attributes themselves say it.
    objects
        Ids of the objects concerned; none where something is missing.
    message
        For the reader: what is wrong, and the rule's reason.
    severity
        ``REFUSE``: it cannot be submitted like this. ``NOTE``: the rule could not be judged.
    label
        Name of the label that it is about.
    """

    rule: Rule | None
    objects: tuple[str, ...]
    message: str
    severity: Severity
    label: str = ""


def check(findings: Findings, schema: LabelSchema, spacing: Spacing, laterality: str = "") -> list[Violation]:
    """What findings break, the worst first.

    Parameters
    ----------
    spacing
        Of the image; where it is unknown, rules in millimetres give a note that they could not be judged.
    laterality
        Image Laterality (0020,0062) or Laterality (0020,0060): only ``R`` and ``L`` say a side.
    """
    return Checker().check(findings, schema, spacing, laterality)


class Checker:
    """Checks findings again and again while they are drawn: what is computed of an object serves until it changes."""

    def __init__(self) -> None:
        self._regions: dict[str, Region] = {}
        self._shape = (0, 0)

    def check(self, findings: Findings, schema: LabelSchema, spacing: Spacing, laterality: str = "") -> list[Violation]:
        """See :func:`check`."""
        objects = [item for item in findings if item.status is not Status.REJECTED]
        old = self._regions if self._shape == findings.shape else {}
        self._shape = findings.shape
        self._regions = {item.id: _region(item, findings.shape, old.get(item.id)) for item in objects}
        case = _Case(list(self._regions.values()), schema, findings.shape, spacing, laterality)
        violations = [Violation(None, *wrong) for wrong in wrong_answers(objects, schema)]
        violations += case.crossed()
        for rule in schema.rules:
            if case.applies(rule):
                violations += _CHECKS[type(rule)](case, rule)
        return sorted(violations, key=lambda violation: ORDER.index(violation.severity))


def _region(item: FindingObject, shape: tuple[int, int], old: Region | None) -> Region:
    if old is None:
        return Region(item, shape)
    if isinstance(item, Mask):
        # To compare pixels takes as long as to look at them anew; where nothing was painted, the array is the same.
        same = isinstance(old.item, Mask) and old.item.crop is item.crop and old.item.origin == item.origin
        return Region(item, shape, known=old if same else None)
    return old if old.item == item else Region(item, shape)


class _Case:
    """The findings of one image, prepared for the rules."""

    def __init__(
        self, regions: list[Region], schema: LabelSchema, shape: tuple[int, int], spacing: Spacing, laterality: str
    ) -> None:
        self.schema, self.shape, self.spacing = schema, shape, spacing
        self.laterality = laterality.strip().upper()
        self._regions = regions
        self._labels: dict[str, list[Region]] = {}
        for region in regions:
            self._labels.setdefault(region.item.label, []).append(region)

    def of(self, *labels: str) -> list[FindingObject]:
        """The objects of some labels, in the order of these."""
        return [region.item for label in labels for region in self._labels.get(label, ())]

    def placed(self, *labels: str) -> list[Region]:
        """Those of them that lie somewhere in the image."""
        return [region for label in labels for region in self._labels.get(label, ()) if region.is_placed]

    @cached_property
    def answers(self) -> dict[str, set[str]]:
        said: dict[str, set[str]] = {}
        for item in (region.item for region in self._regions):
            if isinstance(item, ImageLabel):
                said.setdefault(item.label, set()).add(item.value)
        return said

    def applies(self, rule: Rule) -> bool:
        """Whether the questions about the image are answered so that a rule holds."""

        def said(name: str, wanted: tuple[str, ...]) -> bool:
            return not self.answers.get(name, set()).isdisjoint(wanted)

        return all(said(*when) for when in rule.when) and not any(said(*unless) for unless in rule.unless)

    def title(self, label: str) -> str:
        return self.schema[label].title if label in self.schema else label

    def titles(self, labels: tuple[str, ...]) -> str:
        return _either([self.title(label) for label in labels])

    def crossed(self) -> Iterator[Violation]:
        """Polygons of which nobody can say what lies inside: programs differ, ours goes by the even-odd rule."""
        for region in self._regions:
            if region.crosses_itself:
                text = f"{self.title(region.item.label)}: its line crosses itself. Drag or delete the corners there."
                yield Violation(None, (region.item.id,), text, Severity.WARN, region.item.label)

    def broken(self, rule: Rule, label: str, text: str, *objects: FindingObject) -> Violation:
        return Violation(rule, tuple(item.id for item in objects), _sentence(text, rule.reason), rule.severity, label)


def _size(case: _Case, rule: Size) -> Iterator[Violation]:
    regions = case.placed(*rule.labels)
    plain = rule.measure is Measure.VALUE and all(case.schema[label].tool is not Tool.LINE for label in rule.labels)
    if rule.unit is Unit.MM and not plain and not case.spacing.known:
        if regions:
            limits = " and ".join(
                f"{word} {limit:g} mm"
                for word, limit in (("at least", rule.minimum), ("at most", rule.maximum))
                if limit is not None
            )
            text = (
                f"{case.titles(rule.labels)}: {limits} could not be judged, because the image has no spacing. "
                "Calibrate it by a line of known length."
            )
            ids = tuple(region.item.id for region in regions)
            yield Violation(rule, ids, text, Severity.NOTE, regions[0].item.label)
        return
    spacing = case.spacing if plain or rule.unit is Unit.MM else Spacing.unknown()
    for region in regions:
        item, found = region.item, region.measured(rule.measure, spacing)
        if found is None:
            continue
        # A polygon drawn to be exactly 3 mm long must not fail by the last digit.
        slack = 1e-6 * max(1.0, abs(found.value))
        if rule.minimum is not None and found.value < rule.minimum - slack:
            bound = f"at least {rule.minimum:g}"
        elif rule.maximum is not None and found.value > rule.maximum + slack:
            bound = f"at most {rule.maximum:g}"
        else:
            continue
        bound += "°" if found.unit == "°" else f" {found.unit}".rstrip()
        size = f"{found} {WORDS[rule.measure]}".strip()
        yield case.broken(rule, item.label, f"{case.title(item.label)}: {size}; {bound} is wanted", item)


def _count(case: _Case, rule: Count) -> Iterator[Violation]:
    low, high = rule.minimum, rule.maximum
    wanted = f"exactly {low:g}" if low == high and low is not None else ""
    for label in rule.labels:
        items = case.of(label)
        if low is not None and len(items) < low:
            bound = wanted or f"at least {low:g}"
        elif high is not None and len(items) > high:
            bound = wanted or (f"at most {high:g}" if high else "none")
        else:
            continue
        # What is too many is marked; what is missing cannot be.
        yield case.broken(rule, label, f"{case.title(label)}: {len(items) or 'none'} there, {bound} wanted", *items)


def _inside(case: _Case, rule: Inside) -> Iterator[Violation]:
    others = case.placed(*rule.others)
    for region in case.placed(*rule.labels):
        around = [other for other in others if other is not region]
        if not around:
            continue
        outside = 1.0 - share_inside(region, [other for other in around if _near(region, other)])
        if outside > rule.tolerance + 1e-9:
            label = region.item.label
            text = f"{case.title(label)}: {_percent(outside)} of it lies outside {case.titles(rule.others)}"
            yield case.broken(rule, label, text, region.item)


def _apart(case: _Case, rule: Apart) -> Iterator[Violation]:
    seen: set[tuple[str, str]] = set()
    others = case.placed(*rule.others)
    for region in case.placed(*rule.labels):
        for other in others:
            if other is region or not _near(region, other) or (other.item.id, region.item.id) in seen:
                continue
            seen.add((region.item.id, other.item.id))
            share = share_crossed(region, other)
            if share > rule.tolerance + 1e-9:
                how = f" ({_percent(share)} of it)" if region.has_area and other.has_area else ""
                text = f"{case.title(region.item.label)} crosses {case.title(other.item.label)}{how}"
                yield case.broken(rule, region.item.label, text, region.item, other.item)


def _answered(case: _Case, rule: Answered) -> Iterator[Violation]:
    for item in case.of(*rule.labels):
        said = {name for name, value in item.attributes if value}
        asked = {a.name: a.title for a in case.schema[item.label].attributes}
        missing = [asked.get(name, name) for name in rule.attributes if name not in said]
        if missing:
            text = f"{case.title(item.label)}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not answered"
            yield case.broken(rule, item.label, text, item)


def _border(case: _Case, rule: Border) -> Iterator[Violation]:
    rows, columns = case.shape
    for region in case.placed(*rule.labels):
        x0, y0, x1, y1 = region.extent
        free = min(x0 + 0.5, y0 + 0.5, columns - 0.5 - x1, rows - 0.5 - y1)
        if free <= 1e-6 or free < rule.distance:
            near = "touches the border" if free <= 1e-6 else f"is {free:.0f} px from the border"
            wanted = f"; {rule.distance:g} px stay free" if rule.distance else ""
            label = region.item.label
            yield case.broken(rule, label, f"{case.title(label)} {near} of the image{wanted}", region.item)


def _sides(case: _Case, rule: Sides) -> Iterator[Violation]:
    for right in rule.labels:
        left = case.schema[right].mirror
        rights, lefts = case.placed(right), case.placed(left)
        if rights and lefts and _middle(rights)[0] >= _middle(lefts)[0]:
            text = (
                f"{case.title(right)} lies right of {case.title(left)} in the picture; labels mean the patient's "
                "sides, and a frontal view shows the right on the left"
            )
            yield case.broken(rule, right, text, *(region.item for region in (*rights, *lefts)))


def _laterality(case: _Case, rule: Laterality) -> Iterator[Violation]:
    if case.laterality not in ("R", "L"):
        return
    words = {"R": "right", "L": "left"}
    lefts = () if rule.attribute else (case.schema[name].mirror for name in rule.labels)
    for item in case.of(*rule.labels, *lefts):
        said = _side(case, rule, item)
        if said in words and said != case.laterality:
            text = f"{case.title(item.label)} is {words[said]}, and the file says {words[case.laterality]}"
            yield case.broken(rule, item.label, text, item)


def _side(case: _Case, rule: Laterality, item: FindingObject) -> str:
    """``R`` or ``L`` as the attribute, the answer or the label of an object has it; something else for neither."""
    if rule.attribute:
        return dict(item.attributes).get(rule.attribute, "").strip().upper()[:1]
    if isinstance(item, ImageLabel):
        return item.value.strip().upper()[:1]
    return "R" if item.label in rule.labels else "L"


def _order(case: _Case, rule: Order) -> Iterator[Violation]:
    present = [(label, regions) for label in rule.labels if (regions := case.placed(label))]
    across = rule.axis is Axis.X
    for (label, regions), (following, others) in itertools.pairwise(present):
        first, second = (_middle(found)[0 if across else 1] for found in (regions, others))
        if first >= second:
            where = "left of" if across else "above"
            text = f"{case.title(following)} must not lie {where} {case.title(label)}"
            yield case.broken(rule, following, text, *(region.item for region in (*regions, *others)))


_CHECKS: dict[type[Rule], Callable[[_Case, Any], Iterator[Violation]]] = {
    Size: _size,
    Count: _count,
    Inside: _inside,
    Apart: _apart,
    Answered: _answered,
    Border: _border,
    Sides: _sides,
    Laterality: _laterality,
    Order: _order,
}


def _middle(regions: list[Region]) -> Point:
    """The mean of the middles of some objects."""
    middles = [region.middle for region in regions]
    return sum(x for x, _ in middles) / len(middles), sum(y for _, y in middles) / len(middles)


def _near(one: Region, two: Region) -> bool:
    """Whether the extents of two objects meet, so that it is worth a look at pixels."""
    a, b = one.extent, two.extent
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "less than 1 %"


def _either(titles: list[str]) -> str:
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def _sentence(text: str, reason: str) -> str:
    return f"{text}. {reason}" if reason else f"{text}."
