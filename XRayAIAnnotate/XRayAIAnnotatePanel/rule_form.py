"""One rule of a schema in a form that has the fields of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import qt
from slicer.i18n import tr as _


class RuleForm:
    """Shows an entry of a schema's rules, and tells what a person changes.

    Parameters
    ----------
    widget
        ``QWidget`` with a ``QFormLayout``.
    changed
        Called with the changed field; an empty value takes it away.
    """

    def __init__(self, widget: Any, changed: Callable[[dict[str, Any]], None]) -> None:
        self._widget, self._changed = widget, changed
        self._entry: dict[str, Any] = {}
        self._check = ""

    def show(self, entry: dict[str, Any] | None) -> None:
        """Show a rule, or nothing."""
        from XRayAILib.findings.rule import CHECKS

        self._entry = entry or {}
        check = str(self._entry.get("check", ""))
        if check != self._check:
            self._build(CHECKS.get(check))
            self._check = check
        for field, widget in self._widgets.items():
            text = _as_text(field, self._entry.get(field, ""))
            if hasattr(widget, "setCurrentIndex"):
                widget.setCurrentIndex(max(0, widget.findText(text)))
            elif widget.text != text:
                widget.text = text

    def _build(self, kind: type | None) -> None:
        layout = self._widget.layout()
        while layout.rowCount() > 0:
            layout.removeRow(0)
        self._widgets: dict[str, Any] = {}
        titles, tips, choices = _titles(), _tips(), _choices()
        first = ["labels"]
        names = [field.name for field in fields(kind)] if kind is not None else []
        last = ["when", "unless", "severity", "reason"]
        order = first + [name for name in names if name not in (*first, *last)]
        for field in [*order, *last] if names else []:
            if field in choices:
                widget = qt.QComboBox()
                widget.addItems(choices[field])
                widget.textActivated.connect(self._tells(field))
            else:
                widget = qt.QLineEdit()
                widget.editingFinished.connect(self._reads(field, widget))
            widget.objectName = f"rule_{field}"
            widget.toolTip = tips.get(field, "")
            layout.addRow(f"{titles[field]}:", widget)
            self._widgets[field] = widget

    def _tells(self, field: str) -> Callable[[str], None]:
        return lambda text: self._changed({field: text})

    def _reads(self, field: str, widget: Any) -> Callable[[], None]:
        def read() -> None:
            value = _from_text(field, widget.text.strip())
            if _as_text(field, value) != _as_text(field, self._entry.get(field, "")):
                self._changed({field: value})

        return read


def _titles() -> dict[str, str]:
    return {
        "labels": _("Labels"),
        "others": _("Other labels"),
        "attributes": _("Attributes"),
        "attribute": _("Attribute with the side"),
        "measure": _("Measure"),
        "minimum": _("At least"),
        "maximum": _("At most"),
        "unit": _("Unit"),
        "tolerance": _("Share allowed (0 to 1)"),
        "distance": _("Pixels that stay free"),
        "axis": _("Along"),
        "when": _("Only where"),
        "unless": _("Not where"),
        "severity": _("If broken"),
        "reason": _("Reason"),
    }


def _tips() -> dict[str, str]:
    return {
        "labels": _("Names of labels, with commas between them."),
        "others": _("Names of labels, with commas between them."),
        "attributes": _("Names of attributes, with commas between them."),
        "when": _("Questions with their answers, such as view: PA, AP; overall: abnormal. Empty: always."),
        "unless": _("Questions with the answers for which the rule does not hold, such as view: LL."),
        "severity": _("warn: it is told. refuse: findings cannot be submitted."),
        "reason": _("Why; the reader sees it with the message."),
        "axis": _("x: from left to right in the picture; y: from top to bottom."),
    }


def _choices() -> dict[str, list[str]]:
    from XRayAILib.findings.rule import Axis, Measure, Severity, Unit

    return {
        "measure": [measure.value for measure in Measure],
        "unit": [unit.value for unit in Unit],
        "axis": [axis.value for axis in Axis],
        "severity": [Severity.WARN.value, Severity.REFUSE.value],
    }


def _as_text(field: str, value: Any) -> str:
    if field in ("when", "unless") and value:
        return "; ".join(f"{question}: {', '.join(answers)}" for question, answers in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    defaults = {"measure": "length", "unit": "mm", "axis": "y", "severity": "warn"}
    return str(value) if value not in ("", None) else defaults.get(field, "")


def _from_text(field: str, text: str) -> Any:
    if field in ("labels", "others", "attributes"):
        return [part.strip() for part in text.split(",") if part.strip()]
    if field in ("when", "unless"):
        found = {}
        for part in text.split(";"):
            question, _colon, answers = part.partition(":")
            if question.strip():
                found[question.strip()] = [answer.strip() for answer in answers.split(",") if answer.strip()]
        return found
    return text
