"""What can be known of a classification before anything is trained: whether there is something to tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from XRayAILib.learning.classification.question import Question, class_name

if TYPE_CHECKING:
    from XRayAILib.learning.examples import Example

NONE = "none of them"
Answer = tuple[str, ...]
"""The values that hold in an image; none of them where it is empty."""


def answers_in(question: Question, examples: Sequence[Example]) -> list[Answer]:
    """What the images say that answer a question, from the classes that they name."""
    own = dict(zip(question.names, question.values, strict=True))
    head = class_name(question.name, "")
    found: list[Answer] = []
    for example in examples:
        held = tuple(own[name] for name in example.labels if name in own)
        if held or any(name.startswith(head) for name in example.labels):
            found.append(held)
        elif question.unsaid is not None:
            found.append(question.unsaid)
    return found


def problems_of(questions: Sequence[Question], examples: Sequence[Example]) -> list[str]:
    """A sentence for every question of which the training part teaches nothing."""
    train = [example for example in examples if example.part == "train"]
    found = []
    for question in questions:
        strange = _strange(question, examples)
        if strange:
            found.append(
                f"'{question.title}' is answered {', '.join(strange)} in some images, which is none of "
                f"{', '.join(question.values)}. Give the label these options in the schema, or correct the answers."
            )
        twice = [e.uid for e in examples if question.exclusive and len(set(question.names) & e.labels) > 1]
        if twice:
            more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
            found.append(f"'{question.title}' has several answers in {twice[0]}{more}; one answer is wanted.")
        answers = answers_in(question, train)
        if not answers:
            found.append(f"No image of the training part answers '{question.title}'. Answer it, or leave it out.")
        elif len(set(map(frozenset, answers))) < 2:
            said = " and ".join(answers[0]) or NONE
            found.append(
                f"All {len(answers)} images of the training part that answer '{question.title}' say '{said}', so there "
                f"is nothing to tell apart. {_way_out(question)}"
            )
    return found


def notes_of(questions: Sequence[Question], examples: Sequence[Example]) -> list[str]:
    """A sentence for every value that is not learnt, or that cannot be measured in a part."""
    found = []
    for question in questions:
        seen = {
            part: answers_in(question, [e for e in examples if e.part == part])
            for part in ("train", "validation", "test")
        }
        taught = Counter(value for answer in seen["train"] for value in answer)
        never = [value for value in question.values if not taught[value]]
        if never:
            found.append(f"{question.title}: no image of the training part says {', '.join(never)}: it is not learnt.")
        for part, so in (("validation", "no threshold can be chosen there"), ("test", "it is not measured there")):
            held = Counter(value for answer in seen[part] for value in answer)
            scored = [question.values[i] for i in question.scored if question.values[i] not in never]
            alike = [value for value in scored if held[value] in (0, len(seen[part]))]
            if alike:
                found.append(
                    f"{question.title}: {', '.join(alike)} holds in all or none of the {part} part's images, so {so}."
                )
    return found


def _strange(question: Question, examples: Sequence[Example]) -> list[str]:
    """Answers that mean nothing to the question."""
    head = class_name(question.name, "")
    said = {name[len(head) :] for example in examples for name in example.labels if name.startswith(head)}
    fine = (*question.unknown, *(question.negative if question.open else ()))
    return sorted(value for value in said - set(question.values) if value.lower() not in fine)


def _way_out(question: Question) -> str:
    if question.open and question.unsaid is None:
        return (
            "Answer it otherwise for some, or set 'missing' to 'absent', so that an image without an answer counts as "
            "one in which it does not hold."
        )
    return "Answer it otherwise for some images, or leave it out of 'labels'."
