"""The table of the collection: a QTableWidget that shows the workflow's rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayAILib.workflow.table import COLUMNS, Row
from XRayAIPanel.ink import ink

COLORS = {
    "predicted": "#1976d2",
    "draft": "#ef6c00",
    "submitted": "#8e24aa",
    "approved": "#2e7d32",
    "rejected": "#c62828",
    "excluded": "#9e9e9e",
}
SEVERITIES = {"error": "#c62828", "warning": "#ef6c00"}
"""What the last check found that a person should see at once; notes stand in the details."""
STATUS_COLUMN = 3
SPACING_COLUMN = 4


class CollectionTable:
    """Fills a table with rows and tells which one a person chose.

    Parameters
    ----------
    widget
        ``QTableWidget``.
    chosen
        Called with the uid of the row that was clicked or reached by the keyboard.
    sort
        Called with the column, as a query names it, whose title was clicked.
    """

    def __init__(self, widget: Any, chosen: Callable[[str], None], sort: Callable[[str], None]) -> None:
        self._widget, self._chosen, self._sort = widget, chosen, sort
        self._rows: list[Row] = []
        self._dots = {severity: dot(color) for severity, color in SEVERITIES.items()}
        titles = [_("Patient"), _("Study date"), _("View"), _("Status"), _("Spacing (mm)")]
        widget.setColumnCount(len(titles))
        widget.setHorizontalHeaderLabels(titles)
        widget.verticalHeader().hide()
        header = widget.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._on_title)
        for column, width in enumerate((78, 34, 70), start=1):
            widget.setColumnWidth(column, width)
        # The room that is left is shared: in a narrow panel, none of the two is pushed out of sight.
        for column in (0, SPACING_COLUMN):
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch)
        widget.verticalHeader().setDefaultSectionSize(22)
        widget.currentCellChanged.connect(self._on_current_cell)

    def show(self, rows: Sequence[Row], current: int) -> None:
        """Show these rows; ``current`` is the one looked at, -1 for none."""
        blocked = self._widget.blockSignals(True)
        before = self._rows
        self._rows = list(rows)
        self._widget.setRowCount(len(rows))
        for place, row in enumerate(rows):
            # A status changes all the time, the rest hardly ever: write only what is new.
            if place >= len(before) or before[place] != row:
                self._write(place, row)
        self._widget.blockSignals(blocked)
        self.mark(current)

    def show_order(self, sort: Sequence[str]) -> None:
        """Show by which column the rows are sorted."""
        header = self._widget.horizontalHeader()
        first = sort[0] if sort else ""
        column = first.removeprefix("-")
        header.setSortIndicatorShown(column in COLUMNS)
        if column in COLUMNS:
            order = qt.Qt.DescendingOrder if first.startswith("-") else qt.Qt.AscendingOrder
            header.setSortIndicator(COLUMNS.index(column), order)

    def mark(self, current: int) -> None:
        """Mark the row that is looked at, without telling anybody."""
        blocked = self._widget.blockSignals(True)
        if current < 0:
            self._widget.setCurrentCell(-1, -1)
        else:
            self._widget.setCurrentCell(current, 0)
            self._widget.scrollToItem(self._widget.item(current, 0))
        self._widget.blockSignals(blocked)

    def _write(self, place: int, row: Row) -> None:
        for column, text in enumerate(row.cells()):
            item = qt.QTableWidgetItem(text)
            if column == 0 and row.severity in self._dots:
                item.setIcon(self._dots[row.severity])
            item.setToolTip(row.details)
            if column == STATUS_COLUMN and row.status in COLORS:
                item.setForeground(qt.QBrush(qt.QColor(ink(COLORS[row.status]))))
            elif row.excluded:
                item.setForeground(qt.QBrush(qt.QColor(ink(COLORS["excluded"]))))
            self._widget.setItem(place, column, item)

    def _on_title(self, column: int) -> None:
        self._sort(COLUMNS[column])

    def _on_current_cell(self, row: int, _column: int, before: int, _before_column: int) -> None:
        if row != before and 0 <= row < len(self._rows):
            self._chosen(self._rows[row].uid)


def dot(color: str) -> Any:
    """A small round sign as an icon."""
    pixmap = qt.QPixmap(12, 12)
    pixmap.fill(qt.QColor(0, 0, 0, 0))
    painter = qt.QPainter()
    painter.begin(pixmap)
    painter.setRenderHint(qt.QPainter.Antialiasing)
    painter.setBrush(qt.QBrush(qt.QColor(color)))
    painter.setPen(qt.QPen(qt.QColor(color)))
    painter.drawEllipse(2, 2, 8, 8)
    painter.end()
    return qt.QIcon(pixmap)
