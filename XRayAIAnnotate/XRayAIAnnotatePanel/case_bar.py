"""The case bar: which image, whose, saved or not, from image to image, and the messages that must be seen."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAILib.project.image import Image
    from XRayAILib.workflow.annotate import AnnotationSession, Choice

SAVED, UNSAVED, FAILED, HINT = "#2e7d32", "#ef6c00", "#c62828", "#1976d2"


class CaseBar(Part):
    """Shows and drives a session in the widgets of ``caseFrame``."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        ui = self.ui
        self._mouse = None
        ui.previousButton.clicked.connect(self.on_previous)
        ui.nextButton.clicked.connect(self.on_next)
        ui.unlabelledButton.clicked.connect(self.on_unlabelled)
        ui.backButton.clicked.connect(self.on_back)
        ui.saveButton.clicked.connect(self.on_save)
        ui.saveNextButton.clicked.connect(self.on_save_next)
        ui.reloadButton.clicked.connect(self.on_reload)
        ui.lookButton.clicked.connect(self.on_look)
        ui.mineButton.clicked.connect(self.on_mine)
        ui.theirsButton.clicked.connect(self.on_theirs)
        ui.mergeButton.clicked.connect(self.on_merge)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_previous(self, _checked: bool = False) -> None:
        self.panel.step(lambda session: session.previous())

    def on_next(self, _checked: bool = False) -> None:
        self.panel.step(lambda session: session.next())

    def on_unlabelled(self, _checked: bool = False) -> None:
        self.panel.step(lambda session: session.next_unlabelled())

    def on_back(self, _checked: bool = False) -> None:
        self.panel.step(lambda session: session.back())

    def on_save_next(self, _checked: bool = False) -> None:
        self.panel.step(lambda session: session.save_and_next())

    def on_save(self, _checked: bool = False) -> None:
        if self.sitting is not None:
            with telling(_("Saving failed.")):
                self.sitting.session.save()
        self.panel.showState()

    def on_reload(self, _checked: bool = False) -> None:
        sitting = self.panel.sitting
        if sitting is None:
            return
        session = sitting.session
        if not session.is_open:
            self.panel.showImage(sitting.open_again)
            return
        question = _("Show the image again as it was last saved? What was drawn since is dropped.")
        if not session.is_unsaved or slicer.util.confirmOkCancelDisplay(question):
            self.panel.step(lambda session: session.reload())

    def on_look(self, _checked: bool = False) -> None:
        if self.sitting is not None:
            with telling(_("The view could not be reset.")):
                self.sitting.session.reset_look()

    def on_mine(self, _checked: bool = False) -> None:
        from XRayAILib.workflow.annotate import Choice

        self._resolve(Choice.MINE)

    def on_theirs(self, _checked: bool = False) -> None:
        from XRayAILib.workflow.annotate import Choice

        self._resolve(Choice.THEIRS)

    def on_merge(self, _checked: bool = False) -> None:
        from XRayAILib.workflow.annotate import Choice

        self._resolve(Choice.MERGE)

    def _resolve(self, choice: Choice) -> None:
        def resolve(session: AnnotationSession) -> None:
            session.resolve(choice)
            self.panel.sitting.drawn.changed()

        self.panel.step(resolve)

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        ui, project = self.ui, self.panel.desk.project
        session = self.panel.sitting.session if self.panel.sitting is not None else None
        if project is not None:
            ui.projectLabel.text = f"<b>{escape(project.name)}</b><br>{escape(str(project.folder))}"
        image = session.image if session is not None else None
        ui.caseLabel.text = title(session)
        ui.detailsLabel.text = details(image, self._case_name(image))
        ui.detailsLabel.visible = image is not None
        ui.stateLabel.text = state(session)
        ui.conflictFrame.visible = session is not None and session.conflict is not None
        message, color = "", FAILED
        if session is not None:
            message = session.problem or session.notice
            if not message and not session.is_open:
                message, color = _("No image is shown. Click Reload to go on; what was saved is safe."), HINT
            elif not message and session.locked:
                message, color = _("{reason} See Readers and review below.").format(reason=session.locked), HINT
        elif project is not None:
            message, color = _("The project has no images yet. Add a folder in X-Ray AI."), HINT
        ui.messageLabel.text = f'<span style="color:{ink(color)}">{escape(message)}</span>'
        ui.messageLabel.visible = bool(message)

    def _case_name(self, image: Image | None) -> str:
        from XRayAILib.workflow.blinding import case_name

        sitting = self.panel.sitting
        if sitting is None or image is None:
            return ""
        return case_name(sitting.session.project, sitting.session.reader, image.uid)

    def tick(self) -> None:
        ui, sitting = self.ui, self.sitting
        session = sitting.session if sitting is not None else None
        if session is not None:
            self._notice_reader(session)
        enabled = {
            ui.previousButton: session is not None and session.has_previous,
            ui.nextButton: session is not None and session.has_next,
            ui.unlabelledButton: session is not None,
            ui.backButton: session is not None and session.has_back,
            ui.saveButton: session is not None,
            ui.saveNextButton: session is not None,
            ui.reloadButton: self.panel.sitting is not None,
            ui.lookButton: session is not None,
        }
        for widget, wanted in enabled.items():
            if widget.enabled != wanted:
                widget.enabled = wanted

    def _notice_reader(self, session: AnnotationSession) -> None:
        """A mouse that moves while Slicer is in front is somebody at work."""
        position = qt.QCursor.pos()
        place = (position.x(), position.y())
        if place != self._mouse and slicer.util.mainWindow().isActiveWindow:
            session.sign(time.monotonic())
        self._mouse = place


def title(session: AnnotationSession | None) -> str:
    """Which image of how many."""
    if session is None or not session.is_open:
        return _("No image")
    if session.index is None:
        return _("Not among the {count} images of the list").format(count=session.count)
    return _("Image {n} of {count}").format(n=session.index + 1, count=session.count)


def details(image: Image | None, name: str) -> str:
    """Whose image it is; of one that is read blinded only ``name``, its number on the list of the round."""
    from XRayAILib.dicom.header import PICTURE

    if image is None:
        return ""
    header = image.header
    # A picture has no header: what tells it from others is its file.
    own = header.patient_id or (Path(header.path).name if header.modality == PICTURE else _("no patient id"))
    kind = _("picture") if header.modality == PICTURE else header.modality
    whose = (name,) if name else (own, header.study_date)
    words = (*whose, kind, header.view)
    source = header.spacing.source.value if header.spacing.known else _("unknown")
    return "  ·  ".join(word for word in words if word) + "\n" + _("Spacing: {source}").format(source=source)


def state(session: AnnotationSession | None) -> str:
    """Whether what is drawn is in the project."""
    from XRayAILib.workflow.annotate import SaveState

    if session is None or not session.is_open:
        return ""
    texts = {
        SaveState.SAVED: (SAVED, _("saved")),
        SaveState.UNSAVED: (UNSAVED, _("unsaved")),
        SaveState.FAILED: (FAILED, _("not saved")),
        SaveState.CONFLICT: (FAILED, _("two versions")),
    }
    color, text = texts[session.state]
    return f'<span style="color:{ink(color)}">\u25cf</span> {text}'
