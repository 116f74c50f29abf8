"""The section Training: what, where and how long, before it starts; progress, curve and samples, while it runs."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.question import DeviceQuestion, Prospect, ReadinessQuestion
from XRayAILib.workflow.training import StoppedTraining, Training
from XRayAIPanel.gallery import WARNING_SIGN
from XRayAIPanel.installation import interpreter
from XRayAIPanel.learning_curve import LearningCurve
from XRayAIPanel.sample_picture import SamplePicture
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.telling import telling
from XRayAIPanel.training_settings import TrainingSettings

ERROR_SIGN = "\u2717"


class TrainingSection(Section):
    """Task, labels, preset, device, Train, Stop, the learning curve, and what came of it."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.training = Training(interpreter())
        self.question = DeviceQuestion(interpreter())
        self.readiness = ReadinessQuestion(interpreter())
        self.curve = LearningCurve()
        self.sample = SamplePicture(self.ui.samplePictureLabel)
        self.settings = TrainingSettings(self.ui, self.on_settings)
        self._wanted = None  # the project and the configuration of which it is looked at whether it can start
        self._config = None  # what the choices mean; None where they mean nothing
        self._reason = ""  # why they mean nothing
        self._expected = ""
        self.add_strip("training", self.training.work)
        self._show_figures()
        self.ui.trainingCollapsibleButton.contentsCollapsed.connect(self.on_folded)
        self.ui.trainButton.clicked.connect(self.on_train)
        self.ui.curveCheckBox.toggled.connect(self.on_curve)
        self.ui.trainedReportButton.clicked.connect(self.on_report)
        self.ui.trainedCardButton.clicked.connect(self.on_card)

    @property
    def labels(self):
        """The labels to be ticked."""
        return self.settings.labels

    @property
    def waiting(self) -> bool:
        return self.running or self.question.asking or self.readiness.asking

    @property
    def _open(self) -> bool:
        return not self.ui.trainingCollapsibleButton.collapsed

    def on_folded(self, _folded: bool) -> None:
        self.show()
        self.parameters_changed()

    def on_settings(self) -> None:
        """A person changed a choice."""
        self._look()
        self._show_expected()
        self.panel.watch()

    # Train ----------------------------------------------------------------------------------------------------------

    def on_train(self, _checked: bool = False) -> None:
        from XRayAIPanel.installation import need_learning

        with slicer.util.tryWithErrorDisplay(_("The training did not start.")):
            project, config = self.browse.project, self._configuration()
            need_learning()
            self.question.forget()
            stopped = self.training.stopped(project)
            if stopped is not None and self._wants_to_go_on(stopped):
                self.training.go_on(project, stopped)
                self._started()
            else:
                self._wanted = project, config
                self.readiness.ask(project.folder, config)
                self.strip.say(_("Looking at the labelled images..."))
        self._begin()
        self.panel.watch()

    def _begin(self) -> None:
        """Start what was wanted as soon as it is known that nothing is in the way."""
        if self._wanted is None:
            return
        project, config = self._wanted
        if not self.browse.is_open or self.browse.project is not project:
            self._wanted = None
            self.strip.say("")
            return
        prospect = self.readiness.answer(project.folder, config)
        if prospect is None:
            self.readiness.ask(project.folder, config)  # again, where it was forgotten meanwhile
            return
        self._wanted = None
        self.strip.say("")
        self._show_prospect(prospect)
        if prospect.errors:
            problems = "\n\n".join(prospect.errors)
            slicer.util.errorDisplay(_("The training did not start.") + f"\n\n{problems}")
            return
        with telling(_("The training did not start.")):
            self.training.start(project, config)
            self._started()

    def _started(self) -> None:
        self.settings.started()
        self.sample.clear()
        self.curve.update({})
        self.ui.curveCheckBox.checked = True
        self.panel.watch()

    def _configuration(self, offered=None):
        """What is to be trained, from what is chosen now; labels are counted again where they are not given."""
        parameters = self.panel.parameters
        assert parameters is not None
        enhancement = self.ui.trainingEnhancementComboBox.currentText or "none"
        choices = parameters.preset.value, parameters.device.value, enhancement
        settings = self.settings
        return self.training.config(
            self.browse.project, settings.labels.ticked(), *choices, settings.task, settings.changes(), offered
        )

    def _wants_to_go_on(self, stopped: StoppedTraining) -> bool:
        question = _(
            "A training ({task}, {preset}: {labels}) was stopped before its end. Go on with it? No starts a new one."
        )
        schema = self.browse.project.schema
        titles = ", ".join(schema[name].title if name in schema else name for name in stopped.labels)
        told = question.format(task=stopped.task, preset=stopped.preset, labels=titles)
        return slicer.util.confirmYesNoDisplay(told)

    # While it runs, and after ---------------------------------------------------------------------------------------

    def on_curve(self, shown: bool) -> None:
        if shown:
            self.ui.priorComboBox.setCurrentIndex(0)
            self.viewer.set_layout(self.curve.layout(self.viewer.host.layout_node))
            self.curve.attach()
        else:
            self.viewer.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def on_report(self, _checked: bool = False) -> None:
        self.panel.review.report(self.training.model)

    def on_card(self, _checked: bool = False) -> None:
        self.panel.review.open_card(self.training.model)

    def ended(self) -> str:
        self._show_progress()
        self.readiness.forget()  # another model, and perhaps a split that was not there before
        self.panel.refresh()
        if self.training.model is not None:
            self.panel.review.choose(self.training.model)
        self.parameters_changed()  # the device was asked for before the training, perhaps by another PyTorch
        return self.training.outcome()

    def close(self) -> None:
        """The panel goes."""
        self.question.close()
        self.readiness.close()

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        self._show_enhancements()
        if self.browse.is_open and self._open and self.panel.parameters is not None:
            self.settings.show(self.browse.project, self.panel.parameters.preset.value)
            self.readiness.forget()  # labels may have changed
            self._look()
        self._show_expected()
        if self.waiting:
            self.panel.watch()

    def use_enhancement(self, name: str) -> None:
        """Choose what is done to every image before it is learnt from."""
        self._show_enhancements()
        box = self.ui.trainingEnhancementComboBox
        box.setCurrentIndex(box.findText(name))

    def _show_enhancements(self) -> None:
        from XRayAILib.project.enhancements import enhancement_names

        box = self.ui.trainingEnhancementComboBox
        chosen = box.currentText
        blocked = box.blockSignals(True)
        box.clear()
        box.addItems(enhancement_names(self.browse.project if self.browse.is_open else None))
        box.setCurrentIndex(max(0, box.findText(chosen)))
        box.blockSignals(blocked)

    def show_buttons(self) -> None:
        self.ui.trainButton.enabled = self.browse.has_images and not self.running and self._wanted is None
        for button in (self.ui.trainedReportButton, self.ui.trainedCardButton):
            button.visible = self.training.model is not None and not self.running

    def parameters_changed(self) -> None:
        parameters = self.panel.parameters
        if parameters is not None and self._open:
            if parameters.preset.value != self.settings.preset:
                self.settings.use_preset(parameters.preset.value)
            self.question.ask(parameters.device.value)
            self._look()
            self._show_expected()
            self.panel.watch()

    def tick(self) -> None:
        # Also where the section was folded meanwhile: an answer that nobody fetches is waited for without end.
        self.question.answer("")
        self.readiness.heard("")
        self._begin()
        if self.running:
            self._show_progress()
        if self._open:
            self._show_expected()

    def _look(self) -> None:
        """Take in what is chosen, and have it looked at in the background."""
        from XRayAILib.learning.errors import TrainingError
        from XRayAILib.workflow.training import TrainingRefused

        self._config, self._reason, self._expected = None, "", ""
        if not self.browse.is_open or self.running or self.panel.parameters is None or not self.settings.task:
            return
        from XRayAILib.workflow.expected import expected_text

        try:
            self._config = self._configuration(self.settings.offered)
        except (TrainingRefused, TrainingError) as error:
            self._reason = str(error)
        else:
            self._expected = expected_text(self.browse.project, self._config)
            if self._wanted is None:
                self.readiness.ask(self.browse.project.folder, self._config)

    def _show_expected(self) -> None:
        parameters = self.panel.parameters
        if parameters is None:
            return
        if self.running and self.training.work.plan:
            self.ui.expectedLabel.text = self.training.work.plan
            self._show_prospect(Prospect())
            return
        answer = self.question.answer(parameters.device.value) or _("looking at the device...")
        self.ui.expectedLabel.text = f"{answer}; {self._expected}" if self._expected else answer
        if self._config is None:
            self._show_prospect(Prospect((self._reason,) if self._reason else ()))
        elif not self.running:
            prospect = self.readiness.answer(self.browse.project.folder, self._config)
            self._show_prospect(prospect or Prospect(parts=_("Looking at the labelled images...")))

    def _show_prospect(self, prospect: Prospect) -> None:
        lines = [prospect.parts] if prospect.parts else []
        lines += [f"{ERROR_SIGN} {text}" for text in prospect.errors]
        lines += [f"{WARNING_SIGN} {text}" for text in prospect.warnings]
        self.ui.readinessLabel.text = "\n".join(lines)
        self.ui.readinessLabel.visible = bool(lines)

    def _show_progress(self) -> None:
        self.curve.update(self.training.curves())
        self.sample.show(self.training.work.picture, self.training.work.picture_epoch)
        self._show_figures()
        if self.training.work.notes:
            self.ui.expectedLabel.toolTip = "\n".join(self.training.work.notes)

    def _show_figures(self) -> None:
        figures = self.training.figures() if self.running else ""
        self.ui.figuresLabel.text = figures
        self.ui.figuresLabel.visible = bool(figures)
