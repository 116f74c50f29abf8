"""Every tool of the panel, by clicks of the mouse into the image: what is placed, changed by hand and read."""

from __future__ import annotations

import numpy as np
import pytest

from annotate_clicks import click_cell, click_label
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line
from XRayAILib.findings.objects import Landmark, Mask, Polygon
from XRayAILib.findings.schema import Label, LabelSchema, Skeleton, Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.fill import fill_polygon
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

pytest_plugins = ["annotate_desk"]

KEYS = "abcdefghijkl"
POINTS = ("tip", "middle", "base")
SCHEMA = LabelSchema(
    "everything",
    (
        *(
            Label(t.name.lower(), t.value.title(), t, "#ffb74d", hotkey=key)
            for t, key in zip(BY_TOOL, KEYS, strict=True)
        ),
        *(Label(name, name.title(), Tool.LANDMARK, "#80d8ff") for name in POINTS),
    ),
    (Skeleton("finger", "Finger", POINTS, (("tip", "middle"), ("middle", "base"))),),
)


@pytest.fixture
def project_folder(tmp_path):
    """A project of one radiograph with a label for every tool, and three landmarks that belong together."""
    phantoms = make_phantoms(tmp_path / "phantoms", 1, seed=5, size=(256, 224))
    with Project.create(tmp_path / "project", SCHEMA) as project:
        take_in(project, [phantoms[0].path.parent])
        return project.folder


def drawn(panel, kind=object) -> list:
    return [item for item in panel.sitting.session.save() if isinstance(item, kind)]


def placing(panel) -> bool:
    panel.onTick()
    return panel.ui.stopButton.enabled


def near(points, expected) -> None:
    np.testing.assert_allclose(np.asarray(points, float), np.asarray(expected, float), atol=0.5)


def choose_objects(panel, *rows: int) -> None:
    """Click rows of the table of objects."""
    panel.onTick()
    for row in rows:
        click_cell(panel.ui.objectsTable, row)
    panel.onTick()


def press(panel, key: str) -> None:
    import qt
    import slicer

    shortcuts = slicer.util.mainWindow().findChildren(qt.QShortcut)
    next(s for s in shortcuts if s.enabled and s.key.toString() == key).activated.emit()


@pytest.mark.parametrize(
    ("kind", "title", "points", "said"),
    [
        (Line, "Line", [(50, 50), (80, 90)], "click: end"),
        (Angle, "Angle", [(50, 50), (50, 100), (100, 100)], "click: second arm"),
        (CobbAngle, "Cobb Angle", [(50, 50), (90, 60), (50, 120), (90, 100)], "click: lower end plate, end"),
        (CardiothoracicRatio, "Cardiothoracic Ratio", [(80, 90), (140, 95), (30, 120), (190, 120)], "chest"),
    ],
)
def test_a_measurement_takes_as_many_clicks_as_it_has_points(panel, mouse, kind, title, points, said) -> None:
    click_label(panel, title)
    mouse.click(*points[:-1])
    assert placing(panel) and said in panel.ui.toolLabel.text and drawn(panel) == []
    mouse.click(points[-1])
    assert not placing(panel)
    (item,) = drawn(panel, kind)
    near(item.points, points)
    assert panel.ui.objectsTable.rowCount == 1
    mouse.click((10, 10))
    assert drawn(panel) == [item]


@pytest.mark.parametrize("clicks", [1, 2, 3])
def test_what_was_begun_and_left_is_gone(panel, mouse, clicks) -> None:
    click_label(panel, "Cobb Angle")
    mouse.click(*[(50, 50), (90, 60), (50, 120)][:clicks])
    press(panel, "Esc")
    assert drawn(panel) == [] and panel.sitting.nodes.shapes == ()


def test_the_value_follows_a_point_that_is_dragged(panel, mouse) -> None:
    click_label(panel, "Line")
    mouse.click((50, 50), (90, 50))
    (node,) = panel.sitting.nodes.shapes
    before = node.GetPropertiesLabelText()
    mouse.drag((90, 50), (130, 50), (170, 50))
    (line,) = drawn(panel, Line)
    near(line.points, [(50, 50), (170, 50)])
    spacing = panel.sitting.session.radiograph.header.spacing
    assert node.GetPropertiesLabelText().strip() == str(line.value(spacing)) != before.strip()


def test_an_ellipse_and_a_rotated_box_by_two_clicks_changed_by_their_handles(panel, mouse) -> None:
    click_label(panel, "Ellipse")
    mouse.click((60, 40), (120, 80))
    (ellipse,) = drawn(panel, Ellipse)
    near([ellipse.x, ellipse.y, ellipse.radius_x, ellipse.radius_y, ellipse.angle], [90, 60, 30, 20, 0])
    choose_objects(panel, 0)  # its handles are shown
    mouse.look()
    mouse.drag((120, 60), (125, 60), (140, 60))  # the one in the middle of the right side
    (wider,) = drawn(panel, Ellipse)
    near([wider.x, wider.y, wider.radius_x, wider.radius_y], [100, 60, 40, 20])
    assert wider.id == ellipse.id
    click_label(panel, "Rotated Box")
    mouse.click((60, 120), (120, 160))
    box = drawn(panel, RotatedBox)[0]
    near([box.x, box.y, box.width, box.height, box.angle], [90, 140, 60, 40, 0])


