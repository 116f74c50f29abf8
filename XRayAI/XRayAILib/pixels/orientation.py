"""Whether a radiograph lies on its side, on its head, or is mirrored, by what it shows.

A turned frontal chest is told by its pattern. A mirrored one is not: the heart's side of 625 real chests was told right
in 4 of 5 by rules, and a dextrocardia looks like it; so only letters, which cannot be read any more, and side markers
on the wrong side speak for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.pixels.frontal_chest import CHEST, turned_scores

if TYPE_CHECKING:
    from XRayAILib.pixels.burned_in import TextRegion

LEAST_GAIN = 0.15
"""By so much a turned image must look more like a chest than it does as it is."""
TURNS = ("", "to the left by 90 degrees", "by 180 degrees", "to the right by 90 degrees")
DECLARED = {
    "to the left by 90 degrees": ("F", "R"),
    "by 180 degrees": ("R", "H"),
    "to the right by 90 degrees": ("H", "L"),
}
"""Patient Orientation of a frontal chest that is turned so: where its rows and its columns run to."""
AWAY = 0.1
"""A side marker counts from so far on away from the middle, as a part of the width."""


def turned_chest(display: np.ndarray) -> str:
    """How a frontal chest is turned against upright, such as ``by 180 degrees``; empty where it is not, or is none.

    Parameters
    ----------
    display
        Display values (rows, columns), 0 black to 1 white, in the right polarity.
    """
    scores = np.array(turned_scores(display))
    best = int(scores.argmax())
    if best == 0 or scores[best] < CHEST or scores[best] - scores[0] < LEAST_GAIN:
        return ""
    # What sets it upright is a turn to the left: so it lies the other way.
    return TURNS[(4 - best) % 4]


def declared_turn(turned: str, orientation: Sequence[str]) -> str:
    """What Patient Orientation (PS3.3 C.7.6.1.1.1) says of a chest that is turned so; empty where it says nothing."""
    if len(orientation) < 2 or not all(orientation[:2]):
        return ""
    said = "\\".join(orientation[:2])
    as_declared = tuple(way[:1] for way in orientation[:2]) == DECLARED[turned]
    return f", as PatientOrientation {said} says" if as_declared else f", against PatientOrientation {said}"


def marker_problems(
    regions: Sequence[TextRegion], columns: int, orientation: Sequence[str], frontal: bool
) -> Iterator[str]:
    """What side markers and letters say against the orientation.

    Parameters
    ----------
    regions
        What :func:`~XRayAILib.pixels.burned_in.find_text` found.
    columns
        Width of the image in pixels.
    orientation
        Patient Orientation (PS3.3 C.7.6.1.1.1): where rows and columns run to, such as ``L``, ``F``.
    frontal
        Whether it is an upright frontal view, on which the patient's left is shown at the right where nothing else is
        said.
    """
    # A marker alone may have been stuck on with its back to the tube: where it is tells more than how it reads.
    if any(region.mirrored and region.kind != "marker" for region in regions):
        yield "letters in the image are mirrored"
    across = orientation[0][:1] if orientation else ""
    if across not in ("L", "R"):
        if not frontal:
            return
        across = "L"
    for region in regions:
        letter = region.text.strip().upper()
        if region.kind != "marker" or letter not in ("L", "R"):
            continue
        from_middle = ((region.left + region.right) / 2 - (columns - 1) / 2) / columns
        at_right = from_middle > 0
        if abs(from_middle) >= AWAY and at_right != (letter == across):
            said = "Patient Orientation" if orientation and orientation[0] else "the usual way to show it"
            how = " and mirrored" if region.mirrored else ""
            yield f"the side marker {letter} is at the image's {'right' if at_right else 'left'}{how}, against {said}"
