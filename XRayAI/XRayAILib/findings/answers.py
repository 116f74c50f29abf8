"""Whether what was answered is among what the schema allows: questions about the image and attributes of objects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from XRayAILib.findings.label import Attribute, AttributeKind, Label, Tool
from XRayAILib.findings.objects import FindingObject, ImageLabel
from XRayAILib.findings.rule import Severity
from XRayAILib.findings.schema import LabelSchema

Wrong = tuple[tuple[str, ...], str, Severity, str]
"""Ids of the objects, message, severity, name of the label."""


def wrong_answers(objects: Iterable[FindingObject], schema: LabelSchema) -> Iterator[Wrong]:
    """What is missing or not allowed, and objects whose label the schema does not have."""
    known = {label.name: label for label in schema}
    said: dict[str, list[ImageLabel]] = {}
    foreign: dict[str, list[str]] = {}
    for item in objects:
        label = known.get(item.label)
        if label is None:
            foreign.setdefault(item.label, []).append(item.id)
        elif isinstance(item, ImageLabel):
            said.setdefault(item.label, []).append(item)
        else:
            for text in _of_object(item, label):
                yield (item.id,), f"{label.title}: {text}", Severity.REFUSE, label.name
    for label in schema.of(Tool.IMAGE):
        for text, answers in _of_question(label, said.get(label.name, [])):
            yield tuple(a.id for a in answers), f"{label.title}: {text}", Severity.REFUSE, label.name
    for name, ids in foreign.items():
        text = f"'{name}' is no label of the schema any more. Put it back there, or give these objects another label."
        yield tuple(ids), text, Severity.WARN, name


def wrong_answer(attribute: Attribute, text: str) -> str:
    """Why an answer cannot be given to an attribute, or none where one must be; empty where it can."""
    if not text.strip():
        return f"{attribute.title} is not answered." if attribute.required else ""
    if attribute.kind is AttributeKind.CHOICE and text not in attribute.options:
        return f"{attribute.title} is '{text}', which is none of {', '.join(attribute.options)}."
    if attribute.kind is not AttributeKind.NUMBER:
        return ""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        return f"{attribute.title} is '{text}', which is no number."
    unit = f" {attribute.unit}" if attribute.unit else ""
    if attribute.minimum is not None and number < attribute.minimum:
        return f"{attribute.title} is {number:g}{unit}; it is at least {attribute.minimum:g}{unit}."
    if attribute.maximum is not None and number > attribute.maximum:
        return f"{attribute.title} is {number:g}{unit}; it is at most {attribute.maximum:g}{unit}."
    return ""


def _of_object(item: FindingObject, label: Label) -> Iterator[str]:
    answers = dict(item.attributes)
    for attribute in label.attributes:
        if problem := wrong_answer(attribute, answers.get(attribute.name, "")):
            yield problem


def _of_question(label: Label, answers: list[ImageLabel]) -> Iterator[tuple[str, list[ImageLabel]]]:
    if label.required and not answers:
        yield "not answered.", []
    if len(answers) > 1 and not label.multiple:
        yield f"answered {len(answers)} times ({', '.join(a.value for a in answers)}); one answer is wanted.", answers
    for answer in answers:
        if label.options and answer.value not in label.options:
            yield f"'{answer.value}' is none of {', '.join(label.options)}.", [answer]
