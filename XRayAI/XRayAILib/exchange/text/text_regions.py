"""What is burned into images, and what a person says to it: a file that stays beside the key, never in the output.

The file and the pictures beside it show patients' names: both can be read by their owner only. ::

    regions/regions.json     the regions and what is to become of each; an image goes out when it is confirmed
    regions/pictures/        the images with the regions numbered
    regions/index.html       to look through them and to confirm; saves a new regions.json
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

FORMAT, VERSION = "X-Ray AI text regions", 1
REGIONS, PAGE, PICTURES = "regions.json", "index.html", "pictures"
BLANK, KEEP = "blank", "keep"
TEXT, MARKER = "text", "marker"


class TextRegionsError(ValueError):
    """A regions file that cannot be used: which one, what is wrong, what to do."""


@dataclass(frozen=True)
class Region:
    """A box with text.

    Attributes
    ----------
    left, top, right, bottom
        Outer edges in whole pixels from 0: columns left to right - 1, rows top to bottom - 1.
    kind
        "text", or "marker" for a side marker.
    action
        "blank" or "keep".
    text, score
        What it says where that could be read, and how sure it is that it is text, 0..1.
    """

    left: int
    top: int
    right: int
    bottom: int
    kind: str = TEXT
    action: str = BLANK
    text: str = ""
    score: float = 1.0

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.right, self.bottom

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        described = {"box": list(self.box), "kind": self.kind, "action": self.action}
        return {**described, "text": self.text, "score": self.score}


@dataclass(frozen=True)
class ImageText:
    """The text in one file.

    Attributes
    ----------
    digest
        SHA-256 of the file: it may move, but whoever changes it has to look again. Two files can have one SOP Instance
        UID and different pixels.
    path
        Where it was when it was looked at; only for the person.
    rows, columns
        Of the image.
    confirmed
        A person has looked at it, and what is neither blanked nor kept by a region is no text.
    """

    digest: str
    path: str
    rows: int
    columns: int
    regions: tuple[Region, ...] = ()
    confirmed: bool = False

    @property
    def picture(self) -> str:
        """Name of its picture, without any identity."""
        return self.digest[:16] + ".png"

    @property
    def undecided(self) -> bool:
        """Whether there is text in it that nobody has confirmed; a side marker needs no confirmation."""
        return not self.confirmed and any(region.kind != MARKER for region in self.regions)

    def document(self) -> dict[str, Any]:
        """As it stands in the file."""
        return {
            "sha256": self.digest,
            "path": self.path,
            "picture": f"{PICTURES}/{self.picture}",
            "rows": self.rows,
            "columns": self.columns,
            "confirmed": self.confirmed,
            "regions": [region.document() for region in self.regions],
        }


@dataclass
class TextRegions:
    """The regions of a collection; images in the order in which they were added."""

    images: dict[str, ImageText] = field(default_factory=dict)

    def add(self, image: ImageText) -> None:
        """Add an image, or what is new of one."""
        self.images[image.digest] = image

    def confirm(self, digest: str, regions: Iterable[Region]) -> None:
        """A person says what is to become of these regions, and that there is no other text in the image."""
        self.images[digest] = replace(self.images[digest], regions=tuple(regions), confirmed=True)

    @property
    def waiting(self) -> list[ImageText]:
        """The images with text that nobody has confirmed."""
        return [image for image in self.images.values() if image.undecided]

    @classmethod
    def read(cls, path: Path) -> TextRegions:
        """Read a regions file.

        Raises
        ------
        TextRegionsError
            It cannot be read, or holds what is no region; nothing of it is used then.
        """
        try:
            document = json.loads(path.read_text("utf-8"))
        except OSError as error:
            raise TextRegionsError(f"{path}: the regions file cannot be read ({error.strerror or error}).") from error
        except ValueError as error:
            raise TextRegionsError(f"{path}: the regions file is no JSON ({error}). Write it again.") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise TextRegionsError(f"{path}: this is no regions file: its 'format' is not '{FORMAT}'.")
        if document.get("version") != VERSION:
            raise TextRegionsError(f"{path}: made by another version of X-Ray AI. Look for text again.")
        regions = cls()
        for number, entry in enumerate(document.get("images") or [], start=1):
            try:
                regions.add(image_of(entry))
            except (KeyError, TypeError, ValueError) as error:
                what = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
                raise TextRegionsError(f"{path}: image {number} in the regions file: {what}.") from error
        return regions

    def write(self, path: Path) -> None:
        """Write the regions file, for its owner only; the old one stays until the new one is whole."""
        images = [image.document() for image in self.images.values()]
        text = json.dumps({"format": FORMAT, "version": VERSION, "images": images}, ensure_ascii=False, indent=1)
        write_private(path, text.encode())


def private_folder(path: Path) -> Path:
    """A folder that only its owner can open; made where it is not there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, under a temporary name first."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def image_of(entry: dict[str, Any]) -> ImageText:
    """The opposite of :meth:`ImageText.document`; KeyError, TypeError or ValueError where it is not one."""
    rows, columns = int(entry["rows"]), int(entry["columns"])
    regions = tuple(_region(region, rows, columns) for region in entry["regions"])
    confirmed = entry["confirmed"]
    if not isinstance(confirmed, bool):
        raise ValueError(f"'confirmed' is {confirmed!r}, not true or false")
    return ImageText(str(entry["sha256"]), str(entry.get("path", "")), rows, columns, regions, confirmed)


def _region(entry: dict[str, Any], rows: int, columns: int) -> Region:
    try:
        left, top, right, bottom = (int(v) for v in entry["box"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"the box {entry['box']} is not four numbers: left, top, right, bottom") from error
    if not (0 <= left < right <= columns and 0 <= top < bottom <= rows):
        raise ValueError(f"the box {entry['box']} does not lie in the image of {columns} x {rows} pixels")
    if entry["action"] not in (BLANK, KEEP):
        raise ValueError(f"'action' is {entry['action']!r}, not '{BLANK}' or '{KEEP}'")
    if entry["kind"] not in (TEXT, MARKER):
        raise ValueError(f"'kind' is {entry['kind']!r}, not '{TEXT}' or '{MARKER}'")
    score = float(entry.get("score", 1.0))
    return Region(left, top, right, bottom, entry["kind"], entry["action"], str(entry.get("text", "")), score)
