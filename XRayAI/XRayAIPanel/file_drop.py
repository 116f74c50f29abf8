"""Files and folders that are dragged from the system's file browser and dropped on the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


class FileDrop(qt.QObject):
    """Takes what is dropped on a widget.

    Slicer's main window takes drops too and asks for a reader (``qSlicerIOManager::dropEvent``); Qt gives a drop to the
    innermost widget that accepts it, so what falls on the panel is ours.

    Parameters
    ----------
    widget
        The widget; what lies in it is part of it, except fields that take drops themselves.
    dropped
        Called with the paths, after the drop is over: a dialog during it would block the program it came from.
    """

    def __init__(self, widget: Any, dropped: Callable[[list[str]], None]) -> None:
        qt.QObject.__init__(self)
        self._dropped = dropped
        self._over: list[str] = []
        self._paths: list[str] = []
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: Any, event: Any) -> bool:
        """Called by Qt with every event of the widget; ``True`` for those that are dealt with here.

        What is dragged is asked for when it enters: some builds of PythonQt know the later events only as ``QEvent``.
        """
        kind = event.type()
        if kind == qt.QEvent.DragEnter:
            self._over = local_paths(event.mimeData())
        elif kind == qt.QEvent.DragLeave:
            self._over = []
        elif kind not in (qt.QEvent.DragMove, qt.QEvent.Drop):
            return False
        if not self._over:
            return False
        if hasattr(event, "setDropAction"):
            # Never a move: the file browser would delete what it thinks we have now.
            event.setDropAction(qt.Qt.CopyAction)
        event.accept()
        if kind == qt.QEvent.Drop:
            self._paths += self._over
            self._over = []
            qt.QTimer.singleShot(0, self._tell)
        return True

    def _tell(self) -> None:
        paths, self._paths = self._paths, []
        if paths:
            self._dropped(paths)


def local_paths(data: Any) -> list[str]:
    """The files and folders of this machine in what is dragged; empty where it is something else."""
    if not data.hasUrls():
        return []
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
