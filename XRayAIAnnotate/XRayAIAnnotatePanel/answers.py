"""What is said of the whole image: a question for each image label of the schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIPanel.ink import ink

if TYPE_CHECKING:
    from XRayAILib.findings.schema import Label, LabelSchema

UNSAID = "-"
COLUMNS, ROOM = 3, 45
"""Boxes beside each other, at most, and the letters that there is room for, each box counted as :data:`BOX` letters."""
BOX = 5
OPEN = "#c62828"
"""Colour of the mark of a required question that is not answered."""

Answered = Callable[[str, tuple[str, ...]], None]


def options_of(label: Label) -> tuple[str, ...]:
    """What can be said; a label without options is true or unsaid."""
    return label.options or ("yes",)


class Answers:
    """A row of a form for every question: a choice, or a box for each answer where several can be true.

    Parameters
    ----------
    widget
        ``QWidget`` with a ``QFormLayout``.
    answered
        Called with a label and its answers, none where they are taken back.
    """

    def __init__(self, widget: Any, answered: Answered) -> None:
        self._widget, self._answered = widget, answered
        self._questions: dict[str, _Question] = {}

    def show(self, schema: LabelSchema) -> None:
        """Ask the questions of a schema, in place of those before."""
        from XRayAILib.findings.schema import Tool

        layout = self._widget.layout()
        while layout.rowCount() > 0:
            layout.removeRow(0)
        kinds = {True: _SeveralAnswers, False: _OneAnswer}
        labels = schema.of(Tool.IMAGE)
        self._questions = {label.name: kinds[label.multiple](label, self._answered) for label in labels}
        for question in self._questions.values():
            layout.addRow(question.title, question.widget)
        self._widget.visible = bool(labels)

    def set(self, answers: Mapping[str, Sequence[str]]) -> None:
        """Show these answers, without telling anybody."""
        for name, question in self._questions.items():
            question.set(tuple(answers.get(name, ())))

    def ask(self, name: str) -> None:
        """Ask a question by keyboard: a menu of its answers where the mouse is, or turn over one that is yes or unsaid.

        A menu takes all keys while it is open, those of the labels too: 1 is its first answer.
        """
        question = self._questions.get(name)
        if question is None:
            return
        if len(question.options) == 1:
            question.toggle(question.options[0])
        else:
            question.pop_up()


class _Question:
    """What both kinds of question have in common."""

    def __init__(self, label: Label, answered: Answered) -> None:
        self.label, self.options = label, options_of(label)
        self.said: tuple[str, ...] = ()
        self._answered = answered
        self.title = qt.QLabel()
        self.title.objectName = f"question_{label.name}"
        if label.hotkey:
            self.title.setToolTip(_("Answer by keyboard: {key}").format(key=label.hotkey))
        self.widget: Any = None
        self._menu: Any = None

    def set(self, said: tuple[str, ...]) -> None:
        self.said = said
        text = f"{self.label.title}:"
        if self.label.required:
            color = ink(OPEN) if not said else "gray"
            text = f'{self.label.title} <span style="color:{color}">*</span>:'
        if self.title.text != text:
            self.title.text = text

    def toggle(self, option: str) -> None:
        """Say an answer, or take it back; where only one can be true it takes the place of the other."""
        raise NotImplementedError

    def pop_up(self) -> None:
        """A menu of the answers, to be closed by a digit, a click or Esc."""
        self._menu = qt.QMenu()
        self._menu.objectName = f"menu_{self.label.name}"
        title = self._menu.addAction(self.label.title)
        title.enabled = False
        for number, option in enumerate(self.options, 1):
            # "&1": the digit chooses it; an ampersand of the answer itself is doubled.
            text = option.replace("&", "&&")
            action = self._menu.addAction(f"&{number}  {text}" if number < 10 else text)
            action.checkable = True
            action.checked = option in self.said
            action.triggered.connect(self._toggler(option))
        self._menu.popup(qt.QCursor.pos())

    def _toggler(self, option: str) -> Callable[..., None]:
        return lambda _checked=False: self.toggle(option)

    def _say(self, said: tuple[str, ...]) -> None:
        self.set(said)
        self._answered(self.label.name, said)


class _OneAnswer(_Question):
    """A combo box."""

    def __init__(self, label: Label, answered: Answered) -> None:
        super().__init__(label, answered)
        self.widget = qt.QComboBox()
        self.widget.objectName = f"answer_{label.name}"
        self.widget.addItems([UNSAID, *self.options])
        self.widget.textActivated.connect(self._on_text)
        self.set(())

    def set(self, said: tuple[str, ...]) -> None:
        super().set(said)
        index = max(0, self.widget.findText(said[0] if said else UNSAID))
        if self.widget.currentIndex != index:
            self.widget.setCurrentIndex(index)

    def toggle(self, option: str) -> None:
        self._say(() if self.said == (option,) else (option,))

    def _on_text(self, text: str) -> None:
        self._say(() if text == UNSAID else (text,))


class _SeveralAnswers(_Question):
    """A box for each answer, as many beside each other as a narrow panel has room for."""

    def __init__(self, label: Label, answered: Answered) -> None:
        super().__init__(label, answered)
        self.widget = qt.QWidget()
        self.widget.objectName = f"answer_{label.name}"
        grid = qt.QGridLayout(self.widget)
        grid.setContentsMargins(0, 0, 0, 0)
        self._boxes: dict[str, Any] = {}
        columns = _columns(self.options)
        for place, option in enumerate(self.options):
            box = qt.QCheckBox(option)
            box.objectName = f"answer_{label.name}_{option}"
            box.clicked.connect(self._toggler(option))
            grid.addWidget(box, place // columns, place % columns)
            self._boxes[option] = box
        self.set(())

    def set(self, said: tuple[str, ...]) -> None:
        super().set(said)
        for option, box in self._boxes.items():
            if box.checked != (option in said):
                box.checked = option in said

    def toggle(self, option: str) -> None:
        left = tuple(value for value in self.said if value != option)
        self._say(left if option in self.said else (*self.said, option))


def _columns(options: Sequence[str]) -> int:
    """How many boxes stand beside each other."""

    def letters(columns: int) -> int:
        return sum(BOX + max(map(len, options[column::columns]), default=0) for column in range(columns))

    return next((columns for columns in range(COLUMNS, 1, -1) if letters(columns) <= ROOM), 1)
