"""The simplest canvas of an annotation session: it holds the findings in memory, as a window without pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject


class Sheet:
    """Fulfils ``XRayAILib.workflow.annotate.Canvas``; a test draws with :meth:`draw`."""

    def __init__(self) -> None:
        self.radiograph: Radiograph | None = None
        self.findings: Findings | None = None

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        self.radiograph, self.findings = radiograph, findings

    def drawn(self) -> Findings:
        assert self.findings is not None
        return self.findings

    def update(self, findings: Findings) -> None:
        self.findings = findings

    def draw(self, *objects: FindingObject) -> None:
        self.findings = self.drawn().with_objects(objects)


def pictures(folder: Path, number: int) -> Path:
    """A new folder with so many 16-bit pictures of 50 x 40 pixels."""
    folder.mkdir()
    for n in range(number):
        grey = np.random.default_rng(n).integers(0, 60000, (40, 50), np.uint16)
        Picture.fromarray(grey).save(folder / f"chest {n}.png")
    return folder
