"""The panel "X-Ray AI Annotate", driven by clicks in the panel and in the image."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from annotate_clicks import ANNA, ANNOTATE, XRAYAI, click_cell, click_label, errors
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.project.project import Project
from XRayAILib.workflow.autosave import LONGEST

pytest_plugins = ["annotate_desk"]


def saved(panel, uid: str = "") -> Findings | None:
    return panel.sitting.session.project.findings(uid or panel.sitting.session.image.uid, ANNA.key)


def noise(panel) -> np.ndarray:
    """A mask of the size of the image shown that needs some room in the project."""
    return np.random.default_rng(0).random(panel.sitting.session.findings.shape) > 0.5


def paint(panel, pixels: np.ndarray) -> None:
    """What a stroke of the Segment Editor does: the pixels of the chosen segment."""
    from XRayAILib.scene.segmentation import set_segment_array

    nodes = panel.sitting.nodes
    set_segment_array(nodes.segmentation, nodes.volume, panel.ui.editor.currentSegmentID(), pixels)


@contextmanager
def full_disk(panel):
    """The database may not grow: SQLite says then what it says on a full disk."""

    def limit(pages: int) -> None:
        raw = panel.sitting.session.project._database.engine.raw_connection()
        raw.execute(f"PRAGMA max_page_count = {pages}")
        raw.close()

    limit(1)
    yield
    limit(1073741823)


def test_it_opens_on_the_last_project_with_its_labels(slicer_with_modules, panel):
    ui = panel.ui
    assert "project" in ui.projectLabel.text and ui.caseLabel.text == "Image 1 of 3"
    titles = [ui.labelsTable.item(row, 0).text() for row in range(ui.labelsTable.rowCount)]
    schema = panel.sitting.session.project.schema
    assert titles == [label.title for label in schema if label.tool.value != "image"]
    assert [ui.labelsTable.item(row, 1).text() for row in (0, 4, 5, 6)] == ["mask", "polygon", "box", "landmark"]
    assert ui.nextButton.enabled and not ui.previousButton.enabled and not ui.deleteButton.enabled
    assert ui.editorCollapsibleButton.collapsed and not slicer_with_modules.messages


def test_without_a_project_it_says_so_and_opens_one(slicer_with_modules, project_folder):
    desktop = slicer_with_modules
    panel = desktop.open_module(ANNOTATE)
    assert "No project is open" in panel.ui.projectLabel.text and panel.ui.caseLabel.text == "No image"
    assert not panel.ui.saveButton.enabled and not panel.ui.labelsTable.enabled
    desktop.answer(path=project_folder.parent)
    panel.ui.openProjectButton.click()
    assert "it has no project.toml" in errors(desktop)[0]
    desktop.answer(path=project_folder)
    panel.ui.openProjectButton.click()
    assert panel.ui.caseLabel.text == "Image 1 of 3"


@pytest.mark.parametrize("module", [XRAYAI, ANNOTATE])
def test_slicer_makes_the_panels_without_a_main_window(slicer_with_modules, monkeypatch, module):
    """As the tests do that Slicer brings for every module."""
    import slicer

    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None)
    assert slicer_with_modules.open_module(module).ui.projectLabel.text and not errors(slicer_with_modules)


def test_an_empty_project_says_what_to_do(slicer_with_modules, tmp_path):
    Project.create(tmp_path / "empty").close()
    panel = slicer_with_modules.open_module(ANNOTATE)
    slicer_with_modules.answer(path=tmp_path / "empty")
    panel.ui.openProjectButton.click()
    assert "Add a folder" in panel.ui.messageLabel.text and not panel.ui.messageLabel.isHidden()
    assert not panel.ui.saveButton.enabled and errors(slicer_with_modules) == []


def test_it_goes_on_with_the_image_that_is_looked_at_in_x_ray_ai(slicer_with_modules, panel, desktop_host):
    from XRayAILib.scene import layers

    _first, second, third = (image.uid for image in panel.sitting.session.project.images())
    panel.parent.exit()
    panel.desk.browse.select(second)
    panel.parent.enter()
    assert panel.ui.caseLabel.text == "Image 2 of 3"
    click_label(panel, "Heart")
    paint(panel, noise(panel))
    # Somebody else turns to another image: what is drawn is saved first, and is no longer drawn on.
    panel.desk.browse.select(third)
    assert panel.desk.project.findings(second, ANNA.key).of(Mask, "heart")
    assert "Annotation" not in [nodes.name for nodes in layers.layers(desktop_host)]
    panel.showState()
    assert not panel.ui.saveButton.enabled


def test_a_box_by_two_clicks(panel, mouse):
    click_label(panel, "Nodule")
    assert "two opposite corners" in panel.ui.toolLabel.text
    mouse.click((60, 40))
    mouse.move(90, 60)
    assert panel.sitting.session.save().of(Box) == []
    mouse.click((100, 80))
    (box,) = panel.sitting.session.save().of(Box, "nodule")
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((60, 40, 100, 80), abs=0.5)
    assert box.author == ANNA and box.score is None
    (node,) = panel.sitting.nodes.shapes
    assert node.GetSize()[2] == pytest.approx(0.01)
    assert panel.ui.stateLabel.text.endswith("saved") and saved(panel).of(Box) == [box]


def test_a_polygon_has_straight_edges_and_ends_by_a_double_click(panel, mouse):
    click_label(panel, "Opacity")
    mouse.click((50, 50), (120, 50))
    mouse.double_click(120, 130)
    (outline,) = panel.sitting.session.save().of(Polygon, "opacity")
    assert np.allclose(outline.points, [(50, 50), (120, 50), (120, 130)], atol=0.5)
    (node,) = panel.sitting.nodes.shapes
    assert node.GetCurveType() == node.GetCurveTypeFromString("linear")
    panel.onTick()
    assert not panel.ui.stopButton.enabled and panel.ui.objectsTable.item(0, 1).text() == "polygon"


def test_a_polygon_that_was_begun_and_left_leaves_nothing(panel, mouse):
    click_label(panel, "Opacity")
    mouse.click((50, 50), (120, 50))
    panel.ui.stopButton.click()
    assert panel.sitting.nodes.shapes == ()
    mouse.click((70, 70))
    assert panel.sitting.session.save().objects == ()


def test_landmarks_each_by_one_click_and_never_twice(panel, mouse):
    click_label(panel, "Carina")
    mouse.click((112, 90))
    click_label(panel, "Apex of left lung")
    mouse.click((150, 30))
    click_label(panel, "Carina")
    mouse.click((10, 10))
    marks = {mark.label: (mark.x, mark.y) for mark in panel.sitting.session.save().of(Landmark)}
    assert set(marks) == {"carina", "left_apex"}
    assert marks["carina"] == pytest.approx((112, 90), abs=0.5)
    assert [panel.ui.objectsTable.item(row, 1).text() for row in range(2)] == ["landmark", "landmark"]


def test_choosing_a_tool_is_no_drawing_yet(slicer_with_modules, panel):
    click_label(panel, "Nodule")
    slicer_with_modules.process_events(until=lambda: panel.sitting.tools.is_drawing)
    panel.onTick()
    assert not panel.sitting.session.is_unsaved


def test_a_landmark_that_is_there_is_said_to_be_placed(panel, mouse):
    click_label(panel, "Carina")
    assert "click its place" in panel.ui.toolLabel.text
    mouse.click((110, 90))
    click_label(panel, "Carina")
    assert panel.ui.toolLabel.text.startswith("Carina is placed")


def test_a_mask_label_opens_the_editor_on_its_segment(panel):
    ui = panel.ui
    click_label(panel, "Heart")
    assert not ui.editorCollapsibleButton.collapsed
    assert ui.editor.activeEffect().name == "Draw" and ui.editor.mrmlSegmentEditorNode().GetOverwriteMode() == 2
    pixels = np.zeros(panel.sitting.session.findings.shape, bool)
    pixels[100:140, 90:150] = True
    paint(panel, pixels)
    ui.editor.setActiveEffectByName("Paint")
    click_label(panel, "Left lung")
    assert ui.editor.activeEffect().name == "Paint"
    paint(panel, pixels)
    click_label(panel, "Heart")
    ui.anotherButton.click()
    paint(panel, ~pixels)
    masks = panel.sitting.session.save().of(Mask)
    assert [mask.label for mask in masks] == ["heart", "left_lung", "heart"]
    assert all(
        np.array_equal(mask.array(), wanted) for mask, wanted in zip(masks, (pixels, pixels, ~pixels), strict=True)
    )
    click_label(panel, "Nodule")
    assert ui.editorCollapsibleButton.collapsed and ui.editor.activeEffect() is None


def test_what_is_drawn_is_saved_by_itself(slicer_with_modules, panel, mouse, monkeypatch):
    click_label(panel, "Carina")
    mouse.click((112, 90))
    assert panel.ui.stateLabel.text.endswith("unsaved") and saved(panel) is None
    slicer_with_modules.process_events(until=lambda: saved(panel) is not None, timeout=LONGEST + 3)
    assert saved(panel).of(Landmark, "carina") and panel.ui.stateLabel.text.endswith("saved")


def test_next_saves_first_and_previous_brings_it_back(panel, mouse):
    first = panel.sitting.session.image.uid
    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    panel.ui.nextButton.click()
    assert panel.ui.caseLabel.text == "Image 2 of 3" and panel.ui.objectsTable.rowCount == 0
    assert len(saved(panel, first)) == 1 and saved(panel) is None
    assert panel.sitting.nodes.volume.GetAttribute("XRayAI.uid") == panel.sitting.session.image.uid
    assert panel.ui.editor.segmentationNode() is panel.sitting.nodes.segmentation
    panel.ui.previousButton.click()
    assert panel.ui.objectsTable.item(0, 0).text() == "Nodule" and panel.ui.caseLabel.text == "Image 1 of 3"


def test_undo_never_reaches_into_the_last_image(panel):
    click_label(panel, "Heart")
    panel.ui.editor.saveStateForUndo()
    paint(panel, noise(panel))
    panel.ui.nextButton.click()
    panel.ui.editor.undo()
    panel.ui.editor.redo()
    assert panel.sitting.session.save().objects == ()


def test_where_the_disk_is_full_the_image_stays(slicer_with_modules, panel):
    click_label(panel, "Heart")
    paint(panel, noise(panel))
    first = panel.sitting.session.image.uid
    with full_disk(panel):
        panel.ui.nextButton.click()
        assert panel.sitting.session.image.uid == first and panel.ui.objectsTable.rowCount == 1
        assert panel.ui.stateLabel.text.endswith("not saved") and "disk is full" in panel.ui.messageLabel.text
        assert "disk is full" in errors(slicer_with_modules)[0]
    panel.ui.saveButton.click()
    assert len(saved(panel)) == 1 and panel.ui.messageLabel.isHidden()


def test_an_image_that_cannot_be_shown_is_told_once_and_the_work_goes_on(slicer_with_modules, panel):
    path = Path(panel.sitting.session.image.header.path)
    panel.parent.exit()
    path.rename(path.with_suffix(".away"))
    try:
        panel.parent.enter()
    finally:
        path.with_suffix(".away").rename(path)
    assert len(errors(slicer_with_modules)) == 1 and panel.timer.active
    assert "No image is shown" in panel.ui.messageLabel.text
    panel.ui.reloadButton.click()
    assert panel.sitting.session.is_open and len(errors(slicer_with_modules)) == 1
    click_label(panel, "Heart")
    paint(panel, noise(panel))
    slicer_with_modules.process_events(until=lambda: saved(panel) is not None, timeout=LONGEST + 3)


def test_objects_are_chosen_and_deleted_in_the_table(panel, mouse):
    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    click_label(panel, "Carina")
    mouse.click((112, 90))
    click_label(panel, "Heart")
    paint(panel, noise(panel))
    panel.onTick()
    table = panel.ui.objectsTable
    assert [table.item(row, 0).text() for row in range(table.rowCount)] == ["Heart", "Nodule", "Carina"]
    click_cell(table, 1)
    (box,) = panel.sitting.nodes.shapes
    assert box.GetDisplayNode().GetLineThickness() == pytest.approx(0.6)
    for left in (["Heart", "Carina"], ["Heart"], []):
        click_cell(table, table.rowCount - 1 if len(left) != 2 else 1)
        panel.ui.deleteButton.click()
        assert [table.item(row, 0).text() for row in range(table.rowCount)] == left
    assert panel.sitting.session.save().objects == () and not panel.ui.deleteButton.enabled


def test_the_prediction_is_a_start_for_images_not_worked_on(panel):
    panel.ui.startComboBox.setCurrentIndex(1)
    panel.ui.nextButton.click()
    panel.ui.previousButton.click()
    assert panel.ui.objectsTable.item(0, 0).text() == "Heart" and saved(panel) is None
    panel.ui.saveButton.click()
    (heart,) = saved(panel).of(Mask)
    assert heart.author == ANNA and heart.derived_from


def test_questions_of_the_whole_image(panel):
    from PySide6 import QtWidgets

    box = panel.ui.answersWidget.findChild(QtWidgets.QComboBox, "answer_view")
    box.setCurrentIndex(box.findText("PA"))
    box.textActivated.emit("PA")
    first = panel.sitting.session.image.uid
    panel.ui.nextButton.click()
    assert box.currentText == "-"
    panel.ui.previousButton.click()
    assert box.currentText == "PA" and saved(panel, first).of(ImageLabel)[0].value == "PA"


def test_keys_of_the_labels_work_while_it_is_entered(panel):
    import qt
    import slicer

    def keys():
        return {s.key.toString(): s for s in slicer.util.mainWindow().findChildren(qt.QShortcut) if s.enabled}

    def editors():
        # The Segment Editor's are children of the panel itself, those of the table of objects lie deeper.
        own = [c for c in panel.ui.XRayAIAnnotate.children() if c.className() == "QShortcut"]
        return {s.key.toString(): s.enabled for s in own}

    # Qt obeys neither of two shortcuts on one key; and the one undo is not the editor's.
    assert not any(editors().get(key, False) for key in keys()) and editors()["8"] and not editors()["Z"]
    keys()["6"].activated.emit()
    assert panel.labels.chosen == "nodule" and panel.ui.stopButton.enabled
    keys()["Esc"].activated.emit()
    assert panel.labels.chosen == "" and not panel.ui.stopButton.enabled
    panel.parent.exit()
    assert keys() == {} and editors() == {}
    panel.parent.enter()
    assert "6" in keys()


def test_everything_is_put_back_when_the_panel_is_left(slicer_with_modules, desktop_host, panel, mouse):
    import slicer

    panel.parent.exit()
    annotations = slicer.modules.DataProbeInstance.infoWidget.sliceAnnotations
    layout, view = desktop_host.layout_node, desktop_host.slice_node
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    view.SetRulerType(view.RulerTypeThin)
    assert annotations.sliceViewAnnotationsEnabled
    panel.parent.enter()
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    assert not annotations.sliceViewAnnotationsEnabled
    click_label(panel, "Nodule")
    panel.parent.exit()
    interaction = desktop_host.application_logic.GetInteractionNode()
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView
    assert view.GetRulerType() == view.RulerTypeThin and annotations.sliceViewAnnotationsEnabled
    assert interaction.GetCurrentInteractionMode() == interaction.ViewTransform
    assert panel.ui.editor.activeEffect() is None and not panel.timer.active


def test_leaving_saves_and_hands_the_image_back_to_be_looked_at(slicer_with_modules, desktop_host, panel, mouse):
    from XRayAILib.scene import layers

    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    uid, project = panel.sitting.session.image.uid, panel.sitting.session.project
    panel.parent.exit()
    assert len(project.findings(uid, ANNA.key)) == 1
    assert {nodes.name for nodes in layers.layers(desktop_host)} == {"Reference", "Prediction"}
    assert panel.desk.browse.current.uid == uid
    panel.parent.enter()
    assert {nodes.name for nodes in layers.layers(desktop_host)} == {"Annotation"}
    assert panel.sitting.session.image.uid == uid and panel.ui.objectsTable.rowCount == 1


def test_leaving_puts_everything_back_also_where_the_drawing_cannot_be_saved(slicer_with_modules, desktop_host, panel):
    import qt
    import slicer

    click_label(panel, "Heart")
    pixels = noise(panel)
    paint(panel, pixels)
    with full_disk(panel):
        panel.parent.exit()  # the error is told, and Slicer goes on to the next module
    assert "disk is full" in errors(slicer_with_modules)[0]
    assert not [key for key in slicer.util.mainWindow().findChildren(qt.QShortcut) if key.enabled]
    assert slicer.modules.DataProbeInstance.infoWidget.sliceAnnotations.sliceViewAnnotationsEnabled
    assert panel.ui.editor.activeEffect() is None
    panel.parent.enter()
    panel.ui.saveButton.click()
    assert np.array_equal(saved(panel).of(Mask)[0].array(), pixels)


def test_closing_the_scene_saves_first(slicer_with_modules, desktop_host, panel, mouse):
    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    uid, project = panel.sitting.session.image.uid, panel.sitting.session.project
    desktop_host.scene.Clear(False)
    assert len(project.findings(uid, ANNA.key)) == 1 and panel.ui.caseLabel.text == "No image"
    assert "Click Reload" in panel.ui.messageLabel.text
    panel.ui.reloadButton.click()
    assert panel.sitting.session.image.uid == uid and panel.ui.objectsTable.rowCount == 1
    assert not errors(slicer_with_modules)


def test_a_drawing_that_cannot_be_saved_survives_the_closing_of_the_scene(slicer_with_modules, desktop_host, panel):
    click_label(panel, "Heart")
    pixels = noise(panel)
    paint(panel, pixels)
    with full_disk(panel):
        desktop_host.scene.Clear(False)
        assert "disk is full" in errors(slicer_with_modules)[0] and panel.ui.objectsTable.rowCount == 1
    panel.ui.saveButton.click()
    assert np.array_equal(saved(panel).of(Mask)[0].array(), pixels)


def test_reload_asks_before_it_drops_something(slicer_with_modules, panel, mouse):
    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    slicer_with_modules.answer(yes=False)
    panel.ui.reloadButton.click()
    panel.onTick()
    assert panel.ui.objectsTable.rowCount == 1
    slicer_with_modules.answer(yes=True)
    panel.onDrawn()
    panel.ui.reloadButton.click()
    assert panel.ui.objectsTable.rowCount == 0


def test_the_panel_is_at_most_three_screens_high(slicer_with_modules, panel, mouse, tmp_path):
    """With every section open, and more objects than the table has rows; folded, drawing needs about one."""
    folded = panel.parent.minimumSizeHint.height()
    for n in range(10):
        click_label(panel, "Nodule")
        mouse.click((10 + 20 * n, 20), (25 + 20 * n, 40))
        panel.onTick()
    click_label(panel, "Heart")
    for name, widget in vars(panel.ui).items():
        if name.endswith("CollapsibleButton"):
            widget.collapsed = False
    slicer_with_modules.process_events()
    assert folded < 1080 and panel.parent.minimumSizeHint.height() < 3 * 1080
    assert slicer_with_modules.screenshot(panel, tmp_path / "panel.png", (460, 1100)).stat().st_size > 10_000


def test_every_name_it_uses_exists_in_slicer(desktop):
    import desktop_double

    sources = sorted(ANNOTATE.parent.rglob("*.py"))
    assert {path.name: desktop_double.check_names(path) for path in sources} == {path.name: [] for path in sources}


def test_choosing_an_object_is_no_drawing(panel, mouse):
    click_label(panel, "Nodule")
    mouse.click((60, 40), (100, 80))
    panel.ui.saveButton.click()
    revisions = len(panel.sitting.session.project.revisions(panel.sitting.session.uid, ANNA.key))
    panel.ui.objectsTable.clearSelection()
    click_cell(panel.ui.objectsTable, 0)
    panel.onTick()
    assert panel.ui.stateLabel.text.endswith("> saved")
    panel.ui.saveButton.click()
    assert len(panel.sitting.session.project.revisions(panel.sitting.session.uid, ANNA.key)) == revisions


def test_messages_are_read_on_a_dark_panel_too(slicer_with_modules):
    import qt
    from PySide6.QtGui import QColor, QPalette
    from PySide6.QtWidgets import QApplication

    from XRayAIPanel.ink import ink

    def lightness(color):
        return qt.QColor(color).lightness()

    red = "#c62828"
    assert ink(red) == red
    dark = QPalette()
    dark.setColor(QPalette.ColorRole.Text, QColor("#ffffff"))
    QApplication.instance().setPalette(dark)
    assert lightness(ink(red)) > lightness(red)
