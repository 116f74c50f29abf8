"""Rules in words, for tables and the editor of a schema."""

from __future__ import annotations

from collections.abc import Mapping

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
    Sides,
    Size,
)


def in_words(rule: Rule, titles: Mapping[str, str]) -> str:
    """What a rule wants, such as ``Nodule: length 3 to 30 mm, where View is PA``.

    ``titles`` are those of labels, by their names.
    """
    conditions = [f"where {_said(*when, titles)}" for when in rule.when]
    conditions += [f"unless {_said(*unless, titles)}" for unless in rule.unless]
    return ", ".join((f"{_titles(rule.labels, titles)}: {_wants(rule, titles)}", *conditions))


def _said(question: str, answers: tuple[str, ...], titles: Mapping[str, str]) -> str:
    return f"{_titles((question,), titles)} is {' or '.join(answers)}"


def _wants(rule: Rule, titles: Mapping[str, str]) -> str:
    if isinstance(rule, Size):
        unit = "" if rule.measure is Measure.VALUE else f" {rule.unit.value}" + "²" * (rule.measure is Measure.AREA)
        return f"{rule.measure.value} {_range(rule.minimum, rule.maximum)}{unit}"
    if isinstance(rule, Count):
        if rule.maximum == 0:
            return "none"
        return f"{'exactly ' if rule.minimum == rule.maximum else ''}{_range(rule.minimum, rule.maximum)} of each"
    if isinstance(rule, Inside):
        return f"inside {_titles(rule.others, titles)}{_tolerated(rule.tolerance)}"
    if isinstance(rule, Apart):
        return f"not crossing {_titles(rule.others, titles)}{_tolerated(rule.tolerance)}"
    if isinstance(rule, Answered):
        return f"answered: {', '.join(rule.attributes)}"
    if isinstance(rule, Border):
        return f"{rule.distance:g} px from the border" if rule.distance else "not touching the border"
    if isinstance(rule, Sides):
        return "in the picture left of the label that it mirrors to"
    if isinstance(rule, Laterality):
        return f"the side that the file says{f', by {rule.attribute}' if rule.attribute else ''}"
    if isinstance(rule, Order):
        return f"in this order from {'left to right' if rule.axis is Axis.X else 'top to bottom'}"
    raise TypeError(f"{type(rule).__name__} is a new kind of rule.")


def _titles(names: tuple[str, ...], titles: Mapping[str, str]) -> str:
    return ", ".join(titles.get(name, name) for name in names)


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if low is not None:
        return f"at least {low:g}"
    return f"at most {high or 0:g}"


def _tolerated(share: float) -> str:
    return f" (but for {share:.0%})" if share else ""