def test_a_polyline_ends_by_the_right_button(panel, mouse) -> None:
    click_label(panel, "Polyline")
    mouse.click((50, 50), (90, 60), (100, 120))
    mouse.right_click(100, 120)
    assert not placing(panel)
    (line,) = drawn(panel, Polyline)
    near(line.points, [(50, 50), (90, 60), (100, 120)])


@pytest.mark.parametrize(("title", "kind"), [("Polygon", Polygon), ("Polyline", Polyline)])
def test_vertices_are_added_by_ctrl_and_a_click_and_deleted_by_the_key(panel, mouse, title, kind) -> None:
    corners = [(50, 50), (150, 50), (150, 150), (50, 150)]
    click_label(panel, title)
    mouse.click(*corners[:-1])
    mouse.double_click(*corners[-1])
    near(drawn(panel, kind)[0].points, corners)
    for y in (80, 60, 52, 50):  # the line is felt before the key is pressed
        mouse.move(100, y)
    mouse.click((100, 50), control=True)
    near(drawn(panel, kind)[0].points, [corners[0], (100, 50), *corners[1:]])
    mouse.drag((100, 50), (100, 30))
    near(drawn(panel, kind)[0].points, [corners[0], (100, 30), *corners[1:]])
    mouse.move(150, 50)
    mouse.key("Delete")
    near(drawn(panel, kind)[0].points, [corners[0], (100, 30), *corners[2:]])


def test_landmarks_of_a_skeleton_are_set_in_order(panel, mouse) -> None:
    click_label(panel, "Tip")
    mouse.click((50, 50))
    assert placing(panel) and "Middle" in panel.ui.toolLabel.text
    press(panel, "Ctrl+J")
    assert "Middle (not visible)" in panel.ui.toolLabel.text
    mouse.click((60, 90))
    press(panel, "Ctrl+K")
    marks = {mark.label: mark for mark in drawn(panel, Landmark)}
    assert {name: (mark.visible, mark.outside) for name, mark in marks.items()} == {
        "tip": (True, False),
        "middle": (False, False),
        "base": (False, True),
    }


def test_a_landmark_that_is_left_out_comes_again(panel, mouse) -> None:
    click_label(panel, "Tip")
    press(panel, "Ctrl+L")
    mouse.click((60, 90))
    marks = [mark.label for mark in drawn(panel, Landmark)]
    assert marks == ["middle"] and placing(panel) and "Base" in panel.ui.toolLabel.text


def test_states_of_landmarks_that_are_there_change_and_can_be_undone(panel, mouse) -> None:
    click_label(panel, "Tip")
    mouse.click((50, 50))
    press(panel, "Esc")
    choose_objects(panel, 0)
    assert not panel.ui.landmarkFrame.isHidden() and not panel.ui.skipButton.enabled
    for state in ((False, False), (True, False)):
        panel.ui.notVisibleButton.click()
        (mark,) = drawn(panel, Landmark)
        assert (mark.visible, mark.outside) == state
    panel.ui.outsideButton.click()
    assert drawn(panel, Landmark)[0].outside
    panel.ui.undoButton.click()
    assert drawn(panel, Landmark) == [mark]


def test_a_polygon_becomes_a_mask_and_the_mask_a_polygon(panel, mouse) -> None:
    click_label(panel, "Polygon")
    mouse.click((50, 50), (150, 50))
    mouse.double_click(150, 150)
    (polygon,) = drawn(panel, Polygon)
    choose_objects(panel, 0)
    assert panel.ui.toMaskButton.enabled and not panel.ui.toPolygonButton.enabled
    panel.ui.toMaskButton.click()
    (mask,) = drawn(panel)
    assert isinstance(mask, Mask) and (mask.label, mask.derived_from) == ("polygon", polygon.id)
    pixels = fill_polygon(np.array(polygon.points), mask.shape)
    assert np.array_equal(mask.array(), pixels)
    assert f"{mask.area:,}" in panel.ui.convertLabel.text
    panel.ui.toleranceSpinBox.value = 0.0
    panel.ui.toPolygonButton.click()
    (exact,) = drawn(panel, Polygon)
    assert np.array_equal(fill_polygon(np.array(exact.points), mask.shape), pixels)
    assert "1 polygon" in panel.ui.convertLabel.text and exact.author == mask.author
    panel.ui.undoButton.click()
    panel.ui.undoButton.click()
    assert drawn(panel) == [polygon]


def test_what_is_locked_is_not_converted(panel, mouse) -> None:
    click_label(panel, "Box")
    mouse.click((50, 50), (100, 100))
    choose_objects(panel, 0)
    panel.ui.lockButton.click()
    panel.onTick()
    assert not panel.ui.toMaskButton.enabled
