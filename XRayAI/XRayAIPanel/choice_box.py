"""A combo box whose entries have a value of their own each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ChoiceBox:
    """Offers texts and gives the value of the chosen one; what was chosen stays chosen while it is offered."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget

    @property
    def value(self) -> str:
        """Of the entry that is chosen; empty where there is none."""
        return str(self.widget.itemData(self.widget.currentIndex) or "")

    def fill(self, entries: Sequence[tuple[str, str]], chosen: str | None = None) -> None:
        """Offer ``(text, value)``; nobody is told, because nobody chose anything."""
        wanted = self.value if chosen is None else chosen
        blocked = self.widget.blockSignals(True)
        self.widget.clear()
        for text, value in entries:
            self.widget.addItem(text, value)
        self.choose(wanted)
        self.widget.blockSignals(blocked)

    def choose(self, value: str) -> None:
        """Choose the entry of this value; the first where there is no such one."""
        self.widget.setCurrentIndex(max(self.widget.findData(value), 0))
