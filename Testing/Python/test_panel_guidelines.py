"""Guideline messages while somebody draws, and the editor of the labels, in the annotation panel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from annotate_clicks import ANNA, ANNOTATE, click_label, errors
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.findings.schema import LabelSchema

pytest_plugins = ["annotate_desk"]


def part(panel: Any, name: str) -> Any:
    return next(part for part in panel.parts if type(part).__name__ == name)


def messages(panel: Any) -> list[str]:
    shown = part(panel, "GuidelinesPart").own.messagesList
    return [shown.item(row).text() for row in range(shown.count)]


def draw_box(panel: Any, mouse: Any, *corners: tuple[float, float]) -> None:
    click_label(panel, "Nodule")
    mouse.click(*corners)
    panel.onTick()


def type_into(line_edit: Any, text: str) -> None:
    line_edit.text = text
    line_edit.editingFinished.emit()


@pytest.fixture
def editor(panel):
    panel.ui.schemaButton.click()
    return part(panel, "SchemaPart")._editor


def titles(panel: Any) -> list[str]:
    table = panel.ui.labelsTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def test_a_message_comes_when_something_is_drawn_and_goes_when_it_is_undone(panel, mouse):
    panel.onTick()
    assert messages(panel) == []
    draw_box(panel, mouse, (20, 40), (200, 200))
    (message,) = messages(panel)
    assert message.startswith("Nodule: ") and message.endswith("Above 30 mm it is called a mass.")
    label = part(panel, "GuidelinesPart").own.guidelinesLabel
    assert "1 to be looked at" in label.text and not label.isHidden()
    panel.ui.undoButton.click()
    panel.onTick()
    assert messages(panel) == [] and label.isHidden()


def test_the_offending_object_is_marked_and_a_click_on_the_message_chooses_it(panel, mouse):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    draw_box(panel, mouse, (20, 40), (200, 200))
    click_label(panel, "Carina")
    mouse.click((112, 90))
    panel.onTick()
    assert [item.title for item in panel.objects.chosen] == ["Carina"]
    nodule = next(row for row, item in enumerate(panel.objects.objects) if item.title == "Nodule")
    assert "it is called a mass" in panel.ui.objectsTable.item(nodule, 0).toolTip()
    shown = part(panel, "GuidelinesPart").own.messagesList
    place = shown.visualItemRect(shown.item(0)).center()
    before = panel.desk.viewer.host.slice_node.GetFieldOfView()[0]
    QTest.mouseClick(shown.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert [item.title for item in panel.objects.chosen] == ["Nodule"]
    assert panel.desk.viewer.host.slice_node.GetFieldOfView()[0] != before


def test_findings_that_are_the_same_are_not_checked_again(panel, mouse, monkeypatch):
    from XRayAILib.findings.guidelines import Checker

    checks: list[Findings] = []
    once = Checker.check
    monkeypatch.setattr(Checker, "check", lambda self, *given: checks.append(given[0]) or once(self, *given))
    draw_box(panel, mouse, (20, 40), (200, 200))
    for _ in range(8):
        panel.onTick()  # the drawing comes to rest, and is saved
    number = len(checks)
    assert number >= 1
    for _ in range(20):
        panel.onTick()
    assert len(checks) == number


def test_a_schema_that_cannot_be_used_is_told_when_the_panel_opens(slicer_with_modules, project_folder):
    import qt

    from XRayAIPanel.last_project import LAST_PROJECT

    path = project_folder / "schema.yaml"
    path.write_text(path.read_text("utf-8").replace("tool: box", "tool: bx"), "utf-8")
    qt.QSettings().setValue(LAST_PROJECT, str(project_folder))
    panel = slicer_with_modules.open_module(ANNOTATE)
    assert "label 'nodule', field 'tool': 'bx' is none of mask, polygon, box" in panel.ui.projectLabel.text
    assert not panel.ui.schemaButton.enabled and panel.ui.caseLabel.text == "No image"
    # Mended by hand, it opens.
    path.write_text(path.read_text("utf-8").replace("tool: bx", "tool: box"), "utf-8")
    slicer_with_modules.answer(path=project_folder)
    panel.ui.openProjectButton.click()
    assert "Nodule" in titles(panel) and panel.ui.schemaButton.enabled


def test_a_new_label_is_there_at_once_with_its_key_and_its_rule(panel, editor, mouse):
    own = editor.own
    own.labelsTable.setCurrentCell(5, 0)
    own.addLabelButton.click()
    type_into(own.nameLineEdit, "spot")
    type_into(own.titleLineEdit, "Spot")
    own.toolComboBox.setCurrentIndex(own.toolComboBox.findText("box"))
    own.toolComboBox.textActivated.emit("box")
    type_into(own.hotkeyLineEdit, "6")
    assert "'6' is the key of 'nodule' already" in own.problemsLabel.text and not own.saveButton.enabled
    type_into(own.hotkeyLineEdit, "S")
    own.addAttributeButton.click()
    own.tabWidget.setCurrentIndex(1)
    own.checkComboBox.setCurrentIndex(own.checkComboBox.findText("count"))
    own.addRuleButton.click()
    fields = editor.rule_form._widgets
    type_into(fields["labels"], "spot")
    type_into(fields["maximum"], "0")
    type_into(fields["reason"], "There are none here.")
    assert own.problemsLabel.isHidden()
    own.saveButton.click()
    assert titles(panel)[5:7] == ["Nodule", "Spot"]
    schema = panel.desk.project.schema
    assert schema["spot"].attributes[0].options == ("yes", "no") and schema["spot"].hotkey == "S"
    assert LabelSchema.read(panel.desk.project.folder / "schema.yaml") == schema
    click_label(panel, "Spot")
    mouse.click((20, 40), (60, 60))
    panel.onTick()
    assert messages(panel) == ["Spot: 1 there, none wanted. There are none here."]


def test_a_label_that_is_renamed_in_the_editor_takes_its_objects_along(panel, mouse):
    draw_box(panel, mouse, (20, 40), (60, 60))
    panel.ui.schemaButton.click()
    editor = part(panel, "SchemaPart")._editor
    editor.own.labelsTable.setCurrentCell(5, 0)
    type_into(editor.own.nameLineEdit, "lesion")
    editor.own.saveButton.click()
    uid = panel.sitting.session.image.uid
    assert [box.label for box in panel.desk.project.findings(uid, ANNA.key).of(Box)] == ["lesion"]
    assert [item.label for item in panel.objects.objects] == ["lesion"]


def test_a_label_in_use_is_not_taken_out_unasked_and_can_be_put_back(slicer_with_modules, panel, mouse):
    desktop = slicer_with_modules
    draw_box(panel, mouse, (20, 40), (60, 60))
    panel.ui.saveButton.click()
    panel.ui.schemaButton.click()
    editor = part(panel, "SchemaPart")._editor
    editor.own.tabWidget.setCurrentIndex(1)
    editor.own.rulesTable.setCurrentCell(4, 0)
    editor.own.removeRuleButton.click()
    editor.own.labelsTable.setCurrentCell(5, 0)
    editor.own.removeLabelButton.click()
    desktop.answer(yes=False)
    editor.own.saveButton.click()
    assert "nodule, objects: 1" in desktop.messages[-1].text and "nodule" in panel.desk.project.schema
    desktop.answer(yes=True)
    editor.own.saveButton.click()
    assert "Nodule" not in titles(panel)
    assert "No longer in the schema, and still used: nodule (1 object of 1 image)" in (
        part(panel, "GuidelinesPart").own.guidelinesLabel.text
    )
    # The object is still on the image, and the label comes back from the editor.
    assert [item.label for item in panel.objects.objects] == ["nodule"]
    panel.ui.schemaButton.click()
    editor = part(panel, "SchemaPart")._editor
    assert not editor.own.vanishedFrame.isHidden() and editor.own.vanishedComboBox.currentText == "nodule"
    editor.own.putBackButton.click()
    assert "Nodule" in titles(panel) and editor.own.vanishedFrame.isHidden()
    assert [item.label for item in panel.objects.objects] == ["nodule"] and errors(desktop) == []


def test_the_text_of_the_schema_is_the_same_thing_and_slips_are_told_with_their_line(panel, editor):
    own = editor.own
    own.tabWidget.setCurrentIndex(2)
    own.textEdit.setPlainText(own.textEdit.toPlainText().replace("color: '#ef5350'", "colour: '#ef5350'"))
    own.tabWidget.setCurrentIndex(0)
    assert own.tabWidget.currentIndex == 2  # the text stays until it can be understood
    assert "label 'heart', field 'colour'" in own.problemsLabel.text and "line " in own.problemsLabel.text
    own.textEdit.setPlainText(own.textEdit.toPlainText().replace("colour: '#ef5350'", "color: '#00ff00'"))
    own.takeTextButton.click()
    own.saveButton.click()
    assert panel.desk.project.schema["heart"].color == "#00ff00"


def test_a_template_is_added_to_the_labels_that_are_there(panel, editor):
    own = editor.own
    own.templateComboBox.setCurrentIndex(own.templateComboBox.findText("cephalometry"))
    own.addTemplateButton.click()
    assert own.problemsLabel.isHidden()
    own.saveButton.click()
    schema = panel.desk.project.schema
    assert "heart" in schema and "sella" in schema and schema.skeletons
    assert schema["sella"].hotkey == "" and schema["articulare"].hotkey == "A"  # 1 to 7 were taken


def test_another_program_that_changes_the_schema_meanwhile_is_not_overwritten(slicer_with_modules, panel, editor):
    project = panel.desk.project
    fresh = tuple(replace(label, title="Cor") if label.name == "heart" else label for label in project.schema)
    replace(project.schema, labels=fresh).write(project.folder / "schema.yaml")
    type_into(editor.own.titleLineEdit, "Lung on the right")
    editor.own.saveButton.click()
    assert "changed by another program" in errors(slicer_with_modules)[0]
    assert LabelSchema.read(project.folder / "schema.yaml")["heart"].title == "Cor"
    slicer_with_modules.answer(yes=True)
    editor.own.cancelButton.click()
    assert editor.dialog is None
