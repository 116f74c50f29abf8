"""Namesakes: files of one name in a scan, of which some may be masks of the others.

A data set comes as ``images/12.png`` and ``masks/heart/12.png``, or as ``12.png`` and ``12_mask.png``. A picture of
such a name that has at most two values is no radiograph but a mask of one.
"""

from __future__ import annotations

import os
import re

PICTURE_ENDINGS = (".png", ".tif", ".tiff", ".bmp", ".gif")
"""JPEG is left out: it does not keep the two values of a mask."""
LOOKS_LIKE_MASK = "looks like a mask of"
_MASK_NAME = re.compile(r"(.+?)[ _.-](mask|masks|seg|segmentation|label|labels|gt)", re.IGNORECASE)


class Namesakes:
    """The names of pictures, noted one by one; afterwards it tells which ones occur more than once."""

    def __init__(self) -> None:
        self._first: dict[str, str] = {}
        self._several: set[str] = set()

    def note(self, path: str) -> None:
        """Take down the name of a file, if it is a picture's."""
        name = _name(path)
        if name and self._first.setdefault(name, path) != path:
            self._several.add(name)

    def has(self, path: str) -> bool:
        """Whether another picture has the name of this one."""
        return _name(path) in self._several

    def reason(self, path: str) -> str:
        """Why a picture with two values is left out."""
        other = self._first[_name(path)]
        of = "another picture of its name" if other == path else other
        return f"{LOOKS_LIKE_MASK} {of} (it has two values at most): import it as a label"


def _name(path: str) -> str:
    """The name that images and their masks have in common; empty for what is no picture by its name."""
    if not path.lower().endswith(PICTURE_ENDINGS):
        return ""
    name = os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122 - for each of 100,000 files
    mask = _MASK_NAME.fullmatch(name)
    return (mask.group(1) if mask else name).lower()
