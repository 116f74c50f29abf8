"""The keys of the labels, while the panel is entered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema

EDITORS_UNDO = frozenset({"Z", "Y"})
"""What undoes and redoes in the Segment Editor, beside the usual keys (``qMRMLSegmentEditorWidget``)."""


class Hotkeys:
    """Installs keys in Slicer's main window and takes them away again.

    The Segment Editor has keys of its own, 1, 2, 3 among them, and Slicer's menus, Ctrl+Z among them. Qt obeys neither
    of two shortcuts on one key, so those that are wanted here are switched off; the others keep working. So is the
    undo of the editor, since there is one history over all tools.

    Parameters
    ----------
    editor
        ``qMRMLSegmentEditorWidget``.
    panel
        A widget that is visible as long as the panel is: the editor's shortcuts become its children, where they can be
        found, and Qt ignores those of a hidden widget.
    """

    def __init__(self, editor: Any, panel: Any) -> None:
        self._editor, self._panel = editor, panel
        self._shortcuts: list[Any] = []
        self._silenced: list[Any] = []

    def install(self, schema: LabelSchema | None, choose: Callable[[str], None], others: dict[str, Callable]) -> None:
        """Let the key of each label call ``choose(name)``, and each key of ``others`` its function."""
        self.remove()
        self._editor.installKeyboardShortcuts(self._panel)
        wanted = dict(others)
        for label in schema or ():
            if label.hotkey and label.hotkey not in wanted:
                wanted[label.hotkey] = _call(choose, label.name)
        self._make_room(set(wanted))
        self._shortcuts = [_shortcut(key, call) for key, call in wanted.items()]

    def remove(self) -> None:
        """Give the keys back."""
        self._editor.uninstallKeyboardShortcuts()
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = []
        for action in self._silenced:
            action.setEnabled(True)
        self._silenced = []

    def _make_room(self, keys: set[str]) -> None:
        import qt
        import slicer

        taken = {qt.QKeySequence(key).toString() for key in keys}
        for shortcut in self._panel.children():
            if shortcut.className() == "QShortcut" and shortcut.key.toString() in taken | EDITORS_UNDO:
                shortcut.setEnabled(False)
        for action in slicer.util.mainWindow().children():
            if action.className() == "QAction" and action.enabled and action.shortcut.toString() in taken:
                action.setEnabled(False)
                self._silenced.append(action)


def _shortcut(key: str, call: Callable) -> Any:
    import qt
    import slicer

    shortcut = qt.QShortcut(qt.QKeySequence(key), slicer.util.mainWindow())
    shortcut.activated.connect(call)
    return shortcut


def _call(function: Callable[[str], None], name: str) -> Callable[[], None]:
    return lambda: function(name)
