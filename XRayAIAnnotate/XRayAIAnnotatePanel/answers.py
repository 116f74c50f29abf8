"""What is said of the whole image: a choice for each image label of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import qt

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema

UNSAID = "-"


class Answers:
    """A row of a form for every question.

    Parameters
    ----------
    widget
        ``QWidget`` with a ``QFormLayout``.
    answered
        Called with label and value when a person chooses; the value is empty where it is taken back.
    """

    def __init__(self, widget: Any, answered: Callable[[str, str], None]) -> None:
        self._widget, self._answered = widget, answered
        self._boxes: dict[str, Any] = {}

    def show(self, schema: LabelSchema) -> None:
        """Ask the questions of a schema, in place of those before."""
        from XRayAILib.findings.schema import Tool

        layout = self._widget.layout()
        while layout.rowCount() > 0:
            layout.removeRow(0)
        self._boxes = {}
        for label in schema.of(Tool.IMAGE):
            box = qt.QComboBox()
            box.objectName = f"answer_{label.name}"
            box.addItems([UNSAID, *(label.options or ("yes",))])
            box.textActivated.connect(self._call(label.name))
            layout.addRow(f"{label.title}:", box)
            self._boxes[label.name] = box
        self._widget.visible = bool(self._boxes)

    def set(self, answers: Mapping[str, str]) -> None:
        """Show these answers, without telling anybody."""
        for name, box in self._boxes.items():
            box.setCurrentIndex(max(0, box.findText(answers.get(name, ""))))

    def focus(self, name: str) -> None:
        """Let the keyboard answer this question."""
        if name in self._boxes:
            self._boxes[name].setFocus()

    def _call(self, name: str) -> Callable[[str], None]:
        return lambda text: self._answered(name, "" if text == UNSAID else text)
