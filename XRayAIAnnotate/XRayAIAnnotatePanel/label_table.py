"""The labels of the schema, each with its colour, its tool and its key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from XRayAILib.findings.schema import Label, LabelSchema

SWATCH = 14
ROW, ROWS_SHOWN = 22, 7


def swatch(color: str | tuple[float, float, float]) -> Any:
    """A square of a colour, ``#rrggbb`` or 0..1, as an icon."""
    if not isinstance(color, str):
        color = "#" + "".join(f"{round(255 * part):02x}" for part in color)
    pixels = qt.QPixmap(SWATCH, SWATCH)
    pixels.fill(qt.QColor(color))
    icon = qt.QIcon(pixels)
    # The colour itself on a chosen row as well: Qt would tint it.
    icon.addPixmap(pixels, qt.QIcon.Selected)
    return icon


def set_up(table: Any, titles: tuple[str, ...], widths: tuple[int, ...]) -> None:
    """Columns whose first one takes the room that is left."""
    table.setColumnCount(len(titles))
    table.setHorizontalHeaderLabels(titles)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setDefaultAlignment(qt.Qt.AlignLeft | qt.Qt.AlignVCenter)
    header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
    for column, width in enumerate(widths, 1):
        table.setColumnWidth(column, width)


class LabelTable:
    """Fills a table with labels and tells which one a person clicked.

    Parameters
    ----------
    widget
        ``QTableWidget``.
    clicked
        Called with the name of a label.

    Attributes
    ----------
    label
        The label marked, or ``None``.
    """

    def __init__(self, widget: Any, clicked: Callable[[str], None]) -> None:
        self._widget, self._clicked = widget, clicked
        self._labels: list[Label] = []
        self.label: Label | None = None
        set_up(widget, (_("Label"), _("Tool"), _("Key")), (76, 40))
        widget.cellClicked.connect(self._on_cell)

    @property
    def chosen(self) -> str:
        """Name of the label marked, or empty."""
        return self.label.name if self.label is not None else ""

    @property
    def can_repeat(self) -> bool:
        """Whether one image can have more than one object of the label marked."""
        from XRayAILib.findings.schema import Tool

        return self.label is not None and self.label.tool not in (Tool.LANDMARK, Tool.IMAGE)

    def show(self, schema: LabelSchema) -> None:
        """Show what can be drawn; what is said of the whole image is asked for below."""
        from XRayAILib.findings.schema import Tool

        tools = {
            Tool.MASK: _("mask"),
            Tool.POLYGON: _("polygon"),
            Tool.BOX: _("box"),
            Tool.ROTATED_BOX: _("rotated box"),
            Tool.ELLIPSE: _("ellipse"),
            Tool.POLYLINE: _("polyline"),
            Tool.LANDMARK: _("landmark"),
            Tool.LINE: _("line"),
            Tool.ANGLE: _("angle"),
            Tool.COBB_ANGLE: _("Cobb angle"),
            Tool.CARDIOTHORACIC_RATIO: _("heart : chest"),
        }
        self._labels = [label for label in schema if label.tool is not Tool.IMAGE]
        self.label = None
        self._widget.setRowCount(len(self._labels))
        for row, label in enumerate(self._labels):
            name = qt.QTableWidgetItem(label.title)
            name.setIcon(swatch(label.color))
            if label.code is not None:
                name.setToolTip(f"{label.code.meaning} ({label.code.scheme} {label.code.value})")
            for column, item in enumerate((name, *map(qt.QTableWidgetItem, (tools[label.tool], label.hotkey)))):
                self._widget.setItem(row, column, item)
        rows = min(max(len(self._labels), 4), ROWS_SHOWN)
        self._widget.setFixedHeight(rows * ROW + 30)
        self.mark("")

    def mark(self, name: str) -> None:
        """Mark a label without telling anybody; empty for none."""
        row = next((row for row, label in enumerate(self._labels) if label.name == name), -1)
        self.label = self._labels[row] if row >= 0 else None
        self._widget.setCurrentCell(row, 0 if row >= 0 else -1)

    def _on_cell(self, row: int, _column: int) -> None:
        self.label = self._labels[row]
        self._clicked(self.label.name)


def tool_text(label: Label | None, active: bool, placed: set[str], next_place: str = "") -> str:
    """What the next click in the view does, where a tool is ``active``; else what to do first.

    ``placed`` are the titles of the landmarks that are there: each is placed once only. ``next_place`` is what the next
    click sets of a measurement, or the landmark that it sets.
    """
    from XRayAILib.findings.schema import Tool
    from XRayAILib.scene.captions import short

    if label is not None and label.tool is Tool.LANDMARK and label.title in placed and not active:
        return _("{label} is placed: drag it to move it.").format(label=short(label.title))
    if label is None or not active:
        return _("Click a label to draw it.")
    texts = {
        Tool.MASK: _("{label}: draw it; the tools are below."),
        Tool.POLYGON: _("{label}: click its corners; a double click ends it."),
        Tool.BOX: _("{label}: click two opposite corners."),
        Tool.ROTATED_BOX: _("{label}: click two opposite corners, then turn it by its ring."),
        Tool.ELLIPSE: _("{label}: click two opposite corners around it, then turn it by its ring."),
        Tool.POLYLINE: _("{label}: click along it; a double click ends it."),
        Tool.LANDMARK: _("{next}: click its place."),
    }
    text = texts.get(label.tool, _("{label}: next click: {next}."))
    return text.format(label=short(label.title), next=next_place or short(label.title))
