"""The table of objects, their attributes, and undo and redo in the panel "X-Ray AI Annotate"."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotate_clicks import click_cell, click_label
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.findings.schema import Attribute, AttributeKind, Label, LabelSchema, Tool

pytest_plugins = ["annotate_desk"]

SIDE = Attribute("side", "Side", AttributeKind.CHOICE, ("left", "right"), required=True)
DEPTH = Attribute("depth", "Depth", AttributeKind.NUMBER, minimum=0.0, maximum=50.0, unit="mm")
NOTE = Attribute("note", "Note")


@pytest.fixture
def project_folder(project_folder):
    """The project with a schema that asks for attributes, and has a second label for boxes."""
    labels = [
        replace(label, attributes=(SIDE, DEPTH, NOTE)) if label.name == "nodule" else label for label in chest_schema()
    ]
    labels += [
        Label("mass", "Mass", Tool.BOX, "#aa00ff", hotkey="h", attributes=(SIDE,)),
        Label("devices", "Devices", Tool.IMAGE, "#b0bec5", options=("tube", "pacemaker", "wire"), multiple=True),
        Label("quality", "Quality", Tool.IMAGE, "#b0bec5", options=("good", "poor"), required=True),
    ]
    LabelSchema("chest", tuple(labels)).write(project_folder / "schema.yaml")
    return project_folder


@pytest.fixture
def drawn(panel, mouse):
    """Two nodules, a landmark and a mask."""
    for corners in (((20, 20), (60, 50)), ((90, 90), (130, 140))):
        click_label(panel, "Nodule")
        mouse.click(*corners)
        panel.onTick()
    click_label(panel, "Carina")
    mouse.click((112, 90))
    panel.onTick()
    click_label(panel, "Heart")
    paint(panel, 100, 140)
    panel.onTick()
    return panel


def paint(panel, first: int, last: int) -> None:
    """What a stroke of the Segment Editor does: other pixels in the segment chosen."""
    from XRayAILib.scene.segmentation import set_segment_array

    pixels = np.zeros(panel.sitting.session.findings.shape, bool)
    pixels[first:last, 90:150] = True
    nodes = panel.sitting.nodes
    set_segment_array(nodes.segmentation, nodes.volume, panel.ui.editor.currentSegmentID(), pixels)


def titles(panel) -> list[str]:
    table = panel.ui.objectsTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def choose(panel, *rows: int) -> None:
    """A click on each row, with Ctrl from the second on."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    table = panel.ui.objectsTable
    for n, row in enumerate(rows):
        held = Qt.KeyboardModifier.ControlModifier if n else Qt.KeyboardModifier.NoModifier
        place = table.visualItemRect(table.item(row, 0)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, held, place)


def undo(panel) -> None:
    panel.ui.undoButton.click()


def field(panel, kind, name: str):
    from PySide6 import QtWidgets

    return panel.ui.attributesGroupBox.findChild(getattr(QtWidgets, kind), f"attribute_{name}")


def choose_text(box, text: str) -> None:
    box.setCurrentIndex(box.findText(text))
    box.textActivated.emit(text)


def write(line, text: str) -> None:
    line.setText(text)
    line.editingFinished.emit()


def test_every_object_has_its_kind_and_its_size_in_honest_units(drawn):
    table = drawn.ui.objectsTable
    assert titles(drawn) == ["Heart", "Nodule", "Nodule", "Carina"]
    assert [table.item(row, 1).text() for row in range(4)] == ["mask", "box", "box", "landmark"]
    spacing = drawn.sitting.session.image.header.spacing
    (heart,) = drawn.sitting.drawn.findings.of(Mask)
    assert table.item(0, 2).text() == str(spacing.area(heart.area)).replace(f" ({spacing.source.value})", "")
    assert table.horizontalHeaderItem(2).text() == f"Size ({spacing.source.value})"
    assert str(spacing.area(heart.area)) in table.item(0, 0).toolTip() and table.item(3, 2).text() == ""


def test_what_is_drawn_is_chosen_and_what_is_taken_hold_of_in_the_view_too(drawn):
    from XRayAILib.scene.landmarks import placed_points

    assert [item.title for item in drawn.objects.chosen] == ["Heart"]
    first, second = drawn.sitting.nodes.shapes
    second.InvokeEvent(second.PointStartInteractionEvent)
    assert [item.id for item in drawn.objects.chosen] == [drawn.objects.objects[2].id]
    assert second.GetDisplayNode().GetLineThickness() > first.GetDisplayNode().GetLineThickness()
    points = drawn.sitting.nodes.landmarks
    (place,) = placed_points(points)
    points.SetAttribute(points.GetDisplayNode().GetMovingMarkupIndexAttributeName(), str(place))
    points.InvokeEvent(points.PointStartInteractionEvent)
    assert [item.title for item in drawn.objects.chosen] == ["Carina"]


