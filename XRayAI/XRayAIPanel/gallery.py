"""The collection as pictures: a QListWidget with the thumbnail of every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIPanel.collection_table import COLORS, SEVERITIES

if TYPE_CHECKING:
    from XRayAILib.workflow.pictures import Pictures
    from XRayAILib.workflow.table import Row

WARNING_SIGN = "\u26a0"


class Gallery:
    """Shows rows as pictures and tells which one a person chose; pictures come when they are made.

    Parameters
    ----------
    widget
        ``QListWidget`` in icon mode, with a grid.
    chosen
        Called with the uid of the picture that was clicked or reached by the keyboard.
    """

    def __init__(self, widget: Any, pictures: Pictures, chosen: Callable[[str], None]) -> None:
        self._widget, self._pictures, self._chosen = widget, pictures, chosen
        self._rows: list[Row] = []
        self._drawn: set[str] = set()
        blank = qt.QPixmap(widget.iconSize)
        blank.fill(qt.QColor("#808080"))
        self._blank = qt.QIcon(blank)
        widget.currentRowChanged.connect(self._on_row)
        widget.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        widget.verticalScrollBar().rangeChanged.connect(self._on_scrolled)  # so it does when the panel grows

    def show(self, rows: Sequence[Row], current: int) -> None:
        """Show these rows; ``current`` is the one looked at, -1 for none."""
        blocked = self._widget.blockSignals(True)
        if [row.uid for row in rows] != [row.uid for row in self._rows]:
            self._rows = []
            self._drawn.clear()
            self._widget.clear()
            for _row in rows:
                self._widget.addItem(qt.QListWidgetItem(self._blank, ""))
        for place, row in enumerate(rows):
            if place >= len(self._rows) or self._rows[place] != row:
                self._write(self._widget.item(place), row)
        self._rows = list(rows)
        self._widget.blockSignals(blocked)
        self.mark(current)
        self.draw_visible()

    def mark(self, current: int) -> None:
        """Mark the picture that is looked at, without telling anybody."""
        blocked = self._widget.blockSignals(True)
        self._widget.setCurrentRow(current)
        if current >= 0:
            self._widget.scrollToItem(self._widget.item(current))
        self._widget.blockSignals(blocked)

    def poll(self) -> None:
        """Draw what was made since the last call."""
        fresh = self._pictures.poll()
        if fresh:
            self._drawn.difference_update(fresh)
            self.draw_visible()

    def draw_visible(self) -> None:
        """Draw the pictures on the screen, and have those that are missing made, from the top of the screen on."""
        if not self._rows or not self._widget.visible:
            return
        first, last = self._on_screen()
        for place in range(first, min(last, len(self._rows))):
            row = self._rows[place]
            if row.uid not in self._drawn:
                self._draw(self._widget.item(place), row)
        order = [row.uid for row in [*self._rows[first:], *self._rows[:first]]]
        self._pictures.want(order)

    def _on_screen(self) -> tuple[int, int]:
        grid, viewport = self._widget.gridSize, self._widget.viewport()
        columns = max(1, viewport.width // grid.width())
        first = self._widget.verticalScrollBar().value // grid.height() * columns
        return first, first + columns * (viewport.height // grid.height() + 2)

    def _draw(self, item: Any, row: Row) -> None:
        found = self._pictures.of(row.uid)
        if found is None:
            return
        self._drawn.add(row.uid)
        if found.reason:
            item.setIcon(self._widget.style().standardIcon(qt.QStyle.SP_MessageBoxWarning))
            item.setToolTip(f"{_('It cannot be shown:')} {found.reason}\n{row.details}")
        else:
            item.setIcon(qt.QIcon(qt.QPixmap(str(found.path))))

    def _write(self, item: Any, row: Row) -> None:
        sign = f"{WARNING_SIGN} " if row.severity in SEVERITIES else ""
        item.setText(f"{sign}{row.patient}\n{row.study_date} {row.view}")
        item.setToolTip(row.details)
        color = SEVERITIES.get(row.severity) or COLORS.get(row.status)
        if color:
            item.setForeground(qt.QBrush(qt.QColor(color)))

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._rows):
            self._chosen(self._rows[row].uid)

    def _on_scrolled(self, *_values: int) -> None:
        self.draw_visible()
