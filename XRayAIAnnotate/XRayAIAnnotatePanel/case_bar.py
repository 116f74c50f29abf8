"""The case bar: which image, whose, saved or not, and the messages that must be seen."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.annotate import AnnotationSession

SAVED, UNSAVED, FAILED, HINT = "#2e7d32", "#ef6c00", "#c62828", "#1976d2"


class CaseBar:
    """Shows a session in projectLabel, caseLabel, detailsLabel, stateLabel and messageLabel of a ``.ui`` file."""

    def __init__(self, ui: Any) -> None:
        self._ui = ui

    def show(self, project: Project | None, session: AnnotationSession | None) -> None:
        ui = self._ui
        if project is not None:
            ui.projectLabel.text = f"<b>{escape(project.name)}</b><br>{escape(str(project.folder))}"
        image = session.image if session is not None else None
        ui.caseLabel.text = title(session)
        ui.detailsLabel.text = details(image)
        ui.detailsLabel.visible = image is not None
        ui.stateLabel.text = state(session)
        message, color = "", FAILED
        if session is not None:
            message = session.problem or session.notice
            if not message and session.index is None:
                message, color = _("No image is shown. Click Reload to go on; what was saved is safe."), HINT
        elif project is not None:
            message, color = _("The project has no images yet. Add a folder in X-Ray AI."), HINT
        ui.messageLabel.text = f'<span style="color:{color}">{escape(message)}</span>'
        ui.messageLabel.visible = bool(message)


def title(session: AnnotationSession | None) -> str:
    """Which image of how many."""
    if session is None or session.index is None:
        return _("No image")
    return _("Image {n} of {count}").format(n=session.index + 1, count=session.count)


def details(image: Image | None) -> str:
    """Whose image it is."""
    if image is None:
        return ""
    header = image.header
    words = (header.patient_id or _("no patient id"), header.study_date, header.modality, header.view)
    source = header.spacing.source.value if header.spacing.known else _("unknown")
    return "  ·  ".join(word for word in words if word) + "\n" + _("Spacing: {source}").format(source=source)


def state(session: AnnotationSession | None) -> str:
    """Whether what is drawn is in the project."""
    from XRayAILib.workflow.annotate import SaveState

    if session is None or session.index is None:
        return ""
    texts = {
        SaveState.SAVED: (SAVED, _("saved")),
        SaveState.UNSAVED: (UNSAVED, _("unsaved")),
        SaveState.FAILED: (FAILED, _("not saved")),
    }
    color, text = texts[session.state]
    return f'<span style="color:{color}">\u25cf</span> {text}'
