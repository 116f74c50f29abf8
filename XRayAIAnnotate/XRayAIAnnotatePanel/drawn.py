"""What is drawn on the image, looked at once after each finished change, and its history of undo and redo."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt

from XRayAIAnnotatePanel import placing

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.canvas import SceneCanvas
    from XRayAILib.findings.findings import Findings
    from XRayAILib.scene.host import Host
    from XRayAILib.workflow.annotate import AnnotationSession
    from XRayAILib.workflow.undo import Undo


class Drawn:
    """Follows one sitting from image to image.

    The Segment Editor has an undo of its own, which knows nothing of boxes, and Slicer's Edit menu another, which knows
    nothing of either: two truths about one drawing. So both are put out of work while the panel is entered, and this is
    the only one.

    Attributes
    ----------
    findings
        As they were looked at last; ``None`` where no image is shown.
    undo
        The history of the image shown; ``None`` where there is none.
    put_away
        Called before other objects are shown, to let go of what is being placed; gives what has the tool ready again.
    """

    def __init__(self, session: AnnotationSession, canvas: SceneCanvas) -> None:
        self._session, self._canvas = session, canvas
        self._root: Any = None
        self._changed = False
        self._is_showing = False
        self._unfinished = ""
        self.findings: Findings | None = None
        self.undo: Undo | None = None
        self.put_away: Callable[[], Callable[[], None]] = lambda: lambda: None

    def changed(self) -> None:
        """Somebody drew or said something."""
        self._changed = True

    def look(self, at_once: bool = False) -> bool:
        """See what is drawn where that has changed; ``True`` where it was looked at.

        While a button of the mouse is down, a stroke or a dragged corner is not finished: it is looked at afterwards,
        and is one step. ``at_once`` looks in any case.
        """
        if self._is_showing:
            return False  # half of what is to be shown is no step
        nodes = self._canvas.nodes if self._session.is_open else None
        if nodes is None:
            self._root = self.findings = self.undo = None
            return False
        if nodes.root is not self._root:
            # Another image, or this one shown again from the project.
            self._root, self._changed, self._unfinished = nodes.root, False, ""
            self._begin()
            return True
        if self._unfinished and self._unfinished != _in_progress(self._canvas.host, nodes):
            self._changed = True
        if not self._changed or not (at_once or qt.QApplication.mouseButtons() == qt.Qt.NoButton):
            return False
        self._changed = False
        self._note()
        return True

    def back(self) -> bool:
        """Undo the last step, or take away the last corner of what is being placed; ``False`` where nothing is left."""
        return self._take_back_corner() or self._go(forth=False)

    def forth(self) -> bool:
        """Redo what was undone; ``False`` where nothing was."""
        return self._go(forth=True)

    def replace(self, findings: Findings) -> None:
        """Make what is drawn these findings: a step that can be undone."""
        self.look(at_once=True)
        self._show(findings)
        self._changed = True
        self.look(at_once=True)

    def amend(self, findings: Findings) -> None:
        """Make what is drawn these findings, as if the last step had been that."""
        self._show(findings)
        self.findings = self._session.drawn()
        if self.undo is not None:
            self.undo.amend(self.findings)
        self._changed = False

    def _begin(self) -> None:
        from XRayAILib.workflow.undo import Undo

        self.findings = self._session.drawn()
        self.undo = Undo(self.findings)

    def _note(self) -> None:
        nodes = self._canvas.nodes
        assert nodes is not None and self.undo is not None
        self._unfinished = _in_progress(self._canvas.host, nodes)
        drawn = self._session.drawn()
        if self._unfinished:
            drawn = drawn.without([_object_of(self._canvas.host, self._unfinished)])
        self.findings = drawn
        self.undo.note(drawn)

    def _go(self, forth: bool) -> bool:
        self.look(at_once=True)
        undo = self.undo
        if undo is None or not (undo.can_go_forth if forth else undo.can_go_back):
            return False
        findings = undo.forth() if forth else undo.back()
        try:
            self._show(findings)
        except Exception:
            # Nothing was undone, so the history is where it was.
            if forth:
                undo.back()
            else:
                undo.forth()
            raise
        self.findings, self._changed = findings, False
        return True

    def _show(self, findings: Findings) -> None:
        """Put findings on the canvas, and leave hidden and locked what was so."""
        from XRayAILib.scene import objects

        host, before = self._canvas.host, self._canvas.nodes
        assert before is not None
        kept = objects.states(host, before)
        ready_again = self.put_away()
        self._is_showing = True
        try:
            self._session.show_drawn(findings, time.monotonic())
        finally:
            self._is_showing = False
        nodes = self._canvas.nodes
        assert nodes is not None
        for item in findings:
            state = kept.get(item.id, objects.State())
            if not state.visible:
                objects.set_visible(host, nodes, item.id, False)
            if state.locked:
                objects.set_locked(host, nodes, item.id, True)
        ready_again()

    def _take_back_corner(self) -> bool:
        nodes = self._canvas.nodes
        shape_id = _in_progress(self._canvas.host, nodes) if nodes is not None else ""
        if not shape_id:
            return False
        shape = self._canvas.host.scene.GetNodeByID(shape_id)
        placed = [
            index
            for index in range(shape.GetNumberOfControlPoints())
            if shape.GetNthControlPointPositionStatus(index) == shape.PositionDefined
        ]
        if placed:
            shape.RemoveNthControlPoint(placed[-1])
        return bool(placed)


def _in_progress(host: Host, nodes: Any) -> str:
    """Id of the node of the shape whose points are being placed now; empty where there is none."""
    if not placing.is_placing(host):
        return ""
    active = host.application_logic.GetSelectionNode().GetActivePlaceNodeID() or ""
    return active if any(shape.GetID() == active for shape in nodes.shapes) else ""


def _object_of(host: Host, shape_id: str) -> str:
    from XRayAILib.scene import shapes

    return shapes.object_id(host.scene.GetNodeByID(shape_id))
