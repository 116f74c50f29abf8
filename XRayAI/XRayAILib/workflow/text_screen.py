"""The check for burned-in text as the de-identification of a folder asks for it."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.exchange.text_regions import BLANK, ImageText, TextRegions
from XRayAILib.workflow.deidentification import Screen, Screening


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
        from XRayAILib.dicom.radiograph import read_header

        header = read_header(path)[0]
        image = regions.images.get(header.uid.partition("#")[0])
        if image is None:
            return Screening(held="nobody has looked for text burned into it yet: look for text again")
        if (image.rows, image.columns) != header.shape:
            return Screening(held="its size is not that in the regions file: the file has changed, look for text again")
        return _said(image)

    return screen


def _looked_at(path: Path) -> Screening:
    from XRayAILib.exchange.text_search import text_in

    return _said(text_in(path))


def _said(image: ImageText) -> Screening:
    if image.undecided:
        texts = sum(region.kind == "text" for region in image.regions)
        return Screening(held=f"text is burned in ({texts} regions) that nobody has confirmed")
    return Screening(
        regions=tuple(region.box for region in image.regions if region.action == BLANK), checked=image.confirmed
    )
