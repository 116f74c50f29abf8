"""What is drawn on the image, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import ROW, set_up, swatch
from XRayAIAnnotatePanel.shown_objects import ShownObject

LEAST_ROWS, MOST_ROWS = 3, 8


class ObjectTable:
    """Fills a table with objects and tells which one a person chose.

    Parameters
    ----------
    widget
        ``QTableWidget``.
    chose
        Called with the object chosen, or ``None``.
    """

    def __init__(self, widget: Any, chose: Callable[[ShownObject | None], None]) -> None:
        self._widget, self._chose = widget, chose
        self._shown: list[ShownObject] | None = None
        self.chosen: ShownObject | None = None
        set_up(widget, (_("Object"), _("Kind")), (76,))
        widget.cellClicked.connect(self._on_cell)
        self.show([])

    def show(self, objects: Sequence[ShownObject]) -> None:
        """Show these objects; nothing happens where they are the same as before."""
        if objects == self._shown:
            return
        self._shown = list(objects)
        kinds = {"mask": _("mask"), "box": _("box"), "polygon": _("polygon"), "landmark": _("landmark")}
        self._widget.setRowCount(len(objects))
        for row, item in enumerate(objects):
            name = qt.QTableWidgetItem(item.title)
            name.setIcon(swatch(item.color))
            self._widget.setItem(row, 0, name)
            self._widget.setItem(row, 1, qt.QTableWidgetItem(kinds[item.kind]))
        self._widget.setFixedHeight(min(max(len(objects), LEAST_ROWS), MOST_ROWS) * ROW + 30)
        key = self.chosen.key if self.chosen is not None else ""
        row = next((row for row, item in enumerate(objects) if item.key == key), -1)
        self.chosen = objects[row] if row >= 0 else None
        self._widget.setCurrentCell(row, 0 if row >= 0 else -1)

    def _on_cell(self, row: int, _column: int) -> None:
        self.chosen = (self._shown or [])[row]
        self._chose(self.chosen)
