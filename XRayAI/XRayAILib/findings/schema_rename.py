"""A label under another name, everywhere in a schema."""

from __future__ import annotations

from dataclasses import fields, replace

from XRayAILib.findings.label import Label, Skeleton
from XRayAILib.findings.rule import Rule
from XRayAILib.findings.schema import LabelSchema


def renamed(schema: LabelSchema, old: str, new: str) -> LabelSchema:
    """See :meth:`LabelSchema.renamed`."""

    def name(found: str) -> str:
        return new if found == old else found

    def names(found: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name(one) for one in found))

    def of_label(label: Label) -> Label:
        return replace(label, name=name(label.name), mirror=name(label.mirror))

    def of_skeleton(skeleton: Skeleton) -> Skeleton:
        lines = tuple((name(start), name(end)) for start, end in skeleton.lines)
        return replace(skeleton, points=names(skeleton.points), lines=lines)

    def of_rule(rule: Rule) -> Rule:
        # Every field of a rule that holds names of labels is called so.
        values: dict[str, object] = {
            field.name: names(getattr(rule, field.name)) for field in fields(rule) if field.name in ("labels", "others")
        }
        values["when"] = tuple((name(question), answers) for question, answers in rule.when)
        return replace(rule, **values)  # type: ignore[arg-type]

    kept = [label for label in schema.labels if not (label.name == old and new in schema)]
    return replace(
        schema,
        labels=tuple(of_label(label) for label in kept),
        skeletons=tuple(of_skeleton(skeleton) for skeleton in schema.skeletons),
        rules=tuple(of_rule(rule) for rule in schema.rules),
    )
