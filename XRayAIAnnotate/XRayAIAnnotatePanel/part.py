"""A part of the annotation panel: some widgets, and what they do for the sitting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import slicer

from XRayAIPanel.section import keep_tab_order

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.label_table import LabelTable
    from XRayAIAnnotatePanel.object_table import ObjectTable
    from XRayAIAnnotatePanel.sitting import Sitting
    from XRayAILib.findings.author import Author
    from XRayAILib.workflow.annotate import AnnotationSession
    from XRayAIPanel.desk import Desk

UI_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "UI"


class AnnotatePanel(Protocol):
    """What a part asks of the panel around it."""

    ui: Any
    desk: Desk
    sitting: Sitting | None
    labels: LabelTable
    objects: ObjectTable
    parts: list[Any]

    def step(self, step: Callable[[AnnotationSession], object]) -> None:
        """Let the session go to another image, or show this one otherwise; errors are told."""

    def showImage(self, show: Callable[[], object]) -> None:
        """Call ``show`` under the wait cursor, tell an error, and show where we are."""

    def sitAgain(self, author: Author | None = None) -> None:
        """Draw on the findings of ``author``, or as the reader who is there now; what is drawn is saved first."""

    def changeSchema(self, change: Callable[[], object]) -> None:
        """Change the project's schema by ``change``, and show its labels at once."""

    def showState(self) -> None:
        """Show where we are in every part, after another image or project."""

    def onDrawn(self) -> None:
        """Something was drawn or said: it is to be saved soon."""


class Part:
    """Base of the parts.

    Attributes
    ----------
    ui
        The widgets of the panel.
    own
        Those of the part, from a ``.ui`` file of its own.
    """

    def __init__(self, panel: AnnotatePanel) -> None:
        self.panel, self.ui = panel, panel.ui
        self.own = self.ui

    @property
    def sitting(self) -> Sitting | None:
        """The sitting, where an image can be drawn on now."""
        sitting = self.panel.sitting
        return sitting if sitting is not None and sitting.is_drawing_possible else None

    def load(self, name: str, container: Any) -> Any:
        """Put the widgets of ``Resources/UI/<name>.ui`` into a container; gives them by their names."""
        widget = slicer.util.loadUI(str(UI_FOLDER / f"{name}.ui"))
        container.layout().addWidget(widget)
        keep_tab_order(container, widget)
        self.own = slicer.util.childWidgetVariables(widget)
        return self.own

    def keys(self) -> dict[str, Callable[[], None]]:
        """Keys of the part while the panel is entered, such as ``{"Ctrl+Z": self.on_undo}``."""
        return {}

    def key_texts(self) -> dict[str, str]:
        """What the keys of the part do, in a few words, for the list of keys."""
        return {}

    def enter(self) -> None:
        """The panel was entered."""

    def leave(self) -> None:
        """The panel is left: give back what the part changed in Slicer."""

    def show(self) -> None:
        """Show the image and the project as they are now."""

    def tick(self) -> None:
        """Called four times a second and after each drawing: cheap, and writes only what has changed."""
