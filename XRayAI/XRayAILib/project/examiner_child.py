"""The child process that examines radiographs for :mod:`XRayAILib.project.hygiene`."""

from __future__ import annotations

import json
from pathlib import Path

from XRayAILib.dicom import header_child
from XRayAILib.project.examination import examine


def _examine(item: tuple[str, int, bool]) -> str:
    path, frame, text = item
    return json.dumps(examine(Path(path), frame, text).document())


if __name__ == "__main__":
    header_child.TASKS["examine"] = _examine
    header_child.main()
