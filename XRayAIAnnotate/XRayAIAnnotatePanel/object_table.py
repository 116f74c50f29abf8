"""What is drawn on the image, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import ROW, set_up, swatch
from XRayAIAnnotatePanel.shown_objects import ShownObject

LEAST_ROWS, MOST_ROWS = 2, 6
NAME, KIND, SIZE, EYE, LOCK = range(5)
_ICONS = Path(__file__).resolve().parents[1] / "Resources" / "Icons"


class ObjectTable:
    """Fills a table with objects and tells which ones a person chose.

    Parameters
    ----------
    widget
        ``QTableWidget``.
    chose
        Called when a person chooses other rows.
    toggled
        Called with ``EYE`` or ``LOCK`` and the id of the object whose eye or lock was clicked.
    """

    def __init__(self, widget: Any, chose: Callable[[], None], toggled: Callable[[int, str], None]) -> None:
        self._widget, self._chose, self._toggled = widget, chose, toggled
        self._shown: list[ShownObject] = []
        self._worth = ""
        self._marks: dict[str, str] = {}
        self._quiet = False
        set_up(widget, ("", "", "", "", ""), (80, 136, 24, 24))
        for column in (EYE, LOCK):
            widget.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.Fixed)
        widget.setSelectionMode(qt.QAbstractItemView.ExtendedSelection)
        widget.itemSelectionChanged.connect(self._on_selection)
        widget.cellClicked.connect(self._on_cell)
        self._fill()

    @property
    def objects(self) -> tuple[ShownObject, ...]:
        """What the table shows."""
        return tuple(self._shown)

    @property
    def chosen(self) -> tuple[ShownObject, ...]:
        """The objects of the rows chosen, in the order of the table."""
        rows = {item.row() for item in self._widget.selectedItems()}
        return tuple(item for row, item in enumerate(self._shown) if row in rows)

    def show(self, objects: Sequence[ShownObject], worth: str = "") -> None:
        """Show these objects, and leave those chosen that are still there.

        Parameters
        ----------
        worth
            What a millimetre of the sizes is worth, such as ``detector plane``: it stands once, at the top.
        """
        if list(objects) == self._shown and worth == self._worth:
            return
        kept = [item.id for item in self.chosen]
        self._shown, self._worth = list(objects), worth
        self._fill()
        self.choose(kept)

    def choose(self, ids: Sequence[str]) -> None:
        """Choose these rows, without telling anybody."""
        wanted = [row for row, item in enumerate(self._shown) if item.id in set(ids)]
        self._quiet = True
        self._widget.clearSelection()
        for row in wanted:
            for column in range(self._widget.columnCount):
                self._widget.item(row, column).setSelected(True)
        self._quiet = False
        if wanted:
            self._widget.scrollToItem(self._widget.item(wanted[0], NAME))

    def step(self, by: int) -> None:
        """Choose the object after the one chosen, or before it with ``by`` = -1; and tell it."""
        if not self._shown:
            return
        chosen = self.chosen
        there = self._shown.index(chosen[0]) if chosen else (-1 if by > 0 else 0)
        self.choose([self._shown[(there + by) % len(self._shown)].id])
        self._chose()

    def mark(self, messages: Mapping[str, str]) -> None:
        """Mark the objects of these ids with what is wrong with them; those before are marked no more."""
        if dict(messages) != self._marks:
            self._marks = dict(messages)
            self._fill_marks()

    def _fill(self) -> None:
        sizes = _("Size ({worth})").format(worth=self._worth) if self._worth else _("Size")
        self._quiet = True
        self._widget.setHorizontalHeaderLabels((_("Object"), _("Kind"), sizes, "", ""))
        self._widget.horizontalHeaderItem(EYE).setToolTip(_("Click an eye to hide or show an object."))
        self._widget.horizontalHeaderItem(LOCK).setToolTip(_("Click a lock to protect an object from changes."))
        self._widget.setRowCount(len(self._shown))
        for row, item in enumerate(self._shown):
            name = qt.QTableWidgetItem(item.title)
            name.setIcon(swatch(item.color))
            # The worth of the unit stands at the top.
            size = item.size.replace(f" ({self._worth})", "")
            for column, cell in enumerate((name, *map(qt.QTableWidgetItem, (_kind(item.kind), size, "", "")))):
                self._widget.setItem(row, column, cell)
            self._widget.item(row, EYE).setIcon(_icon("Visible" if item.visible else "Hidden"))
            self._widget.item(row, LOCK).setIcon(_icon("Locked" if item.locked else "Unlocked"))
        self._widget.setFixedHeight(min(max(len(self._shown), LEAST_ROWS), MOST_ROWS) * ROW + 30)
        self._quiet = False
        self._fill_marks()

    def _fill_marks(self) -> None:
        for row, item in enumerate(self._shown):
            texts = [self._marks[item.id]] if item.id in self._marks else []
            if item.unanswered:
                texts.append(_("Not answered: {titles}").format(titles=", ".join(item.unanswered)))
            self._widget.item(row, KIND).setIcon(_icon("Warning") if texts else qt.QIcon())
            facts = "  ·  ".join(text for text in (item.title, _kind(item.kind), item.size) if text)
            tip = "<br>".join(escape(text) for text in (facts, *texts))
            for column in (NAME, KIND, SIZE):
                self._widget.item(row, column).setToolTip(f"<html>{tip}</html>")

    def _on_selection(self) -> None:
        if not self._quiet:
            self._chose()

    def _on_cell(self, row: int, column: int) -> None:
        if column in (EYE, LOCK):
            self._toggled(column, self._shown[row].id)


def _icon(name: str) -> Any:
    icon, chosen = qt.QIcon(str(_ICONS / f"{name}.png")), qt.QPixmap(str(_ICONS / f"{name}.png"))
    if name != "Warning":
        # PythonQt makes painters without anything to paint on only.
        painter = qt.QPainter()
        painter.begin(chosen)
        painter.setCompositionMode(qt.QPainter.CompositionMode_SourceIn)
        painter.fillRect(chosen.rect(), qt.QColor("white"))
        painter.end()
    # In a chosen row Qt would tint it with the colour of the row.
    icon.addPixmap(chosen, qt.QIcon.Selected)
    return icon


def _kind(kind: str) -> str:
    texts = {
        "mask": _("mask"),
        "box": _("box"),
        "rotated box": _("rotated box"),
        "ellipse": _("ellipse"),
        "polygon": _("polygon"),
        "polyline": _("polyline"),
        "landmark": _("landmark"),
        "line": _("line"),
        "angle": _("angle"),
        "cobb angle": _("Cobb angle"),
        "cardiothoracic ratio": _("CTR"),
    }
    return texts[kind]
