"""The labels to learn, to be ticked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayAILib.workflow.learnable import LearnableLabel

SWATCH = 12


class LabelChoice:
    """A ``QListWidget`` of labels with a tick, a colour and the number of images each."""

    def __init__(self, widget: Any) -> None:
        self._widget = widget
        self._names: list[str] = []
        self._learnable: set[str] = set()
        self._unticked: set[str] = set()

    def show(self, labels: Sequence[LearnableLabel]) -> None:
        """Show labels; all that occur are ticked, unless a person took the tick away."""
        self._remember()
        self._widget.clear()
        self._names = []
        self._learnable = {label.name for label in labels if label.images}
        for label in labels:
            count = _("{n} images") if label.images != 1 else _("{n} image")
            item = qt.QListWidgetItem(f"{label.title}   {count.format(n=label.images)}")
            swatch = qt.QPixmap(SWATCH, SWATCH)
            swatch.fill(qt.QColor(label.color))
            item.setIcon(qt.QIcon(swatch))
            ticked = label.images > 0 and label.name not in self._unticked
            if not label.images:
                item.setFlags(item.flags() ^ qt.Qt.ItemIsEnabled)
            item.setCheckState(qt.Qt.Checked if ticked else qt.Qt.Unchecked)
            self._widget.addItem(item)
            self._names.append(label.name)

    def ticked(self) -> list[str]:
        """The names of the labels to learn."""
        states = [self._widget.item(i).checkState() == qt.Qt.Checked for i in range(len(self._names))]
        return [name for name, ticked in zip(self._names, states, strict=True) if ticked]

    def _remember(self) -> None:
        for index, name in enumerate(self._names):
            if name in self._learnable:
                ticked = self._widget.item(index).checkState() == qt.Qt.Checked
                self._unticked = self._unticked - {name} if ticked else self._unticked | {name}
