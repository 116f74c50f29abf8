"""What is not the patient's: catheters, monitoring leads, the lead letter on the detector."""

from __future__ import annotations

import numpy as np

from XRayAILib.phantom.shapes import Frame, Patch, curve, ellipsoid, tube
from XRayAILib.phantom.thorax import Thorax

STROKES: dict[str, list[list[tuple[float, float]]]] = {
    "R": [[(0, 6), (0, 0), (2.4, 0), (3.6, 0.9), (3.6, 2.1), (2.4, 3), (0, 3)], [(1.8, 3), (3.8, 6)]],
    "L": [[(0, 0), (0, 6), (3.4, 6)]],
}


def catheter(frame: Frame, thorax: Thorax, number: int, rng: np.random.Generator) -> list[tuple[Patch, float]]:
    """Central venous lines: 1 jugular, 2 from the right arm, 3 with a port under the right clavicle.

    Returns patches with the factor by which they attenuate more than water, in 1/mm.
    """
    top, knob = thorax.right.top, thorax.aorta[2]
    end = [(-20, knob - 15, 0), (-25, knob + 20, 0), (-24 + rng.normal(0, 3), knob + 45 + rng.normal(0, 12), 0)]
    if number == 1:
        side = -1 if rng.random() < 0.75 else 1
        start = [(side * 62, top - 110, 0), (side * 34, top - 55, 0), (side * 20, top + 5, 0)]
    elif number == 2:
        start = [(-205, top + 150, 0), (-170, top + 75, 0), (-110, top + 40, 0), (-55, top + 28, 0), (-20, top + 38, 0)]
    else:
        start = [(-92, top + 88, -90), (-96, top + 45, -70), (-62, top + 22, -20), (-24, top + 36, 0)]
    line = curve([*start, *end], 60)
    parts = [(tube(frame, line, 1.1, 0.45)[0], 0.16)]
    if number == 3:
        parts.append((ellipsoid(frame, (-92, top + 96, -90), (11, 13, 6)), 0.05))
        parts.append((ellipsoid(frame, (-92, top + 96, -90), (7, 8, 4)), 0.09))
    return parts


def leads(frame: Frame, thorax: Thorax, count: int, rng: np.random.Generator) -> list[tuple[Patch, float]]:
    """Electrodes on the skin with their wires, which run out of the picture."""
    parts = []
    for number in range(count):
        side = -1 if number % 2 == 0 else 1
        x, y = side * rng.uniform(60, 125), thorax.right.top + rng.uniform(40, 260)
        away = side * rng.uniform(40, 160)
        wire = curve(
            [
                (x, y, 0),
                (x + away * 0.3, y + rng.normal(20, 25), 0),
                (x + away * 0.7, y + rng.normal(80, 40), 0),
                (x + away, y + 280, 0),
            ],
            40,
        )
        parts.append((tube(frame, wire, 0.8)[0], 0.5))
        parts.append((ellipsoid(frame, (x, y, 0), (5.5, 5.5, 1.2)), 0.8))
    return parts


def marker(shape: tuple[int, int], letter: str, x: float, y: float, height: float) -> Patch:
    """A letter of lead on the detector, its upper left corner at pixel (x, y); path lengths in millimetres of lead."""
    frame = Frame(shape, 1.0, (0.0, 0.0))
    unit = height / 6
    total = np.zeros(shape, np.float32)
    for stroke in STROKES[letter]:
        points = np.array([(x + a * unit, y + b * unit) for a, b in stroke])
        tube(frame, points, 0.55 * unit)[0].unite_with(total)
    return Patch((slice(0, shape[0]), slice(0, shape[1])), (total > 0).astype(np.float32))
