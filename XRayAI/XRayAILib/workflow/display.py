"""How the image that is looked at is shown: by which window or table of its file, or by which presentation state.

::

    display = Display(browse)
    display.choices  # ("SOFT", "BONE", "Reader's state (2024-01-02)")
    display.choose(1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError

if TYPE_CHECKING:
    from XRayAILib.dicom.presentation_state import PresentationState
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.workflow.browse import Browse


class Display:
    """The looks that an image offers; the first is what the viewer shows by itself.

    Attributes
    ----------
    choices
        Their names: the file's windows and tables, then the presentation states about it.
    chosen
        Which of them is shown.
    drawings
        Whether overlays and what a presentation state draws are shown.
    notice
        Presentation states that cannot be read, and why; empty where there are none.
    """

    def __init__(self, browse: Browse) -> None:
        self.browse = browse
        self.choices: tuple[str, ...] = ()
        self.chosen = 0
        self.drawings = True
        self.notice = ""
        self._radiograph: Radiograph | None = None
        self._states: list[PresentationState] = []

    def follow(self) -> bool:
        """Find out what the image looked at offers; whether it is another one than before."""
        radiograph = self.browse.radiograph
        if radiograph is self._radiograph:
            return False
        self._radiograph, self.chosen, self.notice, self._states = radiograph, 0, "", []
        self.choices = ()
        if radiograph is not None:
            self._find_states(radiograph)
            self.choices = (*radiograph.grayscale.choices, *(_name(state) for state in self._states))
        return True

    def choose(self, choice: int) -> None:
        """Show the image by one of :attr:`choices`."""
        self.chosen = choice
        self._show()

    def show_drawings(self, drawings: bool) -> None:
        """Show or hide overlays and annotations, now and for the images to come."""
        self.drawings = drawings
        self._show()

    @property
    def shown(self) -> Radiograph | None:
        """The radiograph as it is shown now."""
        if self._radiograph is None:
            return None
        own = len(self._radiograph.grayscale.voi)
        if self.chosen < own:
            return self._radiograph.choose(self.chosen) if self.chosen else self._radiograph
        return self._radiograph.with_presentation(self._states[self.chosen - own])

    def describe(self) -> str:
        """What is drawn over the image and how it would be turned, in words; empty where there is nothing of it."""
        shown = self.shown
        if shown is None:
            return ""
        parts = [f"overlay {overlay.name}" for overlay in shown.overlays]
        presentation = shown.presentation
        if presentation is not None and presentation.graphics:
            parts.append(f"{len(presentation.graphics)} annotations")
        if shown.shutter is not None:
            parts.append("a shutter")
        if presentation is not None and (presentation.rotation or presentation.mirrored):
            turned = f"turned by {presentation.rotation}°" if presentation.rotation else ""
            mirrored = "mirrored" if presentation.mirrored else ""
            parts.append(f"meant to be seen {' and '.join(w for w in (turned, mirrored) if w)}, shown as stored")
        if shown.colour is not None:
            parts.append("a colour image: models see its brightness")
        text = ", ".join(parts)
        return text[:1].upper() + text[1:]

    def _show(self) -> None:
        shown = self.shown
        if shown is not None:
            self.browse.viewer.show_look(shown, self.drawings)

    def _find_states(self, radiograph: Radiograph) -> None:
        from XRayAILib.dicom.presentation_state import read_presentation_state

        problems = []
        for path in self.browse.project.presentation_states(radiograph.uid):
            try:
                state = read_presentation_state(path)
            except UnreadableError as error:
                problems.append(str(error))
                continue
            if state.refers_to(radiograph.header):
                self._states.append(state)
        self.notice = "; ".join(problems)


def _name(state: PresentationState) -> str:
    when = ", ".join(word for word in (state.creator.replace("^", " ").strip(), state.created) if word)
    return f"{state.name} ({when})" if when else state.name
