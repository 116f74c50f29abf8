"""Enhance: change how the image looked at is shown, see it at once, keep the settings; the image itself stays.

::

    enhance = Enhance(browse, canvas, author)
    enhance.choose("bone")
    enhance.set("edges", "amount", 1.5)
    enhance.begin()             # shows a reduced image at once
    while enhance.waiting:
        enhance.poll()          # and the whole one when it is ready
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from XRayAILib.findings.objects import now
from XRayAILib.pixels.enhance import KINDS, PRESETS, Enhancement, Exposed, exposed_part, step_of
from XRayAILib.pixels.resample import block_means
from XRayAILib.pixels.steps import NonLocalMeans, Step
from XRayAILib.project.enhancements import enhancement_names, find_enhancement, save_enhancement
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    import numpy as np

    from XRayAILib.findings.author import Author
    from XRayAILib.workflow.browse import Browse

SIDE, SLOW_SIDE = 900, 360
"""Longest side of the image that is shown while a slider moves; the second with non-local means."""
REST = 0.4
"""Seconds without a change after which the whole image is made."""


class Canvas(Protocol):
    """Shows an enhanced image with the radiograph that it was made from."""

    def show_enhanced(self, image: np.ndarray, step: int, record: Mapping[str, str]) -> None:
        """Show ``image`` (float32, 0..1; one pixel for ``step`` x ``step``); ``record`` says how it was made."""

    def hide_enhanced(self) -> None:
        """Show the radiograph alone."""


class Enhance:
    """The enhancement at hand, and its preview on the image looked at.

    Attributes
    ----------
    enhancement
        The steps as they are set now.
    shown_step
        How many pixels of the radiograph, along a side, one of the preview stands for; 0 where none is shown.
    work, reference
        Writing enhanced images, and finding the histogram that others shall have, in processes of their own.
    """

    def __init__(
        self, browse: Browse, canvas: Canvas, author: Callable[[], Author], interpreter: str = sys.executable
    ) -> None:
        self.browse = browse
        self.canvas = canvas
        self.author = author
        self.work = Work("enhance", interpreter)
        self.reference = Work("histogram", interpreter)
        self.enhancement: Enhancement = PRESETS["none"]
        self.shown_step = 0
        self._kept: dict[str, Step] = {}
        self._display: tuple[str, np.ndarray, np.ndarray] | None = None
        self._small: tuple[tuple[str, int, bool], np.ndarray, Exposed | None] | None = None
        self._changed = 0.0
        self._pending = False
        self._thread: threading.Thread | None = None
        self._made: tuple[Enhancement, str, np.ndarray | Exception] | None = None

    # The settings -----------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The enhancements to choose from."""
        return enhancement_names(self.browse.project if self.browse.is_open else None)

    def choose(self, name: str) -> None:
        """Take the enhancement of this name; errors as ``find_enhancement``."""
        self.enhancement = find_enhancement(self.browse.project if self.browse.is_open else None, name)
        self._kept = {step.kind: step for step in self.enhancement.steps}

    def step(self, kind: str) -> Step | None:
        """The parameters of a step, switched on or not; ``None`` of a histogram for which there is no reference."""
        if kind in self._kept:
            return self._kept[kind]
        return None if kind == "histogram" else KINDS[kind]()

    def switch(self, kind: str, on: bool) -> None:
        """Take a step in, with the parameters that it had last, or leave it out."""
        step = self.step(kind)
        if step is not None:
            self.enhancement = self.enhancement.with_step(step) if on else self.enhancement.without(kind)

    def set(self, kind: str, parameter: str, value: float) -> None:
        """Set a parameter, within its range."""
        step = self.step(kind)
        if step is None:
            return
        (item,) = (item for item in fields(step) if item.name == parameter)
        value = min(max(value, item.metadata["low"]), item.metadata["high"])
        # A slider gives fractions, and 0.8500000000000001 for 0.85; what is counted is whole.
        changes: dict[str, Any] = {parameter: round(value) if item.type == "int" else round(float(value), 6)}
        self._kept[kind] = replace(step, **changes)
        if self.enhancement.step(kind) is not None:
            self.enhancement = self.enhancement.with_step(self._kept[kind])

    def devices(self) -> list[str]:
        """The manufacturers whose images the project has."""
        return [name for name, _ in self.browse.project.values("manufacturer") if name] if self.browse.is_open else []

    def find_reference(self, manufacturer: str) -> None:
        """Begin to find the mean histogram of a device's images, of all with an empty name; see :attr:`reference`."""
        before = self.enhancement.document()
        self.reference.begin(self.browse.project.folder, {"manufacturer": manufacturer, "before": before})

    def take_reference(self) -> str:
        """Match images to the histogram found; gives a sentence."""
        step = step_of((self.reference.result or {}).get("step"))
        self._kept[step.kind] = step
        self.switch(step.kind, True)
        return f"Images are matched to {step.document()['source']}."

    @property
    def is_kept(self) -> bool:
        """Whether a preset of this name has exactly these settings."""
        name = self.enhancement.name
        if name not in self.names():
            return False
        return find_enhancement(self.browse.project if self.browse.is_open else None, name) == self.enhancement

    def save(self, name: str) -> Path:
        """Keep the settings in the project under this name; errors as ``save_enhancement``."""
        enhancement = self.enhancement.renamed(name.strip())
        path = save_enhancement(self.browse.project, enhancement, self.author().name)
        self.enhancement = enhancement
        return path

    # The preview ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the image looked at with these settings: reduced at once, whole after a while; see :meth:`poll`.

        Raises
        ------
        UnreadableError
            Its file is gone.
        """
        if self.browse.current is None or not self.enhancement.steps:
            self.end()
            return
        display, inside = self._image()
        slow = any(isinstance(step, NonLocalMeans) for step in self.enhancement.steps)
        step = max(1, -(-max(display.shape) // (SLOW_SIDE if slow else SIDE)))
        small, part = self._reduced(display, step)
        rows, columns = small.shape
        shown = self.enhancement.apply(small, inside[step // 2 :: step, step // 2 :: step][:rows, :columns], part)
        self._show(shown, step)

    def _show(self, image: np.ndarray, step: int) -> None:
        self.canvas.show_enhanced(image, step, self.record())
        self.shown_step = step
        self._changed = time.monotonic()
        self._pending = step > 1

    def end(self) -> None:
        """Show the radiograph alone."""
        self._pending = False
        self.shown_step = 0
        self._display = self._small = None
        self.canvas.hide_enhanced()

    @property
    def waiting(self) -> bool:
        """Whether the whole image is still to come."""
        return self._pending or self._thread is not None

    def poll(self) -> None:
        """Show the whole image where it is ready, or begin to make it; what making it raised is raised here."""
        if self._thread is not None:
            if self._thread.is_alive():
                return
            self._thread = None
        made, self._made = self._made, None
        if made is not None and self._pending and made[:2] == (self.enhancement, self._uid):
            self._pending = False
            if isinstance(made[2], Exception):
                raise made[2]
            self._show(made[2], 1)
        elif self._pending and time.monotonic() - self._changed > REST:
            display, inside = self._image()
            # numpy works beside the window: it lets go of Python's lock in all that takes long.
            arguments = (self.enhancement, self._uid, display, inside)
            self._thread = threading.Thread(target=self._make, args=arguments, daemon=True)
            self._thread.start()

    def record(self) -> dict[str, str]:
        """How the image shown was made: for the attributes of its volume."""
        return {
            "enhancement": json.dumps(self.enhancement.document()),
            "enhancedBy": self.author().name,
            "enhancedAt": now(),
        }

    def _make(self, enhancement: Enhancement, uid: str, display: np.ndarray, inside: np.ndarray) -> None:
        made: np.ndarray | Exception
        try:
            made = enhancement.apply(display, inside)
        except Exception as error:  # noqa: BLE001 - raised again where somebody looks, see poll
            made = error
        self._made = enhancement, uid, made

    @property
    def _uid(self) -> str:
        return self.browse.current.uid if self.browse.current else ""

    def _image(self) -> tuple[np.ndarray, np.ndarray]:
        """Display values of the image looked at, and which pixels are image."""
        if self._display is None or self._display[0] != self._uid:
            radiograph = self.browse.project.radiograph(self._uid)
            self._display = self._uid, radiograph.display(), radiograph.grayscale.is_image(radiograph.stored)
        return self._display[1], self._display[2]

    def _reduced(self, display: np.ndarray, step: int) -> tuple[np.ndarray, Exposed | None]:
        """The image with one pixel for ``step`` x ``step``, and what of it was exposed where that is cropped to."""
        key = self._uid, step, self.enhancement.crops
        if self._small is None or self._small[0] != key:
            small = display if step == 1 else block_means(display, step)
            self._small = key, small, exposed_part(small) if self.enhancement.crops else None
        return self._small[1], self._small[2]

    # Writing it -------------------------------------------------------------------------------------------------

    def write(self, uids: list[str] | None = None) -> None:
        """Begin to write enhanced images of the project, all or these, into its exports; see :attr:`work`."""
        options = {"enhancement": self.enhancement.document(), "uids": uids, "who": self.author().name}
        self.work.begin(self.browse.project.folder, options)

    def outcome(self) -> str:
        """What was written, in a sentence."""
        result = self.work.result or {}
        failed = len(result.get("failed", ()))
        text = f"{result.get('written', 0)} enhanced images written to {result.get('folder', '')}"
        return f"{text}, {failed} could not be read." if failed else f"{text}."
