"""A reader who draws and saves without end, for ``draw_until_killed.py PROJECT``; says after each save what is safe.

Each line is ``uid number``: from then on a box with ``x0 == number`` and a mask of so many pixels are in the project.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from sheet import Sheet
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationSession

ANNA = Author.person("anna")


def main(folder: Path) -> None:
    project = Project.open(folder)
    sheet = Sheet()
    session = AnnotationSession(project, ANNA, sheet)
    session.open()
    number = max((box.x0 for f in _tracks(project) for box in f.of(Box)), default=0)
    while True:
        number += 1
        box = Box(label="nodule", author=ANNA, x0=number, y0=0, x1=number + 1, y1=1)
        pixels = np.zeros(2000, bool)
        pixels[: int(number) % 2000] = True
        mask = Mask.from_array(pixels.reshape(40, 50), label="heart", author=ANNA)
        sheet.draw(box, mask)
        # Sometimes by the button, sometimes by going on to another image.
        uid = sheet.drawn().radiograph_uid
        if number % 3:
            session.save()
        elif not session.next():
            session.open(project.images()[0].uid)
        print(uid, int(number), flush=True)


def _tracks(project: Project) -> list:
    return [findings for image in project.images() for findings in project.tracks(image.uid)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
