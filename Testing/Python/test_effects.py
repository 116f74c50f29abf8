"""Polygon, Box, Landmarks and Measure as effects of the Segment Editor: the panel's objects from its own tool bar."""

from __future__ import annotations

import numpy as np
import pytest

from annotate_clicks import ANNOTATE, errors
from mouse import Mouse
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.findings.objects import Box, Landmark, Mask, Polygon
from XRayAILib.pixels.fill import fill_polygon

pytest_plugins = ["annotate_desk"]

EFFECTS = ("Polygon", "Box", "Landmarks", "Measure")
CORNERS = ((50, 50), (120, 50), (120, 130))


def press(editor, name: str):
    """Click an effect in the tool bar; the effect that is active then."""
    from PySide6.QtWidgets import QToolButton

    editor.findChild(QToolButton, name).click()
    return editor.activeEffect()


def option(effect, kind: str, name: str):
    from PySide6 import QtWidgets

    return effect.optionsFrame().findChild(getattr(QtWidgets, kind), name)


def choose(effect, name: str, title: str) -> None:
    """Choose a label in an effect's options, as a person does."""
    box = option(effect, "QComboBox", f"{name}Label")
    box.setCurrentIndex(box.findText(title))
    box.textActivated.emit(title)


def place_mode(host) -> bool:
    interaction = host.application_logic.GetInteractionNode()
    return interaction.GetCurrentInteractionMode() == interaction.Place


def draw_triangle(mouse) -> None:
    mouse.click(*CORNERS[:2])
    mouse.double_click(*CORNERS[2])


def test_they_stand_in_the_tool_bar_of_every_segment_editor(slicer_with_modules):
    import slicer

    slicer_with_modules.load_module(ANNOTATE)
    editor = slicer.qMRMLSegmentEditorWidget()
    assert set(EFFECTS) <= set(editor.availableEffectNames())
    for name in EFFECTS:
        effect = editor.effectByName(name)
        assert not effect.self().icon().isNull() and effect.helpText().startswith("<html>")
        assert effect.self().clone().name == name and effect.title == name and not effect.requireSegments
    editor.deleteLater()


def test_the_panel_offers_the_tools_that_make_sense_on_one_slice(panel):
    shown = list(panel.ui.editor._buttons)
    assert set(EFFECTS) <= set(shown) and "Logical operators" not in shown
    assert {"Draw", "Paint", "Erase", "Scissors", "Threshold", "Islands", "Smoothing", "Level tracing"} <= set(shown)


def test_box_makes_what_the_panel_makes(panel, mouse, desktop_host):
    effect = press(panel.ui.editor, "Box")
    assert effect.name == "Box" and place_mode(desktop_host)
    mouse.click((60, 40), (100, 80))
    option(effect, "QPushButton", "BoxPlace").click()
    mouse.click((10, 20), (40, 30))
    first, second = panel.sitting.session.save().of(Box, "nodule")
    assert (first.x0, first.y0, first.x1, first.y1) == pytest.approx((60, 40, 100, 80), abs=0.5)
    assert second.width == pytest.approx(30, abs=1)
    assert [node.GetSize()[2] for node in panel.sitting.nodes.shapes] == pytest.approx([0.01, 0.01])
    panel.onTick()
    assert [panel.ui.objectsTable.item(row, 1).text() for row in range(2)] == ["box", "box"]


def test_box_offers_rotated_boxes_and_ellipses_and_measure_the_rest(panel, desktop_host):
    from XRayAIAnnotatePanel import layer
    from XRayAILib.findings.schema import Label, LabelSchema, Tool

    layer.offer_labels(LabelSchema("all", tuple(Label(t.name, t.value.title(), t, "#ff0000") for t in Tool)))
    offered = {}
    for name in EFFECTS:
        box = option(press(panel.ui.editor, name), "QComboBox", f"{name}Label")
        offered[name] = [box.itemData(index) for index in range(box.count)]
    assert offered == {
        "Polygon": ["POLYGON"],
        "Box": ["BOX", "ROTATED_BOX", "ELLIPSE"],
        "Landmarks": ["LANDMARK"],
        "Measure": ["POLYLINE", "LINE", "ANGLE", "COBB_ANGLE", "CARDIOTHORACIC_RATIO"],
    }


def test_leaving_an_effect_ends_placing_and_drops_what_was_begun(panel, mouse, desktop_host):
    press(panel.ui.editor, "Polygon")
    mouse.click(*CORNERS[:2])
    press(panel.ui.editor, "Paint")
    assert not place_mode(desktop_host) and panel.sitting.nodes.shapes == ()


def test_landmarks_are_set_one_after_another_from_the_chosen_one_on(panel, mouse, desktop_host):
    effect = press(panel.ui.editor, "Landmarks")
    choose(effect, "Landmarks", "Carina")
    places = [(100, 90), (30, 150), (180, 150), (60, 30), (150, 30)]
    mouse.click(*places)
    assert not place_mode(desktop_host)
    mouse.click((5, 5))
    marks = panel.sitting.session.save().of(Landmark)
    order = ["carina", "right_costophrenic_angle", "left_costophrenic_angle", "right_apex", "left_apex"]
    assert {mark.label: (round(mark.x), round(mark.y)) for mark in marks} == dict(zip(order, places, strict=True))


