"""The attributes of the objects chosen, as a form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.answers import OPEN, UNSAID
from XRayAIPanel.ink import ink

if TYPE_CHECKING:
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.findings.schema import Attribute, Label

Answers = tuple[tuple[str, str], ...]


class AttributesForm:
    """A row for each attribute of a label; a required one is marked until it is answered.

    Parameters
    ----------
    group
        ``QGroupBox`` with a ``QFormLayout``.
    answered
        Called with the name of an attribute and its answer as text, empty where it is taken back.
    refused
        Called with the reason where an answer is none: not a number, or beyond the limits.
    """

    def __init__(self, group: Any, answered: Callable[[str, str], None], refused: Callable[[str], None]) -> None:
        self._group, self._answered, self._refused = group, answered, refused
        self._label: Label | None = None
        self._fields: dict[str, _Field] = {}
        group.visible = False

    def show(self, label: Label | None, objects: Sequence[FindingObject], enabled: bool = True) -> None:
        """Show the answers of these objects of one label; where they differ, none is shown. ``None`` asks nothing."""
        asked = label is not None and bool(label.attributes) and bool(objects)
        if not asked:
            label = None
        if label != self._label:
            self._ask(label)
        if label is not None:
            count = f" ({len(objects)})" if len(objects) > 1 else ""
            self._group.title = _("Attributes of {label}").format(label=label.title) + count
            said = [dict(item.attributes) for item in objects]
            for name, field in self._fields.items():
                values = {answers.get(name, "") for answers in said}
                field.set(values.pop() if len(values) == 1 else "", complete=all(one.get(name) for one in said))
        if self._group.enabled != enabled:
            self._group.enabled = enabled
        self._group.visible = asked

    def _ask(self, label: Label | None) -> None:
        layout = self._group.layout()
        while layout.rowCount() > 0:
            layout.removeRow(0)
        self._label = label
        attributes = label.attributes if label is not None else ()
        self._fields = {attribute.name: _field(attribute, self._answer) for attribute in attributes}
        for field in self._fields.values():
            layout.addRow(field.title, field.widget)

    def _answer(self, attribute: Attribute, text: str) -> None:
        try:
            answer = checked(attribute, text)
        except ValueError as error:
            self._refused(str(error))
            return
        self._answered(attribute.name, answer)


def checked(attribute: Attribute, text: str) -> str:
    """An answer as it is kept: a number with a point, whichever sign a person writes. Empty takes an answer back.

    Raises
    ------
    ValueError
        It is no number, or lies beyond the limits of the attribute.
    """
    from XRayAILib.findings.answers import wrong_answer
    from XRayAILib.findings.schema import AttributeKind

    text = text.strip()
    if attribute.kind is AttributeKind.NUMBER:
        text = text.replace(",", ".")
    problem = wrong_answer(attribute, text) if text else ""
    if problem:
        raise ValueError(problem)
    return text


def limits(attribute: Attribute) -> str:
    """``0 to 10 mm``, as far as there are limits."""
    low, high = attribute.minimum, attribute.maximum
    if low is not None and high is not None:
        text = _("{low:g} to {high:g}").format(low=low, high=high)
    elif low is not None:
        text = _("at least {low:g}").format(low=low)
    elif high is not None:
        text = _("at most {high:g}").format(high=high)
    else:
        text = _("a number")
    return f"{text} {attribute.unit}".strip()


class _Field:
    """What all kinds of row have in common."""

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute
        self.title = qt.QLabel()
        self.widget: Any = None

    def set(self, text: str, complete: bool) -> None:
        self._write(text)
        title = self.attribute.title
        if self.attribute.required:
            title = f'{title} <span style="color:{"gray" if complete else ink(OPEN)}">*</span>'
            tip = _("Answered.") if complete else _("This must be answered.")
            self.title.setToolTip(tip)
        if self.title.text != f"{title}:":
            self.title.text = f"{title}:"

    def _write(self, text: str) -> None:
        raise NotImplementedError


class _Choice(_Field):
    def __init__(self, attribute: Attribute, answered: Callable[[Attribute, str], None]) -> None:
        super().__init__(attribute)
        self.widget = qt.QComboBox()
        self.widget.objectName = f"attribute_{attribute.name}"
        self.widget.addItems([UNSAID, *attribute.options])
        self.widget.textActivated.connect(lambda text: answered(attribute, "" if text == UNSAID else text))

    def _write(self, text: str) -> None:
        index = max(0, self.widget.findText(text or UNSAID))
        if self.widget.currentIndex != index:
            self.widget.setCurrentIndex(index)


class _Text(_Field):
    """A line of text or a number; taken when it is left or Enter is pressed."""

    def __init__(self, attribute: Attribute, answered: Callable[[Attribute, str], None]) -> None:
        from XRayAILib.findings.schema import AttributeKind

        super().__init__(attribute)
        self._given = ""
        self._answered = answered
        self.widget = qt.QLineEdit()
        self.widget.objectName = f"attribute_{attribute.name}"
        if attribute.kind is AttributeKind.NUMBER:
            self.widget.placeholderText = limits(attribute)
        self.widget.editingFinished.connect(self._on_finished)

    def _write(self, text: str) -> None:
        # Not while somebody writes in it.
        if text != self._given or not self.widget.hasFocus():
            self._given = text
            if self.widget.text != text:
                self.widget.text = text

    def _on_finished(self) -> None:
        if self.widget.text != self._given:
            self._answered(self.attribute, self.widget.text)


def _field(attribute: Attribute, answered: Callable[[Attribute, str], None]) -> _Field:
    from XRayAILib.findings.schema import AttributeKind

    return (_Choice if attribute.kind is AttributeKind.CHOICE else _Text)(attribute, answered)
