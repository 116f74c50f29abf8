"""Canvas: where a radiograph is shown and drawn on. The panel and the browser fulfil it with the room ``scene``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.workflow.look import Look


class Canvas(Protocol):
    """What an annotation session asks of whatever shows its images."""

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        """Show these and nothing else of ours; what is drawn from now on belongs to ``findings.author``."""

    def drawn(self) -> Findings:
        """What is drawn now. Objects keep the ``id`` they were shown with, and new ones get one that stays."""

    def update(self, findings: Findings) -> None:
        """Make what is drawn over the same image these findings; the view and the look of the image stay."""

    def look(self) -> Look:
        """How the radiograph is looked at now: its window, and which part of it."""

    def set_look(self, look: Look) -> None:
        """Look at the radiograph in this way."""

    def show_over(self, findings: Findings, schema: LabelSchema, name: str) -> None:
        """Show findings over the radiograph, only to look at, in a layer of this name; its old content goes."""

    def clear_over(self, name: str) -> None:
        """Take such a layer away, if there is one."""
