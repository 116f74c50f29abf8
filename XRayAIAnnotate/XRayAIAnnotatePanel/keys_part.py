"""The list of keys: which there are, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.part import Part

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.part import AnnotatePanel

WIDTH, HEIGHT = 460, 620


class KeysPart(Part):
    """The button "Keys...", and a window that may stay open beside the work.

    Parameters
    ----------
    button
        The button.
    """

    def __init__(self, panel: AnnotatePanel, button: Any) -> None:
        super().__init__(panel)
        self.window: Any = None
        self._text: Any = None
        button.clicked.connect(self.on_keys)

    def keys(self) -> dict[str, Callable[[], None]]:
        return {"F1": self.on_keys}

    def key_texts(self) -> dict[str, str]:
        return {"F1": _("Show this list")}

    def leave(self) -> None:
        if self.window is not None:
            self.window.hide()

    def on_keys(self, _checked: bool = False) -> None:
        if self.window is None:
            self.window = qt.QDialog(slicer.util.mainWindow())
            self.window.windowTitle = _("Keys of X-Ray AI Annotate")
            self._text = qt.QTextBrowser()
            qt.QVBoxLayout(self.window).addWidget(self._text)
            self.window.resize(WIDTH, HEIGHT)
        self._text.setHtml(self.html())
        self.window.show()
        self.window.raise_()

    def html(self) -> str:
        """The list, as it is for the schema of the open project."""
        sitting = self.sitting
        labels = [(label.hotkey, label.title) for label in (sitting.canvas.schema if sitting else ()) if label.hotkey]
        images = sorted((shortcut, text) for shortcut, text in self._of_buttons() if shortcut)
        others = [pair for part in self.panel.parts for pair in part.key_texts().items()]
        others.append(("Esc", _("Put the tool away")))
        return "".join(
            (
                _section(_("Draw or answer"), labels),
                _section(_("From image to image"), images),
                _section(_("Objects and views"), others),
            )
        )

    def _of_buttons(self) -> Iterable[tuple[str, str]]:
        rooms = [vars(self.ui), *(vars(part.own) for part in self.panel.parts if part.own is not self.ui)]
        for name, button in (pair for room in rooms for pair in room.items()):
            if name.endswith("Button"):
                # The first sentence of a tool tip says what a button does.
                said = button.toolTip.partition("(")[0].partition(". ")[0].strip().rstrip(".")
                yield button.shortcut.toString(), said or button.text.replace("&", "")


def _section(title: str, rows: Iterable[tuple[str, str]]) -> str:
    style = "padding:1px 14px 1px 0"
    lines = [
        f'<tr><td style="{style}"><b>{escape(key)}</b></td><td>{escape(text[:1].upper() + text[1:])}</td></tr>'
        for key, text in rows
    ]
    return f"<h4>{escape(title)}</h4><table>{''.join(lines)}</table>" if lines else ""
