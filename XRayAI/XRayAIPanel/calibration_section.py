"""The section Millimetres: what they are worth on this image, and calibrating it by a line of known length."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.calibration import Calibrating
from XRayAIPanel.desk import reader
from XRayAIPanel.section import Panel, Section


class CalibrationSection(Section):
    """Draw a line, say how long it is."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.load("Calibration", panel.ui.calibrationCollapsibleButton)
        self.calibrating = Calibrating(self.browse, reader)
        self._line: Any = None
        self._tag: int | None = None
        self._uid = ""
        self.own.rulerButton.clicked.connect(self.on_ruler)
        self.own.calibrateButton.clicked.connect(self.on_calibrate)
        self.own.takeBackButton.clicked.connect(self.on_take_back)
        self.own.lengthSpinBox.valueChanged.connect(self.on_length)
        # Also in another module, which goes through the same images.
        self.browse.arrived.append(self._drop_what_belongs_to_another_image)

    def on_ruler(self, _checked: bool = False) -> None:
        from XRayAILib.scene import ruler

        with slicer.util.tryWithErrorDisplay(_("The line cannot be drawn.")):
            self._forget()
            self._line = ruler.place_ruler(self.viewer.host)
            self._tag = self._line.AddObserver(self._line.PointModifiedEvent, self._on_moved)
        self.show_buttons()

    def on_calibrate(self, _checked: bool = False) -> None:
        ends = self._ends()
        if ends is not None:
            with slicer.util.tryWithErrorDisplay(_("The image was not calibrated.")):
                self.calibrating.calibrate(*ends, self.own.lengthSpinBox.value, self.own.whatLineEdit.text)
            self.close()
        self.panel.refresh()

    def on_take_back(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The calibration was not taken back.")):
            self.calibrating.take_back()
        self.close()
        self.panel.refresh()

    def on_length(self, _value: float) -> None:
        self.show_buttons()

    def close(self) -> None:
        """Take the line away."""
        from XRayAILib.scene import ruler

        self._forget()
        ruler.remove_ruler(self.viewer.host)

    def show(self) -> None:
        self._drop_what_belongs_to_another_image()
        history = self.calibrating.history()
        self.own.spacingLabel.text = self.calibrating.spacing_text() or _("No radiograph is shown.")
        self.own.historyLabel.text = "\n".join(history)
        self.own.historyLabel.visible = bool(history)

    def show_buttons(self) -> None:
        own, shown = self.own, self.browse.current is not None
        own.rulerButton.enabled = shown
        own.takeBackButton.visible = shown and self.calibrating.is_calibrated_here
        length = self._named()
        own.drawnLabel.text = length or (self._next_step() if shown else "")
        own.calibrateButton.enabled = bool(length) and own.lengthSpinBox.value > 0
        own.calibrateButton.toolTip = (
            _("Lengths on this image are millimetres in the plane of the object from now on.")
            if own.calibrateButton.enabled
            else _("First draw a line over something of known length, and say how long it is.")
        )

    def _next_step(self) -> str:
        return _("Measure, or calibrate by a known length.") if self._line is None else _("Click on both ends.")

    def _on_moved(self, _caller: Any = None, _event: Any = None) -> None:
        self.show_buttons()

    def _named(self) -> str:
        """The length drawn, in words; empty until both ends are set."""
        from XRayAILib.scene import ruler

        spacing = self.calibrating.spacing
        if self._ends() is None or spacing is None:
            return ""
        length = ruler.name_ruler(self._line, self.viewer.volume_node, spacing)
        return "\n".join(part for part in (str(length), length.in_patient) if part) if length else ""

    def _ends(self) -> Any:
        from XRayAILib.scene import ruler

        if self._line is None or self.viewer.volume_node is None:
            return None
        if not self.viewer.host.scene.IsNodePresent(self._line):  # somebody deleted it, or closed the scene
            self._line = self._tag = None
            return None
        return ruler.ruler_ends(self._line, self.viewer.volume_node)

    def _drop_what_belongs_to_another_image(self) -> None:
        uid = self.browse.current.uid if self.browse.current else ""
        if uid != self._uid:
            self._uid = uid
            if self._line is not None:
                self.close()

    def _forget(self) -> None:
        if self._line is not None and self._tag is not None:
            self._line.RemoveObserver(self._tag)
        self._line = self._tag = None
