"""The section Enhance: change how the image is shown, see it at once, keep the settings for reading and training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import slicer
from slicer.i18n import tr as _

from XRayAILib.pixels.steps import STEPS
from XRayAILib.workflow.enhance import Enhance
from XRayAIPanel.desk import reader
from XRayAIPanel.enhanced_view import EnhancedView
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.work_strip import WorkStrip

SLIDERS = {step.kind: [item.name for item in fields(step) if "low" in item.metadata] for step in STEPS}
"""The parameters of each step that have a slider, named ``<step><Parameter>Slider``."""


class EnhanceSection(Section):
    """Presets, steps with their sliders, live preview, and what is kept of it."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Enhance", panel.ui.enhanceCollapsibleButton)
        self.view = EnhancedView(self.viewer)
        self.enhance = Enhance(self.browse, self.view, reader, interpreter())
        self.add_strip("enhance", self.enhance.work)
        bar, label, stop = own.referenceProgressBar, own.referenceLabel, own.referenceStopButton
        self.reference_strip = WorkStrip(self.enhance.reference, bar, label, stop, self.reference_found)
        own.referenceButton.clicked.connect(self.on_reference)
        self._showing = self._was_live = False
        self._has_packages = False
        own.enhancementComboBox.currentIndexChanged.connect(self.on_choose)
        own.liveCheckBox.toggled.connect(self.on_live)
        own.placeComboBox.currentIndexChanged.connect(self.on_place)
        own.blendSlider.valueChanged.connect(self.view.set_opacity)
        own.saveEnhancementButton.clicked.connect(self.on_save)
        own.useForTrainingButton.clicked.connect(self.on_use)
        own.writeEnhancedButton.clicked.connect(self.on_write)
        for kind, names in SLIDERS.items():
            self._check_box(kind).toggled.connect(self._switcher(kind))
            for name in names:
                self._slider(kind, name).valueChanged.connect(self._setter(kind, name))
        panel.ui.priorComboBox.currentIndexChanged.connect(self.on_view_taken)
        panel.ui.curveCheckBox.toggled.connect(self.on_view_taken)
        self.browse.arrived.append(self.on_arrived)
        self._show_steps()
        own.blendSlider.visible = False

    # The settings ---------------------------------------------------------------------------------------------------

    def on_choose(self, *_index: object) -> None:
        if self._showing:
            return
        with slicer.util.tryWithErrorDisplay(_("The enhancement cannot be used.")):
            self.enhance.choose(self.own.enhancementComboBox.currentText)
        self._show_steps()
        self._changed()

    def _switcher(self, kind: str) -> Callable[[bool], None]:
        def switch(on: bool) -> None:
            if not self._showing:
                self.enhance.switch(kind, on)
                self.show_buttons()
                self._changed()

        return switch

    def _setter(self, kind: str, name: str) -> Callable[[float], None]:
        def change(value: float) -> None:
            if not self._showing:
                self.enhance.set(kind, name, value)
                self.show_buttons()
                self._changed()

        return change

    def on_reference(self, _checked: bool = False) -> None:
        index = self.own.referenceComboBox.currentIndex
        manufacturer = self.own.referenceComboBox.currentText if index > 0 else ""
        with slicer.util.tryWithErrorDisplay(_("No histogram was found.")):
            self._need_packages()
            self.enhance.find_reference(manufacturer)
        self.reference_strip.show()
        self.panel.watch()

    def reference_found(self) -> str:
        """The histogram is there; gives the line to be shown."""
        if self.enhance.reference.state != "done":
            return ""
        said = self.enhance.take_reference()
        self._show_steps()
        self._changed()
        return said

    def on_save(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The settings were not kept.")):
            self.enhance.save(self.own.enhancementNameLineEdit.text)
            self._say(_("Kept as {name}.").format(name=self.enhance.enhancement.name))
        self.panel.refresh()

    def on_use(self, _checked: bool = False) -> None:
        name = self.enhance.enhancement.name
        self.panel.training.use_enhancement(name)
        self._say(_("The next training uses {name}.").format(name=name))

    def on_write(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("No image was written.")):
            self._need_packages()
            self.enhance.write()
        self.panel.watch()

    def ended(self) -> str:
        return self.enhance.outcome()

    # The preview ----------------------------------------------------------------------------------------------------

    def on_live(self, _on: bool) -> None:
        self._changed()

    def on_place(self, *_index: object) -> None:
        beside = self.own.placeComboBox.currentIndex == 0
        self.own.blendSlider.visible = not beside
        if beside and self.own.liveCheckBox.checked:
            self._free_second_view()
        with slicer.util.tryWithErrorDisplay(_("The enhanced image cannot be shown there.")):
            self.view.set_place(beside)

    def on_view_taken(self, *_value: object) -> None:
        """A prior or the learning curve wants the second view."""
        if self.view.is_beside and (self.ui.priorComboBox.currentIndex > 0 or self.ui.curveCheckBox.checked):
            self.view.leave_beside(layout=False)
            self.own.placeComboBox.setCurrentIndex(1)

    def on_arrived(self) -> None:
        """Another image is looked at."""
        self._changed()

    def leave(self) -> None:
        """The module is left: other modules have the views as they know them."""
        self._was_live = bool(self.own.liveCheckBox.checked)
        self.own.liveCheckBox.checked = False

    def come_back(self) -> None:
        """The module is entered again: the preview that stood there is shown again."""
        if self._was_live and self.browse.current is not None:
            self.own.liveCheckBox.checked = True
        self._was_live = False

    def close(self) -> None:
        """The panel goes."""
        self.enhance.reference.stop()

    def _changed(self) -> None:
        live = self.own.liveCheckBox.checked
        if not live:
            self.enhance.end()
            return
        if self.own.placeComboBox.currentIndex == 0:
            self._free_second_view()
        try:
            with slicer.util.tryWithErrorDisplay(_("The enhanced image cannot be shown.")):
                self._need_packages()
                self.enhance.begin()
        except Exception:
            self.own.liveCheckBox.checked = False
            raise
        self.panel.watch()

    def _free_second_view(self) -> None:
        if not self.view.is_beside:
            self.ui.priorComboBox.setCurrentIndex(0)
            self.ui.curveCheckBox.checked = False

    def _need_packages(self) -> None:
        from XRayAIPanel.installation import need_enhancement

        # Asked once: the answer takes as long as a slider's whole picture.
        if not self._has_packages and any(self.enhance.enhancement.step(kind) for kind in ("wavelet", "nonlocal")):
            need_enhancement()
            self._has_packages = True

    # Showing the state ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return super().running or self.enhance.reference.running

    @property
    def waiting(self) -> bool:
        return self.running or self.enhance.waiting

    def tick(self) -> None:
        self.reference_strip.poll()
        with slicer.util.tryWithErrorDisplay(_("The enhanced image cannot be shown.")):
            self.enhance.poll()

    def show(self) -> None:
        if self.browse.current is None and self.own.liveCheckBox.checked:
            self.own.liveCheckBox.checked = False
        box, names = self.own.enhancementComboBox, self.enhance.names()
        self._showing = True
        box.clear()
        box.addItems(names)
        box.setCurrentIndex(max(0, box.findText(self.enhance.enhancement.name)))
        self._show_devices()
        self._showing = False

    def _show_devices(self) -> None:
        box = self.own.referenceComboBox
        chosen = box.currentText
        box.clear()
        box.addItems([_("all images of the project"), *self.enhance.devices()])
        box.setCurrentIndex(max(0, box.findText(chosen)))

    def show_buttons(self) -> None:
        own, there = self.own, bool(self.enhance.enhancement.steps)
        own.saveEnhancementButton.enabled = self.browse.is_open and there
        own.useForTrainingButton.enabled = self.browse.is_open and self.enhance.is_kept
        own.writeEnhancedButton.enabled = self.browse.has_images and there and not self.running
        own.referenceButton.enabled = self.browse.has_images and not self.enhance.reference.running
        own.liveCheckBox.enabled = self.browse.current is not None
        for kind, names in SLIDERS.items():
            on = self.enhance.enhancement.step(kind) is not None
            self._check_box(kind).enabled = self.enhance.step(kind) is not None
            for name in names:
                # Nine steps with all their sliders are too much to look at.
                self._slider(kind, name).visible = self._label(kind, name).visible = on

    def _show_steps(self) -> None:
        self._showing = True
        for kind, names in SLIDERS.items():
            step = self.enhance.step(kind)
            self._check_box(kind).checked = self.enhance.enhancement.step(kind) is not None
            for name in names if step is not None else ():
                self._slider(kind, name).value = getattr(step, name)
        self._showing = False
        self.show_buttons()

    def _check_box(self, kind: str) -> Any:
        return getattr(self.own, f"{kind}CheckBox")

    def _label(self, kind: str, name: str) -> Any:
        return getattr(self.own, f"{kind}{name.capitalize()}Label")

    def _slider(self, kind: str, name: str) -> Any:
        return getattr(self.own, f"{kind}{name.capitalize()}Slider")

    def _say(self, text: str) -> None:
        if self.strip is not None and not self.running:
            self.strip.say(text)
