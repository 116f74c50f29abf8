"""The images on which two readers differ most, and pictures of what each of them drew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.agreement.compare import Compared, What
from XRayAILib.findings.findings import Findings
from XRayAILib.workflow.agreement.agreement import Pair, Study
from XRayAILib.workflow.outlined import outlined_picture
from XRayAILib.workflow.plots import COLORS

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph

SHOWN = 12
OF_A_KIND = 4
OF_A_LABEL = 3


@dataclass(frozen=True)
class Case:
    """An image on which two readers differ.

    Attributes
    ----------
    badness
        The higher, the more they differ; compares cases of one kind only.
    told
        How they differ, in words.
    """

    uid: str
    pair: Pair
    label: str
    what: What
    badness: float
    told: str


def worst(study: Study) -> list[Case]:
    """The cases to look at: the worst of each kind, of different images, and not of one label only."""
    found: list[Case] = []
    for what in What:
        cases = sorted(
            (case for case in _cases(study) if case.what is what), key=lambda c: (-c.badness, c.uid, c.label, c.pair)
        )
        labels: dict[str, int] = {}
        uids: set[str] = set()
        for case in cases:
            if len(uids) < OF_A_KIND and case.uid not in uids and labels.get(case.label, 0) < OF_A_LABEL:
                labels[case.label] = labels.get(case.label, 0) + 1
                uids.add(case.uid)
                found.append(case)
    return found[:SHOWN]


def _cases(study: Study) -> Iterator[Case]:
    for pair, images in study.pairs.items():
        names = [study.readers[key] for key in pair]
        for uid, said in images.items():
            for compared in said:
                if study.users[compared.label].issuperset(pair):
                    told = _told(compared, names)
                    if told is not None:
                        yield Case(uid, pair, compared.label, compared.what, *told)


def _told(c: Compared, names: Sequence[str]) -> tuple[float, str] | None:
    """How bad, and in words; ``None`` where the readers do not differ, or it cannot be seen in a picture."""
    numbers = c.numbers
    if c.what is What.ANSWER:
        return None
    if c.what is not What.OBJECTS and min(c.given) == 0:
        if max(c.given) == 0:
            return None
        who, other = (names[0], names[1]) if c.given[0] else (names[1], names[0])
        return np.inf, f"only {who} has it, {other} has not"
    if c.what is What.REGION:
        far = f", HD95 {numbers['hd95']:.1f} {c.unit}" if "hd95" in numbers else ""
        return 1 - numbers["dice"], f"Dice {numbers['dice']:.3f}{far}"
    if c.what is What.LINE:
        return numbers["hd95"], f"HD95 {numbers['hd95']:.1f} {c.unit}"
    if c.what is What.OBJECTS:
        missed = numbers["only_first"] + numbers["only_second"]
        if not missed:
            return None
        parts = [f"{numbers['pairs']:.0f} of both"]
        parts += [f"{numbers[k]:.0f} only {n}" for k, n in zip(("only_first", "only_second"), names, strict=True)]
        return missed / (missed + numbers["pairs"]) + missed * 1e-3, ", ".join(parts)
    if c.what is What.LANDMARK:
        return (numbers["error"], f"{numbers['error']:.1f} {c.unit} apart") if "error" in numbers else None
    if "first" not in numbers:
        return None
    difference = abs(numbers["first"] - numbers["second"])
    values = " and ".join(f"{numbers[k]:.3g}" for k in ("first", "second"))
    return difference / max(abs(numbers["first"]), abs(numbers["second"]), 1e-9), f"{values} {c.unit}".strip()


def picture(radiograph: Radiograph, readings: Sequence[Findings], label: str) -> bytes:
    """A JPEG of the part of a radiograph where readers used a label, each one's objects in his colour."""
    items = [[o for o in findings if o.label == label] for findings in readings]
    return outlined_picture(radiograph, list(zip(items, COLORS, strict=False)))
