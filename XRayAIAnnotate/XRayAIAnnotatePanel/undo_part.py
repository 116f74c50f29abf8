"""Undo and redo: two buttons and their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

from XRayAIAnnotatePanel import placing
from XRayAIAnnotatePanel.part import Part
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.part import AnnotatePanel
    from XRayAIAnnotatePanel.sitting import Sitting
    from XRayAILib.workflow.undo import Change


class UndoPart(Part):
    """The one history of everything that is drawn and said, see :class:`XRayAIAnnotatePanel.drawn.Drawn`."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        self.ui.undoButton.clicked.connect(self.on_undo)
        self.ui.redoButton.clicked.connect(self.on_redo)

    def keys(self) -> dict[str, Callable[[], None]]:
        return {"Ctrl+Z": self.on_undo, "Ctrl+Shift+Z": self.on_redo, "Ctrl+Y": self.on_redo}

    def key_texts(self) -> dict[str, str]:
        return {
            "Ctrl+Z": _("Undo; while an outline is drawn: take back its last corner"),
            "Ctrl+Shift+Z": _("Redo"),
            "Ctrl+Y": _("Redo"),
        }

    def show(self) -> None:
        if self.sitting is not None:
            self.sitting.drawn.put_away = self._put_tool_away
        self.tick()

    def tick(self) -> None:
        sitting, ui = self.sitting, self.ui
        undo = sitting.drawn.undo if sitting is not None and not sitting.session.locked else None
        enabled = {
            ui.undoButton: undo is not None and undo.can_go_back,
            ui.redoButton: undo is not None and undo.can_go_forth,
        }
        tips = {
            ui.undoButton: _("Undo: {change} (Ctrl+Z)").format(change=self._words(undo.last if undo else None)),
            ui.redoButton: _("Redo: {change} (Ctrl+Shift+Z)").format(change=self._words(undo.next if undo else None)),
        }
        for button, wanted in enabled.items():
            if button.enabled != wanted:
                button.enabled = wanted
            if button.toolTip != tips[button]:
                button.toolTip = tips[button]

    def on_undo(self, _checked: bool = False) -> None:
        if self.sitting is not None:
            self._go(self.sitting, self.sitting.drawn.back)

    def on_redo(self, _checked: bool = False) -> None:
        if self.sitting is not None:
            self._go(self.sitting, self.sitting.drawn.forth)

    def _go(self, sitting: Sitting, step: Callable[[], bool]) -> None:
        if sitting.session.locked:
            return  # the case bar says why
        with telling(_("This cannot be undone or redone.")):
            step()
        self.panel.showState()

    def _put_tool_away(self) -> Callable[[], None]:
        """Let go of what is being placed, before other objects are shown; gives what has the same tool ready again."""
        sitting, label, editor = self.sitting, self.panel.labels.label, self.ui.editor
        assert sitting is not None
        was_placing = placing.is_placing(sitting.canvas.host)
        if was_placing:
            sitting.tools.stop()

        def ready_again() -> None:
            lost = editor.activeEffect() is not None and not self._has_segment(sitting)
            if label is not None and (was_placing or lost):
                sitting.tools.choose(label)

        return ready_again

    def _has_segment(self, sitting: Sitting) -> bool:
        """Whether what the Segment Editor draws on is still there."""
        segmentation = sitting.nodes.segmentation.GetSegmentation() if sitting.nodes is not None else None
        segment_id = self.ui.editor.currentSegmentID()
        return segmentation is not None and bool(segment_id) and segmentation.GetSegment(segment_id) is not None

    def _words(self, change: Change | None) -> str:
        if change is None:
            return _("nothing")
        schema = self.sitting.canvas.schema if self.sitting is not None else ()
        title = next((label.title for label in schema if label.name == change.label), change.label)
        texts = {
            "add": _("{label} drawn"),
            "delete": _("{label} deleted"),
            "relabel": _("{label} given as label"),
            "change": _("{label} changed"),
            "several": _("{count} objects changed"),
        }
        return texts[change.verb].format(label=title, count=change.count)
