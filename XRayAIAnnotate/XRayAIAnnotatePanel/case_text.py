"""What the case bar says."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from slicer.i18n import tr as _

if TYPE_CHECKING:
    from XRayAILib.findings.schema import Label
    from XRayAILib.project.image import Image
    from XRayAILib.workflow.annotate import AnnotationSession

SAVED, UNSAVED, FAILED = "#2e7d32", "#ef6c00", "#c62828"


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
    source = header.spacing.source.value if header.spacing.known else _("unknown")
    spacing = _("spacing: {source}").format(source=source)
    words = (header.patient_id or _("no patient id"), header.study_date, header.modality, header.view, spacing)
    return "  ·  ".join(word for word in words if word)


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


def warning(message: str) -> str:
    """A message that must be seen."""
    return f'<span style="color:{FAILED}">{escape(message)}</span>' if message else ""


def tool(label: Label | None, drawing: bool) -> str:
    """What the next click does."""
    from XRayAILib.findings.schema import Tool

    if label is None or not drawing:
        return _("Click a label to draw it.")
    texts = {
        Tool.MASK: _("{label}: draw it; the tools are below."),
        Tool.POLYGON: _("{label}: click its corners; a double click ends it."),
        Tool.BOX: _("{label}: click two opposite corners."),
        Tool.LANDMARK: _("{label}: click its place."),
    }
    return texts.get(label.tool, "").format(label=label.title)
