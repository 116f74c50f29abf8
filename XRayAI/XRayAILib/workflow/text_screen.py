"""The check for burned-in text as the de-identification of a folder asks for it."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.exchange.text.text_regions import BLANK, TEXT, ImageText, TextRegions
from XRayAILib.workflow.deidentification.deidentification import Screen, Screening


def text_screen(regions_file: Path | None) -> Screen:
    """Who answers for the images of one de-identification.

    With a ``regions_file`` its word counts; an image that it does not know is held back. Without one, every image is
    looked at now, and those with text are held back.

    Raises
    ------
    TextRegionsError
        The regions file cannot be used.
    """
    if regions_file is None:
        return _looked_at
    regions = TextRegions.read(regions_file)

    def screen(path: Path) -> Screening:
        from XRayAILib.exchange.text.burned_in_text import digest_of

        image = regions.images.get(digest_of(path))
        if image is None:
            return Screening(held="nobody has looked for text burned into it, or it has changed: look for text again")
        return _said(image)

    return screen


def _looked_at(path: Path) -> Screening:
    from XRayAILib.exchange.text.burned_in_text import text_in

    return _said(text_in(path)[0])


def _said(image: ImageText) -> Screening:
    if image.undecided:
        texts = sum(region.kind == TEXT for region in image.regions)
        what = "a region" if texts == 1 else f"{texts} regions"
        return Screening(held=f"{what} of text burned in that nobody has confirmed")
    return Screening(
        regions=tuple(region.box for region in image.regions if region.action == BLANK), checked=image.confirmed
    )
