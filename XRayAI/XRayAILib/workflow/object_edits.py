"""Changes of objects that are drawn, several at once: another label, answers to attributes."""

from __future__ import annotations

from collections.abc import Collection

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import FindingObject, Landmark
from XRayAILib.findings.schema import Label, LabelSchema


def other_labels(findings: Findings, ids: Collection[str], schema: LabelSchema) -> list[Label]:
    """The labels that all objects of these ids can be given: their tools draw what these are.

    A landmark is set once on an image, so one that is there already is not offered, and only one can be relabelled.
    """
    chosen = [item for item in findings if item.id in ids]
    kinds = {type(item) for item in chosen}
    if len(kinds) != 1:
        return []
    (kind,) = kinds
    present = {item.label for item in chosen}
    if kind is Landmark:
        taken = {item.label for item in findings.of(Landmark)} if len(chosen) == 1 else {label.name for label in schema}
    else:
        taken = present if len(present) == 1 else set()
    return [label for label in schema if BY_TOOL[label.tool] is kind and label.name not in taken]


def relabelled(findings: Findings, ids: Collection[str], label: Label) -> Findings:
    """The same with another label for the objects of these ids; they keep the answers that this label asks for, too."""
    asked = {attribute.name for attribute in label.attributes}

    def changed(item: FindingObject) -> FindingObject:
        if item.id not in ids:
            return item
        answers = tuple(pair for pair in item.attributes if pair[0] in asked)
        return item.changed(label=label.name, attributes=answers)

    return findings.each(changed)


def answered(findings: Findings, ids: Collection[str], label: Label, name: str, answer: str) -> Findings:
    """The same with an answer to the attribute ``name`` for the objects of these ids; an empty one takes it back.

    Answers stand in the order of the label's attributes; those to attributes that it has no more come last.
    """
    order = [attribute.name for attribute in label.attributes]

    def changed(item: FindingObject) -> FindingObject:
        if item.id not in ids:
            return item
        answers = {**dict(item.attributes), name: answer}
        known = tuple((key, answers[key]) for key in order if answers.get(key))
        return item.changed(attributes=(*known, *(pair for pair in item.attributes if pair[0] not in order)))

    return findings.each(changed)
