"""Wanted: the images that somebody should label next, in their order, as a model chose them.

``next.json`` in the project's folder; it is advice, so it is no part of the database, of a snapshot or of an export.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from XRayAILib.project.errors import ProjectError

FILE = "next.json"
FORMAT = 1


@dataclass(frozen=True)
class WantedImage:
    """An image to label.

    Attributes
    ----------
    reason
        Why this one, in words.
    uncertainty
        0 to 1.
    """

    uid: str
    reason: str
    uncertainty: float


@dataclass(frozen=True)
class Wanted:
    """A list of images to label next, the most wanted first.

    Attributes
    ----------
    model
        Name of the model that chose them.
    strategy
        How: ``both``, ``uncertainty``, ``diversity`` or ``random``.
    """

    images: tuple[WantedImage, ...]
    model: str = ""
    digest: str = ""
    strategy: str = ""
    time: str = ""

    @property
    def uids(self) -> list[str]:
        return [image.uid for image in self.images]

    @classmethod
    def read(cls, folder: Path) -> Wanted:
        """The list of the project in ``folder``; an empty one where there is none.

        Raises
        ------
        ProjectError
            The file is there and cannot be read.
        """
        path = folder / FILE
        if not path.is_file():
            return cls(())
        try:
            document = json.loads(path.read_text("utf-8"))
            if int(document["format"]) > FORMAT:
                raise ProjectError(f"{path} was made by a newer version of X-Ray AI: update X-Ray AI.")
            told = {name: str(document[name]) for name in ("model", "digest", "strategy", "time")}
            return cls(tuple(_image(entry) for entry in document["images"]), **told)
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise ProjectError(f"{path} cannot be read ({error}): choose the next cases again.") from error

    def write(self, folder: Path) -> Path:
        """Write the list in the place of the one before; whole or not at all."""
        path = folder / FILE
        temporary = folder / f".{FILE}.part"
        try:
            temporary.write_text(json.dumps({"format": FORMAT, **asdict(self)}, indent=1), "utf-8")
            temporary.replace(path)
        except OSError as error:
            raise ProjectError(f"{path} cannot be written: {error.strerror or error}.") from error
        return path

    def first(self, uids: Sequence[str]) -> list[str]:
        """These images with the wanted ones among them first, in the wanted order; the others stay as they are."""
        given = set(uids)
        front = [uid for uid in self.uids if uid in given]
        chosen = set(front)
        return [*front, *(uid for uid in uids if uid not in chosen)]


def _image(entry: Mapping[str, Any]) -> WantedImage:
    return WantedImage(str(entry["uid"]), str(entry["reason"]), float(entry["uncertainty"]))
