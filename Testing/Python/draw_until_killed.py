"""Readers who draw without end, one after another, for ``draw_until_killed.py PROJECT``.

Each line on standard input starts one: a process of its own where the system can copy a process, so that fifty of them
need not import everything fifty times, else this very process. The first line that is answered is its process id. From
then on every line is ``drawn slot number time``: at this time, in seconds of the reader's clock, the box of a slot got
``x0 == number`` and the mask so many pixels; or ``safe slot number``: this is in the project, however this ends.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from sheet import Sheet
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationSession

ANNA = Author.person("anna")
SLOTS = 12
STROKE = 0.1
"""Seconds of the reader's clock between two strokes; it runs as fast as the machine can."""


def draw(folder: Path) -> None:
    """Draw stroke after stroke. The timer saves by itself; sometimes the reader saves or goes on to another image."""
    project = Project.open(folder)
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open(session.cases[0])
    numbers = [box.x0 for image in project.images() for found in project.tracks(image.uid) for box in found.of(Box)]
    number, now = int(max(numbers, default=0)), 0.0
    unsafe: dict[int, int] = {}
    while True:
        number, now = number + 1, now + STROKE
        slot = number % SLOTS
        print("drawn", slot, number, f"{now:.1f}", session.uid, flush=True)
        _stroke(sheet, slot, number)
        unsafe[slot] = number
        session.changed(now)
        session.tick(now)
        if number % 31 == 0:
            session.save()
        elif number % 47 == 0 and not session.next():
            session.open(session.cases[0])
        if not session.is_unsaved:
            for kept in unsafe.items():
                print("safe", *kept, flush=True)
            unsafe = {}


def _stroke(sheet: Sheet, slot: int, number: int) -> None:
    drawn = sheet.drawn()
    label = f"slot{slot}"
    box = next((box for box in drawn.of(Box) if box.label == label), None)
    edges = {"x0": float(number), "y0": 0.0, "x1": number + 1.0, "y1": 1.0}
    pixels = np.zeros(2000, bool)
    pixels[: number % 2000] = True
    mask = next(iter(drawn.of(Mask)), Mask.from_array(pixels.reshape(40, 50), label="heart", author=ANNA))
    sheet.draw(
        box.changed(**edges) if box else Box(label=label, author=ANNA, **edges), mask.with_array(pixels.reshape(40, 50))
    )


def main(folder: Path) -> None:
    for _line in sys.stdin:
        if hasattr(os, "fork"):
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                print("ended", flush=True)
                continue
        print(os.getpid(), flush=True)
        draw(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
