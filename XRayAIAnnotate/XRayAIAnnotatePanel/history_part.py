"""The history of the image: every saved change, what it changed, shown over the image, and the way back."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.case_list import clock
from XRayAIAnnotatePanel.label_table import set_up
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAILib.workflow.annotate import AnnotationSession
    from XRayAILib.workflow.image_history import ImageHistory, Line

ROW, ROWS_SHOWN = 22, 6
BEFORE, NOW = "before", "now"


class HistoryPart(Part):
    """The upper half of the section "History and comments"; nothing is read while that is collapsed."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        own = self.load("History", self.ui.historyCollapsibleButton)
        self._lines: list[Line] = []
        self._shown: tuple[str, int] | None = None
        set_up(own.historyTable, (_("Change"), _("Who"), _("When")), (70, 84))
        own.historyTable.setFixedHeight(ROWS_SHOWN * ROW + 30)
        own.historyTable.itemSelectionChanged.connect(self.on_chosen)
        own.differenceButton.toggled.connect(self.on_difference)
        own.compareComboBox.currentIndexChanged.connect(self.on_compare)
        own.restoreButton.clicked.connect(self.on_restore)
        self.ui.historyCollapsibleButton.contentsCollapsed.connect(self.on_collapsed)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_collapsed(self, _collapsed: bool) -> None:
        self._shown = None
        if self.ui.historyCollapsibleButton.collapsed:
            self.own.differenceButton.checked = False
        self.show()

    def on_chosen(self) -> None:
        self._offer()
        self._show_difference()
        self._enable()

    def on_difference(self, _checked: bool) -> None:
        self._show_difference()

    def on_compare(self, *_index: object) -> None:
        self._show_difference()

    def on_restore(self, _checked: bool = False) -> None:
        line = self.chosen
        if line is not None:
            self.own.differenceButton.checked = False
            self.panel.step(lambda _session: self._restore(line))

    def _restore(self, line: Line) -> None:
        self._history.restore(line)
        self.panel.sitting.drawn.changed()

    def leave(self) -> None:
        self.own.differenceButton.checked = False

    # Showing the state ----------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Line | None:
        """The line that is chosen in the table."""
        row = self.own.historyTable.currentRow()
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def show(self) -> None:
        session = self._session
        if self.ui.historyCollapsibleButton.collapsed:
            return
        if session is None or not session.is_open:
            self._shown, self._lines = None, []
            self.own.historyTable.setRowCount(0)
            self.own.timeLabel.text = ""
        else:
            self._show_time(session)
            shown = (session.uid, session.project.last_revision())
            if shown != self._shown:
                other_image = self._shown is None or self._shown[0] != shown[0]
                self._shown = shown
                self._fill(keep=not other_image)
        self._enable()

    @property
    def _session(self) -> AnnotationSession | None:
        return self.panel.sitting.session if self.panel.sitting is not None else None

    @property
    def _history(self) -> ImageHistory:
        from XRayAILib.workflow.image_history import ImageHistory

        session = self._session
        assert session is not None
        return ImageHistory(session)

    def _show_time(self, session: AnnotationSession) -> None:
        times = session.visible_times()
        texts = [f"{name} {clock(seconds) or '0:00'}" for name, seconds in times.items()]
        self.own.timeLabel.text = _("Time spent: {times}").format(times=", ".join(texts) or "0:00")

    def _fill(self, keep: bool) -> None:
        table, before = self.own.historyTable, self.chosen
        self._lines = self._history.lines()
        blocked = table.blockSignals(True)
        table.setRowCount(len(self._lines))
        for row, line in enumerate(self._lines):
            for column, text in enumerate((line.words, line.who, line.when)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)
        same = (row for row, line in enumerate(self._lines) if keep and before is not None and line.id == before.id)
        row = next(same, -1)
        table.setCurrentCell(row, 0 if row >= 0 else -1)
        table.blockSignals(blocked)
        self.on_chosen()

    def _offer(self) -> None:
        """What the chosen line can be compared with."""
        box, line = self.own.compareComboBox, self.chosen
        chosen = box.itemData(box.currentIndex) if box.currentIndex >= 0 else BEFORE
        blocked = box.blockSignals(True)
        box.clear()
        offered = [(_("with the state before"), BEFORE), (_("with what is drawn now"), NOW)]
        for other in self._lines:
            if other != line:
                offered.append((_("with {who}, {when}").format(who=other.who, when=other.when), str(other.id)))
        for text, value in offered:
            box.addItem(text, value)
        values = [value for _text, value in offered]
        box.setCurrentIndex(values.index(chosen) if chosen in values else 0)
        box.blockSignals(blocked)

    def _show_difference(self) -> None:
        own, line = self.own, self.chosen
        session = self._session
        own.differenceLabel.visible = False
        if session is None or not session.is_open:
            return
        if line is None or not own.differenceButton.checked:
            self._history.hide_difference()
            return
        with telling(_("The difference cannot be shown.")):
            wanted = own.compareComboBox.itemData(own.compareComboBox.currentIndex)
            other = next((one for one in self._lines if str(one.id) == wanted), None)
            found = self._history.show_difference(line, other, with_now=wanted == NOW)
            own.differenceLabel.text = legend(found.words)
            own.differenceLabel.visible = True

    def _enable(self) -> None:
        line, own = self.chosen, self.own
        own.historyTable.enabled = bool(self._lines)
        own.differenceButton.enabled = own.compareComboBox.enabled = line is not None
        session = self._session
        own.restoreButton.enabled = line is not None and line.own and session is not None and not session.locked


def legend(words: str) -> str:
    """What is different, in words, and the meaning of the colours."""
    from XRayAILib.workflow.image_history import COLORS

    if not words:
        return _("Nothing is different.")
    texts = {"added": _("added"), "removed": _("removed"), "before": _("before"), "after": _("after")}
    signs = "  ".join(f'<span style="color:{COLORS[name]}">\u25a0</span> {text}' for name, text in texts.items())
    return f"{escape(words)}<br>{signs}"
