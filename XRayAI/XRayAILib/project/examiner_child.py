"""The child process that examines radiographs for :mod:`XRayAILib.project.hygiene`."""

from __future__ import annotations

import json
from pathlib import Path

# All that an examination needs, before the first file: a package that is not installed is no fault of a file.
import PIL.Image
import pydicom
import scipy.fft
import scipy.ndimage

from XRayAILib.dicom import conformity, header_child, radiograph
from XRayAILib.pixels import burned_in, collimation, exposure, likeness, orientation, polarity
from XRayAILib.project.examination import examine

NEEDED = (
    *(PIL.Image, pydicom, scipy.fft, scipy.ndimage, conformity, radiograph),
    *(burned_in, collimation, exposure, likeness, orientation, polarity),
)


def _examine(item: tuple[str, int, bool]) -> str:
    path, frame, text = item
    return json.dumps(examine(Path(path), frame, text).document())


if __name__ == "__main__":
    header_child.TASKS["examine"] = _examine
    header_child.main()
