"""The child process that looks for burned-in text for :mod:`XRayAILib.exchange.text.text_search`."""

from __future__ import annotations

import json
from pathlib import Path

# All that it needs, before the first file: a package that is not installed is no fault of a file.
import PIL.Image
import pydicom
import scipy.ndimage

from XRayAILib.dicom import header_child
from XRayAILib.exchange.text.burned_in_text import text_in
from XRayAILib.exchange.text.text_page import save_picture
from XRayAILib.pixels import burned_in

NEEDED = (PIL.Image, pydicom, scipy.ndimage, burned_in)


def _find_text(item: tuple[str, str]) -> str:
    path, pictures = item
    image, display = text_in(Path(path))
    if image.regions:
        save_picture(display, image, Path(pictures))
    return json.dumps({"image": image.document()})


if __name__ == "__main__":
    header_child.TASKS["find text"] = _find_text
    header_child.main()
