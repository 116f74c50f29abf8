"""A program in which a reader draws boxes on the first image and saves each.

It is called as ``save_at_once.py PROJECT READER COUNT``, begins when a line comes on standard input, and puts both
versions together where another program saved in between. It says the id of each box that it drew, and at last how often
it was told of another program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sheet import Sheet
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationError, AnnotationSession, Choice


def main(folder: Path, name: str, count: int) -> None:
    reader, told = Author.person(name), 0
    with Project.open(folder) as project:
        sheet = Sheet()
        session = AnnotationSession(project, reader, sheet)
        session.open(session.cases[0])
        print("ready", flush=True)
        sys.stdin.readline()
        for n in range(count):
            box = Box(label="nodule", author=reader, x0=n, y0=0, x1=n + 1, y1=1)
            sheet.draw(box)
            try:
                session.save()
            except AnnotationError:
                while session.conflict is not None:
                    told += 1
                    try:
                        session.resolve(Choice.MERGE)
                    except AnnotationError:
                        continue  # the other one saved once more meanwhile
            print(box.id, flush=True)
        print("told", told, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
