"""How well readers do on the controls: their readings against the known truth, over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.agreement.compare import Compared, What, compare

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class Measured:
    """One figure of one label.

    Attributes
    ----------
    measure
        ``Dice`` of a region, ``F1`` of boxes and other counted objects, ``error`` of a landmark, ``distance`` of a line
        (ASSD), ``difference`` of a measurement (the reader's less the true value), ``right`` of an answer (1 or 0), or
        ``missed`` or ``invented`` (0 each) where only one of the two has a label that is measured between two objects.
    unit
        Empty for numbers without one.
    """

    label: str
    measure: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class ControlScore:
    """One control that one reader has submitted.

    Attributes
    ----------
    time
        When it was last submitted, ISO 8601, UTC.
    measured
        By label, in the order in which the reader and then the truth use them.
    """

    reader: str
    uid: str
    time: str
    measured: tuple[Measured, ...]


def control_scores(project: Project, reader: str | None = None) -> list[ControlScore]:
    """Every control that was submitted, by reader and time; of all readers where none is named.

    What was not submitted yet has no score: a reader's draft is nobody's business.
    """
    truths = project.controls.all()
    known = _labels(project, truths)
    found = []
    for person in project.readers.all():
        if reader not in (None, person.name):
            continue
        times = project.reviews.submitted(person.author.key)
        for uid, state in project.reviews.states(person.author.key).items():
            if uid in truths and not state.is_open:
                figures = _figures(project, uid, person.author.key, truths[uid])
                told = tuple(one for one in figures if one.label.partition(":")[0] in known[truths[uid]])
                found.append(ControlScore(person.name, uid, times[uid], told))
    return sorted(found, key=lambda score: (score.reader, score.time, score.uid))


def _labels(project: Project, truths: Mapping[str, str]) -> dict[str, set[str]]:
    """Track -> labels that it uses on any control: of others it says nothing, not that there is nothing."""
    found: dict[str, set[str]] = {}
    for uid, track in truths.items():
        true = project.findings(uid, track)
        found.setdefault(track, set()).update(true.labels() if true else ())
    return found


def _figures(project: Project, uid: str, track: str, truth: str) -> tuple[Measured, ...]:
    said, true = project.findings(uid, track), project.findings(uid, truth)
    assert said is not None and true is not None  # one was submitted, the other made it a control
    return measured(compare(said, true, project.header(uid).spacing, project.schema))


def measured(compared: Sequence[Compared]) -> tuple[Measured, ...]:
    """The one figure of each label and way of comparing that a person looks at; nothing where there is none."""
    return tuple(figure for figure in map(_measured, compared) if figure is not None)


def _measured(one: Compared) -> Measured | None:
    numbers = one.numbers
    if one.what is What.REGION:
        return Measured(one.label, "Dice", numbers["dice"])
    if one.what is What.OBJECTS:
        pairs, wrong = numbers["pairs"], numbers["only_first"] + numbers["only_second"]
        return Measured(one.label, "F1", 2 * pairs / (2 * pairs + wrong) if pairs or wrong else 1.0)
    if one.what is What.ANSWER:
        return Measured(one.label, "right", float(one.answers[0] == one.answers[1]))
    if not all(one.given):
        # Neither: both say that a landmark lies outside the image.
        words = {(False, False): "right", (False, True): "missed", (True, False): "invented"}
        word = words[one.given[0] > 0, one.given[1] > 0]
        return Measured(one.label, word, float(word == "right"))
    if one.what is What.LANDMARK and "error" in numbers:
        return Measured(one.label, "error", numbers["error"], one.unit)
    if one.what is What.LINE and "assd" in numbers:
        return Measured(one.label, "distance", numbers["assd"], one.unit)
    if one.what is What.MEASUREMENT and "first" in numbers:
        return Measured(one.label, "difference", numbers["first"] - numbers["second"], one.unit)
    return None
