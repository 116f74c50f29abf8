"""The section Prediction and review: what a model finds, and what a person says to that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.prediction import Prediction
from XRayAILib.workflow.review import Review
from XRayAIPanel.desk import reader
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section


class ReviewSection(Section):
    """Model, Predict, overlays, Accept and Reject."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.prediction = Prediction(interpreter())
        self.add_strip("prediction", self.prediction.work)
        self.browse.arrived.append(self.on_arrived)
        self.ui.predictButton.clicked.connect(self.on_predict)
        self.ui.predictAllButton.clicked.connect(self.on_predict_all)
        self.ui.acceptButton.clicked.connect(self.on_accept)
        self.ui.rejectButton.clicked.connect(self.on_reject)

    def on_arrived(self) -> None:
        """Another image is looked at: what was said of the last one is no longer true."""
        if self.strip is not None and not self.running:
            self.strip.say("")

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

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        box = self.ui.modelComboBox
        chosen = box.currentText
        box.clear()
        models = self.prediction.models(self.browse.project) if self.browse.is_open else []
        for model in models:
            box.addItem(f"{model.name} ({model.summary})" if model.summary else model.name, str(model.folder))
        if not models:
            box.addItem(_("no model yet: train one"), "")
        box.setCurrentIndex(max(0, box.findText(chosen)))
        box.enabled = bool(models)

    def show_buttons(self) -> None:
        ready = bool(self._model()) and not self.running
        self.ui.predictButton.enabled = ready and self.browse.current is not None
        self.ui.predictAllButton.enabled = ready and self.browse.has_images
        self.ui.acceptButton.enabled = self.ui.rejectButton.enabled = self.browse.has_prediction

    def parameters_changed(self) -> None:
        parameters = self.panel.parameters
        if parameters is not None:
            self.viewer.set_overlays(parameters.overlaysVisible, parameters.overlayOpacity)

    def _model(self) -> str:
        box = self.ui.modelComboBox
        return str(box.itemData(box.currentIndex) or "")
