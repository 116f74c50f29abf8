"""The simplest canvas of an annotation session: it holds the findings in memory, as a window without pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.workflow.look import Look


class Sheet:
    """Fulfils ``XRayAILib.workflow.annotate.Canvas``; a test draws with :meth:`draw`."""

    def __init__(self) -> None:
        self.radiograph: Radiograph | None = None
        self.findings: Findings | None = None
        self.over: dict[str, Findings] = {}
        self.looked = Look()
        self.editable = True

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        self.radiograph, self.findings, self.editable = radiograph, findings, editable
        self.over, self.looked = {}, Look()

    def drawn(self) -> Findings:
        assert self.findings is not None
        return self.findings

    def update(self, findings: Findings) -> None:
        self.findings = findings

    def look(self) -> Look:
        return self.looked

    def set_look(self, look: Look) -> None:
        self.looked = look

    def show_over(self, findings: Findings, schema: LabelSchema, name: str) -> None:
        self.over[name] = findings

    def clear_over(self, name: str) -> None:
        self.over.pop(name, None)

    def draw(self, *objects: FindingObject) -> None:
        self.findings = self.drawn().with_objects(objects)


def pictures(folder: Path, number: int) -> Path:
    """A new folder with so many 16-bit pictures of 50 x 40 pixels."""
    folder.mkdir()
    for n in range(number):
        grey = np.random.default_rng(n).integers(0, 60000, (40, 50), np.uint16)
        Picture.fromarray(grey).save(folder / f"chest {n}.png")
    return folder