def test_hiding_and_locking_change_nothing_of_the_findings(drawn):
    before = drawn.sitting.session.save()
    choose(drawn, 0, 1, 3)
    drawn.ui.hideButton.click()
    drawn.ui.lockButton.click()
    assert [item.visible for item in drawn.objects.objects] == [False, False, True, False]
    assert [item.locked for item in drawn.objects.objects] == [True, True, False, True]
    first, _second = drawn.sitting.nodes.shapes
    assert first.GetLocked() and not first.GetDisplayNode().GetVisibility()
    assert drawn.sitting.session.save() == before and not drawn.ui.deleteButton.enabled
    assert drawn.ui.hideButton.text == "Show" and drawn.ui.lockButton.text == "Unlock"
    drawn.ui.hideButton.click()
    drawn.ui.lockButton.click()
    assert all(item.visible and not item.locked for item in drawn.objects.objects)


def test_the_eye_and_the_lock_of_a_row_work_by_one_click(drawn):
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    table = drawn.ui.objectsTable
    for column in (3, 4):
        place = table.visualItemRect(table.item(1, column)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert (drawn.objects.objects[1].visible, drawn.objects.objects[1].locked) == (False, True)


def test_a_locked_mask_is_not_drawn_on(drawn):
    choose(drawn, 0)
    drawn.ui.lockButton.click()
    assert drawn.ui.editor.readOnly and "Heart is locked" in drawn.ui.objectMessageLabel.text
    drawn.ui.lockButton.click()
    assert not drawn.ui.editor.readOnly and drawn.ui.objectMessageLabel.isHidden()


def test_the_key_of_its_label_does_not_bring_a_locked_mask_a_tool(drawn):
    choose(drawn, 0)
    assert drawn.ui.editor.activeEffect().name == "Draw"
    drawn.ui.lockButton.click()
    assert drawn.ui.editor.activeEffect() is None
    drawn.onHotkey("heart")
    assert drawn.ui.editor.activeEffect() is None and drawn.ui.editor.readOnly
    drawn.ui.lockButton.click()
    drawn.onHotkey("heart")
    assert drawn.ui.editor.activeEffect().name == "Draw"


def test_locked_and_hidden_stay_so_through_an_undo(drawn):
    choose(drawn, 1)
    drawn.ui.hideButton.click()
    drawn.ui.lockButton.click()
    choose(drawn, 2)
    drawn.ui.deleteButton.click()
    undo(drawn)
    assert titles(drawn) == ["Heart", "Nodule", "Nodule", "Carina"]
    assert [item.visible for item in drawn.objects.objects] == [True, False, True, True]
    assert [item.locked for item in drawn.objects.objects] == [False, True, False, False]


def test_zooming_to_an_object_puts_it_into_the_middle(drawn, desktop_host):
    from XRayAILib.scene.volume import pixels_to_ras

    choose(drawn, 1)
    drawn.ui.zoomButton.click()
    node = desktop_host.slice_node
    matrix = node.GetXYToRAS()
    columns, rows, _ = node.GetDimensions()
    middle = matrix.MultiplyPoint((columns / 2, rows / 2, 0.0, 1.0))[:3]
    wanted = pixels_to_ras(drawn.desk.viewer.volume_node, np.array([[40.0, 35.0]]))[0]
    spacing = drawn.desk.viewer.volume_node.GetSpacing()[0]
    assert np.allclose(middle[:2], wanted[:2], atol=spacing) and node.GetFieldOfView()[0] < 224 * spacing / 2


def test_several_are_deleted_at_once_and_come_back_by_one_undo(drawn):
    before = drawn.sitting.session.drawn()
    choose(drawn, 0, 1, 3)
    drawn.ui.deleteButton.click()
    assert titles(drawn) == ["Nodule"]
    assert "3 objects" in drawn.ui.undoButton.toolTip
    undo(drawn)
    assert drawn.sitting.session.drawn() == before


def test_another_label_only_where_its_tool_fits(slicer_with_modules, drawn):
    choose(drawn, 1)
    drawn.ui.relabelButton.click()
    menu = drawn.objectsPart._menu
    assert [action.text for action in menu.actions()] == ["&1  Mass"]
    menu.actions()[0].trigger()
    menu.close()
    assert titles(drawn) == ["Heart", "Nodule", "Carina", "Mass"]
    (mass,) = drawn.sitting.session.save().of(Box, "mass")
    assert mass.id == drawn.objects.objects[3].id
    choose(drawn, 0, 1)
    assert not drawn.ui.relabelButton.enabled


def test_attributes_are_asked_kept_and_saved(slicer_with_modules, drawn):
    choose(drawn, 1)
    assert drawn.ui.attributesGroupBox.title == "Attributes of Nodule" and not drawn.ui.attributesGroupBox.isHidden()
    assert "Not answered: Side" in drawn.ui.objectsTable.item(1, 0).toolTip()
    choose_text(field(drawn, "QComboBox", "side"), "left")
    write(field(drawn, "QLineEdit", "depth"), "12,5")
    write(field(drawn, "QLineEdit", "note"), "near the hilum")
    first, second = drawn.sitting.session.save().of(Box)
    assert first.attributes == (("side", "left"), ("depth", "12.5"), ("note", "near the hilum"))
    assert second.attributes == () and "Not answered" not in drawn.ui.objectsTable.item(1, 0).toolTip()
    undo(drawn)
    assert drawn.sitting.session.save().of(Box)[0].attributes == (("side", "left"), ("depth", "12.5"))
    choose(drawn, 0)
    assert drawn.ui.attributesGroupBox.isHidden()


def test_a_number_beyond_its_limits_is_refused_with_the_reason(drawn):
    choose(drawn, 1)
    write(field(drawn, "QLineEdit", "depth"), "70")
    assert "at most 50 mm" in drawn.ui.objectMessageLabel.text and not drawn.ui.objectMessageLabel.isHidden()
    write(field(drawn, "QLineEdit", "depth"), "deep")
    assert "no number" in drawn.ui.objectMessageLabel.text
    assert drawn.sitting.session.save().of(Box)[0].attributes == ()


def test_several_objects_of_a_label_are_answered_together(drawn):
    choose(drawn, 1, 2)
    assert drawn.ui.attributesGroupBox.title == "Attributes of Nodule (2)"
    choose_text(field(drawn, "QComboBox", "side"), "right")
    assert {item.attributes for item in drawn.sitting.session.save().of(Box)} == {(("side", "right"),)}


def test_the_next_object_gets_the_same_answers_where_that_is_wanted(drawn, mouse):
    choose(drawn, 1)
    drawn.ui.sameAnswersCheckBox.checked = True
    choose_text(field(drawn, "QComboBox", "side"), "left")
    click_label(drawn, "Nodule")
    mouse.click((150, 150), (180, 190))
    drawn.onTick()
    assert [item.attributes for item in drawn.sitting.session.save().of(Box)][-1] == (("side", "left"),)
    undo(drawn)
    assert len(drawn.sitting.session.save().of(Box)) == 2


def test_undo_and_redo_go_over_all_tools(drawn, mouse):
    everything = drawn.sitting.session.drawn()
    steps = []
    while drawn.ui.undoButton.enabled:
        steps.append(titles(drawn))
        undo(drawn)
    assert titles(drawn) == [] and steps == [
        ["Heart", "Nodule", "Nodule", "Carina"],
        ["Nodule", "Nodule", "Carina"],
        ["Nodule", "Nodule"],
        ["Nodule"],
    ]
    while drawn.ui.redoButton.enabled:
        drawn.ui.redoButton.click()
    assert drawn.sitting.session.drawn() == everything
    undo(drawn)
    click_label(drawn, "Carina")
    assert not drawn.sitting.session.drawn().of(Mask) and drawn.sitting.session.drawn().of(Landmark)


def test_undo_of_a_stroke_brings_its_pixels_back_and_the_tool_stays(drawn):
    (before,) = drawn.sitting.session.drawn().of(Mask)
    paint(drawn, 20, 60)
    drawn.onTick()
    undo(drawn)
    assert drawn.sitting.session.drawn().of(Mask) == [before] and drawn.ui.editor.activeEffect().name == "Draw"
    undo(drawn)
    assert drawn.sitting.session.drawn().of(Mask) == []
    # There is a segment to draw on again, though the one before is gone.
    paint(drawn, 10, 12)
    assert [mask.label for mask in drawn.sitting.session.drawn().of(Mask)] == ["heart"]


def test_while_an_outline_is_drawn_undo_takes_back_its_last_corner(panel, mouse):
    click_label(panel, "Opacity")
    mouse.click((50, 50), (120, 50), (10, 10))
    undo_keys(panel)
    mouse.click((120, 130))
    mouse.double_click(50, 130)
    panel.onTick()
    (outline,) = panel.sitting.session.drawn().objects
    assert np.allclose(outline.points, [(50, 50), (120, 50), (120, 130), (50, 130)], atol=0.5)


def test_a_box_with_one_corner_is_begun_anew(panel, mouse):
    click_label(panel, "Nodule")
    mouse.click((20, 20))
    undo_keys(panel)
    mouse.click((60, 40), (100, 80))
    panel.onTick()
    (box,) = panel.sitting.session.drawn().of(Box)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((60, 40, 100, 80), abs=0.5)


def test_what_was_submitted_is_looked_at_only(drawn, monkeypatch):
    before = drawn.sitting.session.save()
    monkeypatch.setattr(drawn.sitting.session, "locked", "This reading was submitted.")
    choose(drawn, 1)
    drawn.onTick()
    buttons = (drawn.ui.deleteButton, drawn.ui.relabelButton, drawn.ui.undoButton)
    assert not any(button.enabled for button in buttons) and drawn.ui.zoomButton.enabled
    undo_keys(drawn)
    assert drawn.sitting.session.drawn() == before


def undo_keys(panel) -> None:
    next(part for part in panel.parts if "Ctrl+Z" in part.keys()).on_undo()  # noqa: SIM118  these are keys to press


def test_an_undone_drawing_is_saved_as_such(slicer_with_modules, drawn):
    uid, project = drawn.sitting.session.image.uid, drawn.sitting.session.project
    drawn.sitting.session.save()
    undo(drawn)
    drawn.ui.nextButton.click()
    assert not project.findings(uid, "person:anna").of(Mask)
    assert titles(drawn) == [] and not drawn.ui.undoButton.enabled


def test_answers_of_the_image_are_undone_too(panel):
    from PySide6 import QtWidgets

    boxes = panel.ui.answersWidget.findChildren(QtWidgets.QCheckBox)
    assert [box.text for box in boxes] == ["tube", "pacemaker", "wire"]
    boxes[0].click()
    boxes[2].click()
    panel.onTick()
    assert panel.sitting.session.answers("devices") == ("tube", "wire")
    undo(panel)
    assert panel.sitting.session.drawn().of(ImageLabel) == [] and not boxes[0].checked


def test_a_question_that_must_be_answered_is_marked_until_it_is(panel):
    from PySide6 import QtWidgets

    title = panel.ui.answersWidget.findChild(QtWidgets.QLabel, "question_quality")
    assert "#c62828" in title.text
    choose_text(panel.ui.answersWidget.findChild(QtWidgets.QComboBox, "answer_quality"), "good")
    panel.onTick()
    assert "#c62828" not in title.text and "*" in title.text


def test_offending_objects_are_marked_with_the_reason(drawn):
    table, first = drawn.ui.objectsTable, drawn.objects.objects[0].id
    drawn.objects.mark({first: "Heart: larger than 20 cm."})
    assert "larger than 20 cm" in table.item(0, 0).toolTip() and not table.item(0, 1).icon().isNull()
    drawn.objects.mark({})
    assert "larger" not in table.item(0, 0).toolTip() and table.item(0, 1).icon().isNull()


def test_keys_in_the_table_leave_those_of_labels_alone(slicer_with_modules, drawn):
    import qt

    keys = {s.key.toString(): s for s in drawn.ui.objectsTable.findChildren(qt.QShortcut)}
    # "h" draws a mass in this schema, wherever the keyboard is.
    assert not keys["H"].enabled and keys["L"].enabled
    choose(drawn, 1)
    keys["L"].activated.emit()
    assert drawn.objects.objects[1].locked
    drawn.objectsPart.keys()["Ctrl+Down"]()
    keys["Del"].activated.emit()
    assert titles(drawn) == ["Heart", "Nodule", "Carina"] and drawn.objects.objects[1].locked


def test_clicks_outside_every_row_choose_nothing(drawn):
    click_cell(drawn.ui.objectsTable, 0)
    drawn.ui.objectsTable.clearSelection()
    assert not drawn.objects.chosen and not drawn.ui.deleteButton.enabled
