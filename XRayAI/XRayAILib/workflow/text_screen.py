"""The check for burned-in text as the de-identification of a folder asks for it."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.workflow.deidentification import Screen, Screening


def text_screen(regions_file: Path | None) -> Screen:
    """Who answers for the images of one de-identification: regions confirmed in ``regions_file``, or none yet."""

    def screen(path: Path) -> Screening:
        return Screening(held="nobody has looked for text burned into it yet")

    return screen
