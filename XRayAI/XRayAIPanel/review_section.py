"""The section Prediction and review: what a model finds, and what a person says to that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.evaluation.run import EvaluationRun, page_path
from XRayAILib.workflow.prediction import Prediction, card_of, predicted_answers
from XRayAILib.workflow.review import Review
from XRayAIPanel.desk import reader
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.work_strip import WorkStrip


class ReviewSection(Section):
    """Model, Evaluate, Predict, overlays, Accept and Reject."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.prediction = Prediction(interpreter())
        self.evaluation = EvaluationRun(interpreter())
        self.add_strip("prediction", self.prediction.work)
        bar, label, stop = self.ui.evaluationProgressBar, self.ui.evaluationLabel, self.ui.evaluationStopButton
        self.evaluation_strip = WorkStrip(self.evaluation.work, bar, label, stop, self.evaluated)
        self._open_when_done = False
        self._show_answers()
        self.ui.modelComboBox.currentIndexChanged.connect(self.on_model)
        self.ui.evaluateButton.clicked.connect(self.on_evaluate)
        self.ui.modelReportButton.clicked.connect(self.on_report)
        self.ui.modelCardButton.clicked.connect(self.on_card)
        self.browse.arrived.append(self.on_arrived)
        self.ui.predictButton.clicked.connect(self.on_predict)
        self.ui.predictAllButton.clicked.connect(self.on_predict_all)
        self.ui.acceptButton.clicked.connect(self.on_accept)
        self.ui.rejectButton.clicked.connect(self.on_reject)

    def on_arrived(self) -> None:
        """Another image is looked at: what was said of the last one is no longer true."""
        if self.strip is not None and not super().running:
            self.strip.say("")
        self._show_answers()

    def on_model(self, *_index: object) -> None:
        self.show_buttons()

    # Evaluation -----------------------------------------------------------------------------------------------------

    def on_evaluate(self, _checked: bool = False) -> None:
        self._evaluate(Path(self._model()), open_when_done=False)

    def on_report(self, _checked: bool = False) -> None:
        self.report(Path(self._model()))

    def on_card(self, _checked: bool = False) -> None:
        self.open_card(Path(self._model()))

    def report(self, model: Path) -> None:
        """Open the report on a model; where there is none yet, make it first."""
        page = page_path(self.browse.project, model)
        if page.is_file():
            _open(page)
        else:
            self.ui.reviewCollapsibleButton.collapsed = False
            self.choose(model)
            self._evaluate(model, open_when_done=True)

    def open_card(self, model: Path) -> None:
        """Open the model card."""
        with slicer.util.tryWithErrorDisplay(_("The model card cannot be opened.")):
            _open(card_of(model))

    def _evaluate(self, model: Path, open_when_done: bool) -> None:
        from XRayAIPanel.installation import need_agreement, need_learning

        with slicer.util.tryWithErrorDisplay(_("The evaluation did not start.")):
            need_learning()
            need_agreement()  # the report is drawn with the same
            parameters = self.panel.parameters
            device = parameters.device.value if parameters is not None else "auto"
            self.evaluation.start(self.browse.project, model, device=device)
            self._open_when_done = open_when_done
        self.evaluation_strip.show()
        self.panel.watch()

    def evaluated(self) -> str:
        """The evaluation has ended; gives the line to be shown."""
        page = self.evaluation.page
        if self._open_when_done and page is not None and self.evaluation.work.state == "done":
            _open(page)
        return self.evaluation.outcome()

    # Prediction and review ------------------------------------------------------------------------------------------

    def on_predict(self, _checked: bool = False) -> None:
        if self.browse.current is not None:
            self._predict([self.browse.current.uid])

    def on_predict_all(self, _checked: bool = False) -> None:
        self._predict(None)

    def _predict(self, uids: list[str] | None) -> None:
        from XRayAIPanel.installation import need_learning

        with slicer.util.tryWithErrorDisplay(_("The prediction did not start.")):
            need_learning()
            self.prediction.start(self.browse.project, Path(self._model()), uids)
        self.panel.watch()

    def ended(self) -> str:
        self.panel.refresh()
        if self.panel.parameters is not None:
            # Not over what is drawn in another module meanwhile; entering this panel shows it.
            self.browse.show_findings()
        return self.prediction.outcome()

    def on_accept(self, _checked: bool = False) -> None:
        self._review(_("The prediction was not accepted."), lambda review, uid: review.accept(uid).text())

    def on_reject(self, _checked: bool = False) -> None:
        def reject(review: Review, uid: str) -> str:
            review.reject(uid)
            return _("Rejected.")

        self._review(_("The prediction was not rejected."), reject)

    def _review(self, failed: str, act: Callable[[Review, str], str]) -> None:
        assert self.browse.current is not None and self.strip is not None
        with slicer.util.tryWithErrorDisplay(failed):
            self.strip.say(act(Review(self.browse.project, reader()), self.browse.current.uid))
            self.browse.show_findings()
        self.panel.refresh()

    def close(self) -> None:
        """The panel goes, and nobody would hear how the evaluation ends."""
        self.evaluation.work.stop()

    # Showing the state ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return super().running or self.evaluation.work.running

    def tick(self) -> None:
        self.evaluation_strip.poll()

    def choose(self, model: Path) -> None:
        """Choose a model, where it is offered."""
        box = self.ui.modelComboBox
        index = box.findData(str(model))
        if index >= 0:
            box.setCurrentIndex(index)

    def show(self) -> None:
        box = self.ui.modelComboBox
        chosen = self._model()
        box.clear()
        models = self.prediction.models(self.browse.project) if self.browse.is_open else []
        for model in models:
            box.addItem(f"{model.name} ({model.summary})" if model.summary else model.name, str(model.folder))
            box.setItemData(box.count - 1, model.task, qt.Qt.ToolTipRole)
        if not models:
            box.addItem(_("no model yet: train one"), "")
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.enabled = bool(models)
        self._show_answers()

    def show_buttons(self) -> None:
        model = self._model()
        ready = bool(model) and not super().running
        idle = bool(model) and not self.evaluation.work.running
        self.ui.evaluateButton.enabled = idle and self.browse.has_images
        self.ui.modelReportButton.enabled = idle and page_path(self.browse.project, Path(model)).is_file()
        self.ui.modelCardButton.enabled = bool(model)
        self.ui.predictButton.enabled = ready and self.browse.current is not None
        self.ui.predictAllButton.enabled = ready and self.browse.has_images
        self.ui.acceptButton.enabled = self.ui.rejectButton.enabled = self.browse.has_prediction

    def parameters_changed(self) -> None:
        parameters = self.panel.parameters
        if parameters is not None:
            self.viewer.set_overlays(parameters.overlaysVisible, parameters.overlayOpacity)

    def _show_answers(self) -> None:
        told = ""
        if self.browse.has_prediction and self.browse.current is not None:
            told = predicted_answers(self.browse.project, self.browse.current.uid)
        self.ui.predictedAnswersLabel.text = told
        self.ui.predictedAnswersLabel.visible = bool(told)

    def _model(self) -> str:
        box = self.ui.modelComboBox
        return str(box.itemData(box.currentIndex) or "")


def _open(path: Path) -> None:
    if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(path))):
        slicer.util.errorDisplay(_("No program on this computer opens {path}.").format(path=path))