def test_landmarks_that_are_not_seen_and_one_that_is_left_out(panel, mouse, desktop_host):
    effect = press(panel.ui.editor, "Landmarks")
    choose(effect, "Landmarks", "Carina")
    option(effect, "QPushButton", "LandmarksNotVisible").click()
    mouse.click((100, 90))
    option(effect, "QPushButton", "LandmarksSkip").click()
    mouse.click((180, 150))
    option(effect, "QPushButton", "LandmarksOutside").click()
    marks = {mark.label: mark for mark in panel.sitting.session.save().of(Landmark)}
    assert {name: (mark.visible, mark.outside) for name, mark in marks.items()} == {
        "carina": (False, False),
        "left_costophrenic_angle": (True, False),
        "right_apex": (False, True),
    }


def test_a_polygon_fills_into_the_selected_segment(slicer_with_modules, panel, mouse):
    from XRayAILib.scene.segmentation import new_segment

    nodes = panel.sitting.nodes
    effect = press(panel.ui.editor, "Polygon")
    fill = option(effect, "QPushButton", "PolygonFill")
    fill.click()
    assert "Choose the segment" in errors(slicer_with_modules)[-1]
    schema = panel.sitting.session.project.schema
    panel.ui.editor.setCurrentSegmentID(new_segment(nodes.segmentation, schema["heart"]))
    fill.click()
    assert "draw one first" in errors(slicer_with_modules)[-1]
    option(effect, "QPushButton", "PolygonPlace").click()
    draw_triangle(mouse)
    panel.onTick()
    (outline,) = panel.sitting.session.save().of(Polygon, "opacity")
    fill.click()
    (heart,) = panel.sitting.session.save().objects
    assert isinstance(heart, Mask) and heart.label == "heart"
    assert np.array_equal(heart.array(), fill_polygon(np.array(outline.points), heart.shape))
    panel.onTick()
    while panel.sitting.session.save().of(Mask):
        assert panel.ui.undoButton.enabled
        panel.ui.undoButton.click()
    assert panel.sitting.session.save().objects == (outline,)


def test_filling_can_keep_the_polygon_and_adds_to_what_is_there(panel, mouse):
    from XRayAILib.scene.segmentation import new_segment, set_segment_array

    nodes = panel.sitting.nodes
    segment = new_segment(nodes.segmentation, panel.sitting.session.project.schema["heart"])
    there = np.zeros(panel.sitting.session.findings.shape, bool)
    there[:10, :10] = True
    set_segment_array(nodes.segmentation, nodes.volume, segment, there)
    effect = press(panel.ui.editor, "Polygon")
    panel.ui.editor.setCurrentSegmentID(segment)
    draw_triangle(mouse)
    option(effect, "QCheckBox", "PolygonDelete").click()
    option(effect, "QPushButton", "PolygonFill").click()
    findings = panel.sitting.session.save()
    (outline,), (heart,) = findings.of(Polygon), findings.of(Mask)
    assert np.array_equal(heart.array(), there | fill_polygon(np.array(outline.points), heart.shape))


def test_without_a_project_they_work_on_any_radiograph(slicer_with_modules, desktop_host, phantoms):
    import slicer

    from XRayAILib.scene import view, volume

    slicer_with_modules.load_module(ANNOTATE)
    node = volume.show_radiograph(desktop_host, read_radiograph(str(phantoms[0].path)))
    view.show(desktop_host, node)
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setMRMLScene(slicer.mrmlScene)
    press(editor, "Box")
    assert "source volume" in errors(slicer_with_modules)[-1]
    editor.setActiveEffect(None)
    editor.setSegmentationNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode"))
    editor.setSourceVolumeNode(node)
    mouse = Mouse(desktop_host, node)
    press(editor, "Box")
    mouse.click((60, 40), (100, 80))
    press(editor, "Polygon")
    draw_triangle(mouse)
    press(editor, "Landmarks")
    mouse.click((60, 30))
    editor.setActiveEffect(None)
    scene = slicer.mrmlScene
    kinds = ("vtkMRMLMarkupsROINode", "vtkMRMLMarkupsClosedCurveNode", "vtkMRMLMarkupsFiducialNode")
    box, curve, points = (scene.GetFirstNodeByClass(kind) for kind in kinds)
    assert (box.GetName(), curve.GetName()) == ("Nodule", "Opacity")
    assert points.GetNthControlPointLabel(0) == "Apex of right lung" and points.GetNumberOfDefinedControlPoints() == 1
    editor.deleteLater()


def test_an_editor_that_was_opened_before_the_startup_was_completed_gets_them_too(panel, monkeypatch):
    import sys

    import XRayAIAnnotateEffects

    # Where the panel is Slicer's home module, it is entered first and the effects are registered afterwards.
    for name in EFFECTS:
        del panel.ui.editor._effects[name]
    monkeypatch.setattr(XRayAIAnnotateEffects, "register", lambda: None)
    sys.modules["XRayAIAnnotate"].registerEffects()
    assert set(EFFECTS) <= set(panel.ui.editor.availableEffectNames())
