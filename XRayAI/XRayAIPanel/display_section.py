"""The section Display: by which of its windows, tables or presentation states the image is shown."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.display import Display
from XRayAIPanel.section import Panel, Section


class DisplaySection(Section):
    """A list of the looks that the image offers, and whether what its file draws is seen."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.load("Display", panel.ui.displayCollapsibleButton)
        self.display = Display(self.browse)
        self.own.lookComboBox.currentIndexChanged.connect(self.on_look)
        self.own.drawingsCheckBox.toggled.connect(self.on_drawings)

    def on_look(self, *_index: object) -> None:
        # Qt 5 has this signal with an index and with a text, so what it brings is not looked at.
        choice = self.own.lookComboBox.currentIndex
        if choice >= 0 and choice != self.display.chosen:
            with slicer.util.tryWithErrorDisplay(_("The image cannot be shown in this way."), waitCursor=True):
                self.display.choose(choice)
            self._tell()

    def on_drawings(self, checked: bool) -> None:
        with slicer.util.tryWithErrorDisplay(_("The overlays cannot be shown."), waitCursor=True):
            self.display.show_drawings(checked)

    def show(self) -> None:
        if self.display.follow():
            combo = self.own.lookComboBox
            combo.blockSignals(True)
            combo.clear()
            combo.addItems(list(self.display.choices))
            combo.setCurrentIndex(self.display.chosen if self.display.choices else -1)
            combo.blockSignals(False)
        self._tell()

    def show_buttons(self) -> None:
        self.own.lookComboBox.enabled = len(self.display.choices) > 1

    def _tell(self) -> None:
        text = "\n".join(part for part in (self.display.describe(), self.display.notice) if part)
        self.own.lookLabel.text = text
        self.own.lookLabel.visible = bool(text)
