"""Burned-in text, image by image: a person says what is blanked and what is kept. ::

confirmation = TextConfirmation(browse, view)
confirmation.find()                       # a job; poll confirmation.work
confirmation.load()
while confirmation.next():                # shows the image with its regions
    confirmation.set_action(0, "keep")
    confirmation.confirm()
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from XRayAILib.exchange.text.text_regions import BLANK, KEEP, REGIONS, ImageText, Region, TextRegions, TextRegionsError
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, new_id
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.workflow.browse import Browse
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work

_EXACT = 0.01
"""Pixels by which the place of a box in the scene is uncertain."""

FOLDER = "burned-in-text"
SCHEMA = LabelSchema(
    "Burned-in text",
    (Label(BLANK, "is blanked", Tool.BOX, "#ff5050"), Label(KEEP, "is kept", Tool.BOX, "#50c8ff")),
)


class TextView(Protocol):
    """Shows regions over the radiograph, where a person can move them."""

    def show_boxes(self, boxes: Findings, schema: LabelSchema) -> None:
        """Put boxes over the radiograph shown; those that were there go."""

    def choose_box(self, name: str) -> None:
        """Let a person move the box with this id, and no other; empty for none."""

    def boxes(self, schema: LabelSchema) -> Findings | None:
        """The boxes as they are now; ``None`` where none are shown."""

    def clear_boxes(self) -> None:
        """Take them away."""


class TextConfirmation:
    """The text in the images of the open project.

    Attributes
    ----------
    work
        The search for text.
    regions
        Those of the image looked at, as they are to be confirmed.
    """

    def __init__(self, browse: Browse, view: TextView, interpreter: str = sys.executable) -> None:
        self._browse, self._view = browse, view
        self.work = Work("find_text", interpreter)
        self.regions: list[Region] = []
        self._ids: list[str] = []
        self._known = TextRegions()
        browse.leaving.append(self._leave)
        browse.arrived.append(self.arrived)

    @property
    def folder(self) -> Path:
        """Where the regions file of the project and its pictures are."""
        return self._browse.project.folder / FOLDER

    @property
    def file(self) -> Path | None:
        """The regions file; ``None`` before the first search."""
        path = self.folder / REGIONS
        return path if path.exists() else None

    def find(self) -> None:
        """Look for text in all images of the project that are not excluded."""
        project = self._browse.project
        self.work.begin(project.folder, {"sources": [str(project.folder)], "folder": str(self.folder)})

    def load(self) -> None:
        """Take in what the project's regions file says; :class:`TextRegionsError` where it cannot be used."""
        path = self.file if self._browse.is_open else None
        self._known = TextRegions.read(path) if path is not None else TextRegions()
        self.arrived()

    @property
    def waiting(self) -> int:
        """How many images have text that nobody has confirmed."""
        return len(self._known.waiting)

    @property
    def state(self) -> str:
        """What was found, in words."""
        if self.file is None:
            return "Nobody has looked for text yet."
        looked_at = counted(len(self._known.images), "image", "images")
        return f"{looked_at} looked at, {self.waiting} to confirm"

    @property
    def image(self) -> ImageText | None:
        """What is known of the text in the image looked at; ``None`` where it was not looked for."""
        current = self._browse.current
        if current is None:
            return None
        path = str(current.header.path)
        return next((image for image in self._known.images.values() if image.path == path), None)

    def next(self) -> bool:
        """Look at the next image to be confirmed; whether there is one."""
        project = self._browse.project
        uids = {str(image.header.path): image.uid for image in reversed(project.images())}
        waiting = [uids[image.path] for image in self._known.waiting if image.path in uids]
        if not waiting:
            return False
        here = self._browse.current.uid if self._browse.current else ""
        self._browse.select(waiting[(waiting.index(here) + 1) % len(waiting)] if here in waiting else waiting[0])
        return True

    def choose(self, index: int) -> None:
        """Let a person move one of the regions; -1 for none."""
        self._view.choose_box(self._ids[index] if 0 <= index < len(self._ids) else "")

    def set_action(self, index: int, action: str) -> None:
        """Blank or keep a region of the image looked at."""
        self._take()
        self.regions[index] = replace(self.regions[index], action=action)
        self._show()

    def add(self) -> None:
        """One more region, in the middle of the image, for a person to move over text that was not found."""
        image = self._need()
        self._take()
        left, top = round(image.columns * 0.4), round(image.rows * 0.47)
        self.regions.append(Region(left, top, image.columns - left, image.rows - top))
        self._ids.append(new_id())
        self._show()

    def remove(self, index: int) -> None:
        """Take a region away that is neither text nor marker."""
        self._take()
        del self.regions[index], self._ids[index]
        self._show()

    def confirm(self) -> None:
        """Say that the regions are right and that there is no other text in the image; stored at once.

        Raises
        ------
        TextRegionsError
            The image was not looked at by a search.
        """
        image = self._need()
        self._take()
        # Somebody may have confirmed others on the page meanwhile.
        path = self.folder / REGIONS
        known = TextRegions.read(path)
        known.add(known.images.get(image.digest, image))
        known.confirm(image.digest, self.regions)
        known.write(path)
        self._known = known
        self._browse.project.audit("burned-in text", f"confirmed in {image.path}: {len(self.regions)} regions")

    def arrived(self) -> None:
        """Another image is looked at."""
        image = self.image
        self.regions = list(image.regions) if image is not None else []
        self._ids = [new_id() for _ in self.regions]
        self._show()

    def _leave(self) -> None:
        self._view.clear_boxes()

    def _need(self) -> ImageText:
        if self.image is None:
            raise TextRegionsError("Nobody has looked for text in this image: look for text first.")
        return self.image

    def _show(self) -> None:
        current = self._browse.current
        if current is None or not self.regions:
            self._view.clear_boxes()
            return
        author = Author.imported("burned-in text")
        boxes = tuple(
            Box(
                label=region.action,
                author=author,
                id=name,
                x0=region.left - 0.5,
                y0=region.top - 0.5,
                x1=region.right - 0.5,
                y1=region.bottom - 0.5,
            )
            for name, region in zip(self._ids, self.regions, strict=True)
        )
        shape = current.header.rows, current.header.columns
        self._view.show_boxes(Findings(current.uid, shape, author, boxes), SCHEMA)

    def _take(self) -> None:
        """Take in where a person has moved the regions to; whole pixels, and never less than what they cover."""
        shown, current = self._view.boxes(SCHEMA), self._browse.current
        if shown is None or current is None:
            return
        rows, columns = current.header.rows, current.header.columns
        moved = {box.id: box for box in shown.of(Box)}
        for index, (name, region) in enumerate(zip(self._ids, self.regions, strict=True)):
            if name in moved:
                box = moved[name]
                left, top = (max(0, math.floor(edge + 0.5 + _EXACT)) for edge in (box.x0, box.y0))
                right, bottom = (math.ceil(edge + 0.5 - _EXACT) for edge in (box.x1, box.y1))
                right, bottom = min(right, columns), min(bottom, rows)
                if left < right and top < bottom:
                    self.regions[index] = replace(region, left=left, top=top, right=right, bottom=bottom)
