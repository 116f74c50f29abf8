"""The window in which the labels, questions and rules of a project are edited."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_form import LabelForm
from XRayAIAnnotatePanel.label_table import set_up, swatch
from XRayAIAnnotatePanel.part import UI_FOLDER
from XRayAIAnnotatePanel.rule_form import RuleForm
from XRayAILib.findings.schema import SchemaError
from XRayAILib.workflow.schema_edit import SchemaEdit
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

FAILED = "#c62828"
MOST_PROBLEMS = 6
LABELS, RULES, TEXT = range(3)


class SchemaEditor:
    """Shows a :class:`SchemaEdit` as a table with a form, as rules, and as text.

    Parameters
    ----------
    change
        Called with a function that changes the project's schema; shows the new labels afterwards.
    """

    def __init__(self, edit: SchemaEdit, change: Callable[[Callable[[], object]], None]) -> None:
        from XRayAILib.findings.rule import CHECKS
        from XRayAILib.findings.template import template_names

        self.edit, self._change = edit, change
        self.dialog: Any = None
        self._text = ""
        widget = slicer.util.loadUI(str(UI_FOLDER / "SchemaEditor.ui"))
        self.widget, self.own = widget, slicer.util.childWidgetVariables(widget)
        own = self.own
        own.templateComboBox.addItems(template_names())
        own.checkComboBox.addItems(list(CHECKS))
        set_up(own.labelsTable, (_("Label"), _("Name"), _("Drawn as"), _("Key")), (120, 76, 40))
        set_up(own.rulesTable, (_("Rule"), _("If broken")), (76,))
        self.label_form = LabelForm(own, self.on_label)
        self.rule_form = RuleForm(own.ruleForm, self.on_rule)
        self._connect()
        self._show_all()

    def _connect(self) -> None:
        own = self.own
        buttons = {
            own.addTemplateButton: lambda: self._use_template(add=True),
            own.useTemplateButton: lambda: self._use_template(add=False),
            own.addLabelButton: self.on_add_label,
            own.removeLabelButton: self.on_remove_label,
            own.upButton: lambda: self._move(-1),
            own.downButton: lambda: self._move(1),
            own.addRuleButton: self.on_add_rule,
            own.removeRuleButton: self.on_remove_rule,
            own.takeTextButton: self.on_take_text,
            own.putBackButton: self.on_put_back,
            own.renameButton: self.on_rename,
            own.saveButton: self.on_save,
            own.cancelButton: self.on_cancel,
        }
        for button, call in buttons.items():
            button.clicked.connect(_without_argument(call))
        own.labelsTable.itemSelectionChanged.connect(self._show_label)
        own.rulesTable.itemSelectionChanged.connect(self._show_rule)
        own.tabWidget.currentChanged.connect(self.on_tab)

    def open(self, parent: Any) -> None:
        """Show it over a window, which waits for nothing."""
        self.dialog = qt.QDialog(parent)
        self.dialog.objectName = "schemaDialog"
        self.dialog.setWindowTitle(_("Labels of {project}").format(project=self.edit.project.name))
        layout = qt.QVBoxLayout(self.dialog)
        layout.addWidget(self.widget)
        self.dialog.resize(1100, 720)
        self.dialog.setModal(True)
        self.dialog.show()

    def close(self) -> None:
        """Take the window away; what was not saved is dropped."""
        if self.dialog is not None:
            self.dialog.hide()
            self.dialog.deleteLater()
            self.dialog = None

    # What a person does ---------------------------------------------------------------------------------------------

    def on_add_label(self) -> None:
        self._show_labels(self.edit.add_label(self._row(self.own.labelsTable) + 1))
        self.own.nameLineEdit.setFocus()
        self.own.nameLineEdit.selectAll()

    def on_remove_label(self) -> None:
        row = self._row(self.own.labelsTable)
        if row >= 0:
            self.edit.remove_label(row)
            self._show_labels(min(row, len(self.edit.labels) - 1))

    def on_label(self, values: dict[str, Any]) -> None:
        """Fields of the chosen label were changed."""
        row = self._row(self.own.labelsTable)
        if row >= 0:
            self.edit.change_label(row, values)
            self._show_labels(row)

    def on_add_rule(self) -> None:
        self._show_rules(self.edit.add_rule(self.own.checkComboBox.currentText))

    def on_remove_rule(self) -> None:
        row = self._row(self.own.rulesTable)
        if row >= 0:
            self.edit.remove_rule(row)
            self._show_rules(min(row, len(self.edit.rules) - 1))

    def on_rule(self, values: dict[str, Any]) -> None:
        """Fields of the chosen rule were changed."""
        row = self._row(self.own.rulesTable)
        if row >= 0:
            self.edit.change_rule(row, values)
            self._show_rules(row)

    def on_tab(self, tab: int) -> None:
        if tab == TEXT:
            self._show_text()
        elif self._is_text_changed:
            self.on_take_text()

    def on_take_text(self) -> None:
        """Read the text; where it cannot be understood, it is shown again with what is wrong."""
        try:
            self.edit.set_text(self.own.textEdit.toPlainText())
        except SchemaError as error:
            self.own.tabWidget.blockSignals(True)
            self.own.tabWidget.setCurrentIndex(TEXT)
            self.own.tabWidget.blockSignals(False)
            self._say([str(problem) for problem in error.problems] or [str(error)])
            return
        self._show_all()

    def on_put_back(self) -> None:
        name = self.own.vanishedComboBox.currentText
        self._at_once(lambda: self.edit.project.put_label_back(name))

    def on_rename(self) -> None:
        old, new = self.own.vanishedComboBox.currentText, self.own.newNameLineEdit.text.strip()
        self._at_once(lambda: self.edit.project.rename_label(old, new))

    def on_save(self) -> None:
        if self._is_text_changed:
            self.on_take_text()
            if self._is_text_changed:
                return
        if self.edit.problems():
            self._show_problems()
            return
        vanishing = self.edit.vanishing()
        if vanishing and not slicer.util.confirmOkCancelDisplay(_vanishing_text(vanishing)):
            return
        with telling(_("The labels are not saved.")):
            self._change(self.edit.save)
            self.close()

    def on_cancel(self) -> None:
        question = _("Drop the changes of the labels?")
        changed = self.edit.is_changed or self._is_text_changed
        if not changed or slicer.util.confirmOkCancelDisplay(question):
            self.close()

    # Showing --------------------------------------------------------------------------------------------------------

    def _show_all(self) -> None:
        self._show_vanished()
        self._show_labels(0)
        self._show_rules(0)
        self._show_text()

    def _show_text(self) -> None:
        self._text = self.edit.text()
        self.own.textEdit.setPlainText(self._text)

    @property
    def _is_text_changed(self) -> bool:
        """Whether somebody typed into the text since it was shown."""
        return self.own.textEdit.toPlainText() != self._text

    def _show_labels(self, chosen: int) -> None:
        table = self.own.labelsTable
        table.blockSignals(True)
        table.setRowCount(len(self.edit.labels))
        for row, entry in enumerate(self.edit.labels):
            words = [str(entry.get(field, "")) for field in ("title", "name", "tool", "hotkey")]
            for column, word in enumerate(words):
                item = qt.QTableWidgetItem(word)
                if column == 0:
                    item.setIcon(swatch(entry.get("color", "#808080")))
                table.setItem(row, column, item)
        table.setCurrentCell(chosen, 0)
        table.blockSignals(False)
        self._show_label()
        self._show_problems()

    def _show_label(self) -> None:
        row = self._row(self.own.labelsTable)
        names = [str(entry.get("name", "")) for entry in self.edit.labels]
        self.label_form.show(self.edit.labels[row] if row >= 0 else None, names)

    def _show_rules(self, chosen: int) -> None:
        table = self.own.rulesTable
        table.blockSignals(True)
        table.setRowCount(len(self.edit.rules))
        for row, (entry, words) in enumerate(zip(self.edit.rules, self.edit.rules_in_words(), strict=True)):
            item = qt.QTableWidgetItem(words)
            item.setToolTip(f"{words}\n{entry.get('reason', '')}")
            table.setItem(row, 0, item)
            table.setItem(row, 1, qt.QTableWidgetItem(str(entry.get("severity", "warn"))))
        table.setCurrentCell(chosen, 0)
        table.blockSignals(False)
        self._show_rule()
        self._show_problems()

    def _show_rule(self) -> None:
        row = self._row(self.own.rulesTable)
        self.rule_form.show(self.edit.rules[row] if row >= 0 else None)

    def _show_problems(self) -> None:
        self._say([str(problem) for problem in self.edit.problems()])

    def _show_vanished(self) -> None:
        uses = self.edit.project.vanished_labels()
        own = self.own
        own.vanishedComboBox.clear()
        own.vanishedComboBox.addItems([use.label for use in uses])
        own.vanishedLabel.text = _vanished_text(uses)
        own.vanishedFrame.visible = bool(uses)

    def _say(self, problems: list[str]) -> None:
        shown = [escape(problem, quote=False) for problem in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            shown.append(_("... and {count} more").format(count=len(problems) - MOST_PROBLEMS))
        self.own.problemsLabel.text = f'<span style="color:{ink(FAILED)}">{"<br>".join(shown)}</span>'
        self.own.problemsLabel.visible = bool(problems)
        self.own.saveButton.enabled = not problems

    # Within ---------------------------------------------------------------------------------------------------------

    def _row(self, table: Any) -> int:
        rows = table.selectionModel().selectedRows()
        return rows[0].row() if rows else -1

    def _move(self, by: int) -> None:
        row = self._row(self.own.labelsTable)
        if row >= 0:
            self._show_labels(self.edit.move_label(row, by))

    def _use_template(self, add: bool) -> None:
        with telling(_("The template cannot be used.")):
            self.edit.use_template(self.own.templateComboBox.currentText, add)
        self._show_all()

    def _at_once(self, change: Callable[[], object]) -> None:
        """Change the schema of the project now, without what is being edited here."""
        question = _("This is done at once, and the other changes in this window are dropped. Go on?")
        if self.edit.is_changed and not slicer.util.confirmOkCancelDisplay(question):
            return
        with telling(_("The labels are not changed.")):
            self._change(change)
            self.edit = SchemaEdit(self.edit.project)
        self._show_all()


def _vanished_text(uses: list[Any]) -> str:
    words = [
        _("{label} (objects: {objects}, images: {images})").format(
            label=use.label, objects=use.objects, images=len(use.images)
        )
        for use in uses
    ]
    text = _("These labels are not in the schema any more, and objects use them: {labels}. Nothing is lost.")
    return text.format(labels=", ".join(words))


def _vanishing_text(uses: list[Any]) -> str:
    words = [_("{label}, objects: {objects}").format(label=use.label, objects=use.objects) for use in uses]
    return _(
        "Objects use labels that you took out ({labels}). The objects stay in the project, but nobody can draw more of "
        "them, until the label is put back here. Save?"
    ).format(labels=", ".join(words))


def _without_argument(call: Callable[[], None]) -> Callable[..., None]:
    return lambda _checked=False: call()
