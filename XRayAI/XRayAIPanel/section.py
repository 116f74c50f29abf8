"""A section of the panel: some widgets and the workflow that they drive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import qt
import slicer

from XRayAILib.workflow.work import Work
from XRayAIPanel.work_strip import WorkStrip

if TYPE_CHECKING:
    from XRayAIPanel.desk import Desk
    from XRayAIPanel.parameters import XRayAIParameterNode


UI_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "UI"


class Panel(Protocol):
    """What a section asks of the panel around it."""

    ui: Any
    desk: Desk
    parameters: XRayAIParameterNode | None

    @property
    def is_working(self) -> bool:
        """Whether a job on the project is under way."""

    def refresh(self) -> None:
        """Show in all sections what the project holds now."""

    def watch(self) -> None:
        """Look at the work under way until it ends."""


def keep_tab_order(before: Any, widget: Any) -> None:
    """Let the Tab key come to what lies in ``widget`` after ``before``: what is loaded later would be reached last."""
    # A tree of widgets that is put into another window stays together in the chain.
    inside, place = [], widget.nextInFocusChain()
    while widget.isAncestorOf(place):
        if place.focusPolicy != qt.Qt.NoFocus:
            inside.append(place)
        place = place.nextInFocusChain()
    for child in inside:
        qt.QWidget.setTabOrder(before, child)
        before = child


class Section:
    """Base of the sections; most have one kind of long work, shown by a strip.

    Attributes
    ----------
    ui
        The widgets of the panel.
    own
        Those of the section, where it has a ``.ui`` file of its own; the panel's without.
    """

    def __init__(self, panel: Panel) -> None:
        self.panel, self.ui, self.browse = panel, panel.ui, panel.desk.browse
        self.viewer = panel.desk.viewer
        self.strip: WorkStrip | None = None
        self.own = self.ui

    def load(self, name: str, collapsible: Any) -> Any:
        """Put the widgets of ``Resources/UI/<name>.ui`` into a collapsible button; gives them by their names."""
        widget = slicer.util.loadUI(str(UI_FOLDER / f"{name}.ui"))
        collapsible.layout().insertWidget(0, widget)
        keep_tab_order(collapsible, widget)
        self.own = slicer.util.childWidgetVariables(widget)
        return self.own

    def add_strip(self, name: str, work: Work) -> None:
        """Show ``work`` in the widgets ``<name>ProgressBar``, ``<name>Label`` and ``<name>StopButton``."""
        bar, label, stop = (getattr(self.own, name + kind) for kind in ("ProgressBar", "Label", "StopButton"))
        self.strip = WorkStrip(work, bar, label, stop, self.ended)

    @property
    def running(self) -> bool:
        """Whether this section's work is under way."""
        return self.strip is not None and self.strip.work.running

    @property
    def waiting(self) -> bool:
        """Whether there is anything to look at again soon."""
        return self.running

    def show(self) -> None:
        """Show what the project holds now."""

    def show_buttons(self) -> None:
        """Enable what can be done now."""

    def tick(self) -> None:
        """Called again and again while anything is under way."""

    def parameters_changed(self) -> None:
        """Called when a parameter has another value."""

    def ended(self) -> str:
        """The work has ended; gives the line to be shown where it went well."""
        return ""
