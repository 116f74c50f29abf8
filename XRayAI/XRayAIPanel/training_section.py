"""The section Training: what, where and how long, before it starts; progress and curve, while it runs."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.training import DeviceQuestion, StoppedTraining, Training
from XRayAIPanel.installation import interpreter
from XRayAIPanel.label_choice import LabelChoice
from XRayAIPanel.learning_curve import LearningCurve
from XRayAIPanel.section import Panel, Section


class TrainingSection(Section):
    """Labels, preset, device, Train, Stop and the learning curve."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.training = Training(interpreter())
        self.question = DeviceQuestion(interpreter())
        self.curve = LearningCurve()
        self.labels = LabelChoice(self.ui.labelsListWidget)
        self.add_strip("training", self.training.work)
        self.ui.trainingCollapsibleButton.contentsCollapsed.connect(self.on_folded)
        self.ui.trainButton.clicked.connect(self.on_train)
        self.ui.curveCheckBox.toggled.connect(self.on_curve)

    @property
    def waiting(self) -> bool:
        return self.running or self.question.asking

    @property
    def _open(self) -> bool:
        return not self.ui.trainingCollapsibleButton.collapsed

    def on_folded(self, _folded: bool) -> None:
        self.show()
        self.parameters_changed()

    def on_train(self, _checked: bool = False) -> None:
        from XRayAIPanel.installation import need_learning

        parameters = self.panel.parameters
        assert parameters is not None
        with slicer.util.tryWithErrorDisplay(_("The training did not start.")):
            project, ticked = self.browse.project, self.labels.ticked()
            enhancement = self.ui.trainingEnhancementComboBox.currentText or "none"
            choices = parameters.preset.value, parameters.device.value, enhancement
            config = self.training.config(project, ticked, *choices)
            need_learning()
            self.question.forget()
            stopped = self.training.stopped(project)
            if stopped is not None and self._wants_to_go_on(stopped):
                self.training.go_on(project, stopped)
            else:
                self.training.start(project, config)
        self.curve.update({})
        self.ui.curveCheckBox.checked = True
        self.panel.watch()

    def _wants_to_go_on(self, stopped: StoppedTraining) -> bool:
        question = _("A training ({preset}: {labels}) was stopped before its end. Go on with it? No starts a new one.")
        schema = self.browse.project.schema
        titles = ", ".join(schema[name].title if name in schema else name for name in stopped.labels)
        return slicer.util.confirmYesNoDisplay(question.format(preset=stopped.preset, labels=titles))

    def on_curve(self, shown: bool) -> None:
        if shown:
            self.ui.priorComboBox.setCurrentIndex(0)
            self.viewer.set_layout(self.curve.layout(self.viewer.host.layout_node))
            self.curve.attach()
        else:
            self.viewer.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def ended(self) -> str:
        self.curve.update(self.training.curves())
        self.panel.refresh()
        self.parameters_changed()  # the device was asked for before the training, perhaps by another PyTorch
        return self.training.outcome()

    def close(self) -> None:
        """The panel goes."""
        self.question.close()

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        self._show_enhancements()
        if self.browse.is_open and self._open:
            self.labels.show(self.training.labels(self.browse.project))

    def use_enhancement(self, name: str) -> None:
        """Choose what is done to every image before it is learnt from."""
        self._show_enhancements()
        box = self.ui.trainingEnhancementComboBox
        box.setCurrentIndex(box.findText(name))

    def _show_enhancements(self) -> None:
        from XRayAILib.project.enhancements import enhancement_names

        box = self.ui.trainingEnhancementComboBox
        chosen = box.currentText
        box.clear()
        box.addItems(enhancement_names(self.browse.project if self.browse.is_open else None))
        box.setCurrentIndex(max(0, box.findText(chosen)))

    def show_buttons(self) -> None:
        self.ui.trainButton.enabled = self.browse.has_images and not self.running

    def parameters_changed(self) -> None:
        if self.panel.parameters is not None and self._open:
            self.question.ask(self.panel.parameters.device.value)
            self._show_expected()
            self.panel.watch()

    def tick(self) -> None:
        # Also where the section was folded meanwhile: an answer that nobody fetches is waited for without end.
        self.question.answer("")
        if self.running:
            self.curve.update(self.training.curves())
        if self._open:
            self._show_expected()

    def _show_expected(self) -> None:
        from XRayAILib.workflow.training import limit_text

        parameters = self.panel.parameters
        if parameters is None:
            return
        answer = self.question.answer(parameters.device.value)
        if self.running and self.training.work.plan:
            self.ui.expectedLabel.text = self.training.work.plan
        else:
            self.ui.expectedLabel.text = (
                f"{answer or _('looking at the device...')}; {limit_text(parameters.preset.value)}"
            )
