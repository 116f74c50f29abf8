"""Objects as markups: how each kind is drawn, what a person does to it, and what is written beside it."""

import math

import numpy as np
import pytest

from mouse import Mouse
from scene_cases import ANNA, MODEL, UID, radiograph
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line
from XRayAILib.findings.objects import Box, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.scene import boxes, layers, outlines, shapes, view
from XRayAILib.scene.host import Host
from XRayAILib.scene.live import Live
from XRayAILib.scene.volume import pixels_to_ras, ras_to_pixels, show_radiograph

SCHEMA = chest_schema()
BOX = Box(label="nodule", author=MODEL, x0=10.1, y0=20.2, x1=40.3, y1=60.4, score=0.7)
TURNED = RotatedBox(label="nodule", author=MODEL, x=45.5, y=60.25, width=40.0, height=12.0, angle=30.0)
ELLIPSE = Ellipse(label="nodule", author=MODEL, x=45.5, y=60.25, radius_x=30.0, radius_y=12.0, angle=-20.0)
POLYGON = Polygon(label="opacity", author=MODEL, points=((50.1, 60.2), (80.3, 62.4), (70.5, 90.6), (55.7, 80.8)))
COBB = CobbAngle(label="curve", author=MODEL, points=((10, 20), (50, 20), (12, 90), (52, 70)))
RATIO = CardiothoracicRatio(label="ratio", author=MODEL, points=((30, 60), (60, 60), (10, 80), (70, 80)))


@pytest.fixture
def volume(host: Host):
    return show_radiograph(host, radiograph())


def shown(host: Host, volume, *items):
    """A layer with these objects, and the node of the first."""
    nodes = layers.show_findings(host, volume, Findings(UID, (120, 90), MODEL, items), SCHEMA, "Mine")
    return nodes, nodes.shapes[0]


def ras(volume, x: float, y: float) -> list[float]:
    return [float(v) for v in pixels_to_ras(volume, [[x, y]])[0]]


def drawn(volume, node) -> list[np.ndarray]:
    """The lines of the model beside a node, in pixels."""
    from vtkmodules.vtkCommonCore import vtkIdList

    data, ids = outlines.of(node).GetPolyData(), vtkIdList()
    lines = []
    for cell in range(data.GetNumberOfCells()):
        data.GetCellPoints(cell, ids)
        corners = [data.GetPoint(ids.GetId(index)) for index in range(ids.GetNumberOfIds())]
        lines.append(ras_to_pixels(volume, np.array(corners)))
    return lines


def test_a_box_is_a_flat_roi(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, BOX)
    assert node.GetSize() == pytest.approx((30.2 * 0.15, 40.2 * 0.2, boxes.THICKNESS))
    assert node.GetDisplayNode().GetFillOpacity() == 0.0 and node.GetName() == "Nodule"
    assert not node.GetDisplayNode().GetRotationHandleVisibility() and outlines.of(node) is None


def test_a_turned_box_is_read_as_the_upright_one_around_it(host: Host) -> None:
    volume = show_radiograph(host, radiograph(spacing=Spacing.unknown()))
    _nodes, node = shown(host, volume, BOX)
    _turn(node, 90.0)
    box = shapes.read_shape(node, volume, SCHEMA, ANNA)
    middle, half = ((BOX.x0 + BOX.x1) / 2, (BOX.y0 + BOX.y1) / 2), (BOX.height / 2, BOX.width / 2)
    expected = (middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1])
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx(expected, abs=1e-3)


def _turn(node, degrees: float) -> None:
    """What the rotation handle of a ROI does."""
    from vtkmodules.vtkCommonTransforms import vtkTransform

    turned = vtkTransform()
    turned.SetMatrix(node.GetObjectToNodeMatrix())
    turned.RotateZ(degrees)
    node.SetAndObserveObjectToNodeMatrix(turned.GetMatrix())


def test_a_rotated_box_is_turned_clockwise_as_seen_on_the_screen(host: Host) -> None:
    volume = show_radiograph(host, radiograph(spacing=Spacing(0.2, 0.2, SpacingSource.DETECTOR)))
    _nodes, node = shown(host, volume, TURNED)
    matrix = node.GetObjectToWorldMatrix()
    corners = [
        matrix.MultiplyPoint((sx * TURNED.width * 0.1, sy * TURNED.height * 0.1, 0, 1))[:3]
        for sx, sy in ((1, 1), (-1, 1), (-1, -1), (1, -1))
    ]
    np.testing.assert_allclose(ras_to_pixels(volume, np.array(corners)), TURNED.corners, atol=1e-4)
    for chosen in (True, False):  # the ring covers much of what lies within
        shapes.set_highlighted(host, node, volume, SCHEMA, chosen)
        assert bool(node.GetDisplayNode().GetRotationHandleVisibility()) is chosen
    _turn(node, 15.0)
    read = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert read.angle == pytest.approx(45.0) and read.changed(angle=TURNED.angle) == TURNED
    _turn(node, 170.0)
    assert shapes.read_shape(node, volume, SCHEMA, ANNA).angle == pytest.approx(35.0)


def test_an_ellipse_is_drawn_in_its_frame_and_follows_it(host: Host, volume) -> None:
    nodes, node = shown(host, volume, ELLIPSE)
    (outline,) = drawn(volume, node)
    np.testing.assert_allclose(outline[:-1], ELLIPSE.outline(), atol=1e-4)
    np.testing.assert_allclose(outline[0], outline[-1])
    live = Live(host, nodes, SCHEMA)
    width, height, _ = node.GetSize()
    node.SetSize(width / 2, height, boxes.THICKNESS)
    wider = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert wider.radius_x == pytest.approx(15.0) and wider.changed(radius_x=30.0) == ELLIPSE
    np.testing.assert_allclose(drawn(volume, node)[0][:-1], wider.outline(), atol=1e-4)
    live.stop()
    node.SetSize(width, height, boxes.THICKNESS)
    np.testing.assert_allclose(drawn(volume, node)[0][:-1], wider.outline(), atol=1e-4)


def test_a_box_placed_by_hand_is_flat_and_keeps_the_id_it_was_begun_with(host: Host, volume) -> None:
    nodes, _ = shown(host, volume, POLYGON)
    node = shapes.new_shape(host, SCHEMA, "nodule", Tool.BOX)
    nodes = layers.adopt(host, nodes, node, SCHEMA, "nodule")
    live = Live(host, nodes, SCHEMA)
    assert shapes.read_shape(node, volume, SCHEMA, ANNA) is None and not shapes.is_complete(node)
    node.SetCenter(*ras(volume, 45.0, 60.0))
    node.SetSize(3.0, 4.0, 50.0)
    live.stop()
    box = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert (box.id, box.label, box.author) == (shapes.object_id(node), "nodule", ANNA)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((35.0, 50.0, 55.0, 70.0), abs=1e-3)
    assert node.GetSize()[2] == boxes.THICKNESS
    assert layers.shape_of(host, nodes, box.id).GetID() == node.GetID()


def test_a_polygon_is_a_closed_curve_of_straight_edges(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, POLYGON)
    assert node.GetCurveType() == node.GetCurveTypeFromString("linear")
    corners = np.array(POLYGON.points) * (0.15, 0.2)
    length = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum()
    assert node.GetCurveLengthWorld() == pytest.approx(length, rel=1e-4)  # a spline is longer


def test_the_other_vertices_stay_where_one_is_added_moved_or_taken_out(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, POLYGON)
    node.InsertControlPointWorld(2, ras(volume, 85.0, 75.0))
    node.SetNthControlPointPositionWorld(0, *ras(volume, 48.0, 55.0))
    node.RemoveNthControlPoint(4)
    polygon = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert polygon.id == POLYGON.id and polygon.author == MODEL
    assert (polygon.points[1], polygon.points[3]) == POLYGON.points[1:3]
    np.testing.assert_allclose((polygon.points[0], polygon.points[2]), [(48, 55), (85, 75)], atol=1e-4)


@pytest.mark.parametrize(
    ("item", "text"),
    [
        (Line(label="tube", author=MODEL, points=((0, 0), (30, 40))), "9.2 mm (detector plane)"),
        (Angle(label="hip", author=MODEL, points=((50, 10), (10, 10), (10, 50))), "90.0°"),
    ],
)
def test_a_measurement_says_its_value_and_never_slicers_own(host: Host, volume, item, text: str) -> None:
    nodes, node = shown(host, volume, item)
    assert node.GetPropertiesLabelText().strip() == text
    live = Live(host, nodes, SCHEMA)
    node.SetNthControlPointPositionWorld(0, *ras(volume, 3.0, 30.0))
    live.stop()
    read = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert node.GetPropertiesLabelText().strip() == str(read.value(Spacing(0.2, 0.15, SpacingSource.DETECTOR, 1.1)))
    assert text not in node.GetPropertiesLabelText()


@pytest.mark.parametrize(("item", "text"), [(COBB, "curve: 33.7°"), (RATIO, "ratio: 0.50")])
def test_four_points_are_one_object_with_two_lines(host: Host, volume, item, text: str) -> None:
    nodes, node = shown(host, volume, item)
    assert node.GetNthControlPointLabel(0) == text and node.GetNthControlPointDescription(2) == item.parts[2]
    np.testing.assert_allclose(drawn(volume, node), np.reshape(item.points, (2, 2, 2)), atol=1e-4)
    assert len(layers.nodes_of(host, nodes, item.id)) == 2
    live = Live(host, nodes, SCHEMA)
    node.SetNthControlPointPositionWorld(1, *ras(volume, 55.0, 40.0))
    live.stop()
    read = shapes.read_shape(node, volume, SCHEMA, ANNA)
    assert (
        read.points[1] == pytest.approx((55, 40))
        and (read.points[0], *read.points[2:]) == item.points[:1] + item.points[2:]
    )
    np.testing.assert_allclose(drawn(volume, node)[0][1], (55, 40), atol=1e-4)
    assert node.GetNthControlPointLabel(0) == f"{item.label}: {read.value(Spacing(0.2, 0.15, SpacingSource.DETECTOR))}"


def test_a_line_without_length_is_no_measurement(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, RATIO)
    node.SetNthControlPointPositionWorld(1, node.GetNthControlPointPositionWorld(0))
    assert shapes.read_shape(node, volume, SCHEMA, ANNA) is None
    node.SetNthControlPointPositionWorld(1, *ras(volume, 60, 60))
    assert shapes.read_shape(node, volume, SCHEMA, ANNA) == RATIO


def test_areas_and_lengths_are_shown_of_what_stands_out(host: Host, volume) -> None:
    catheter = Polyline(label="tube", author=MODEL, points=((0, 0), (30, 0), (30, 40)))
    _nodes, node = shown(host, volume, POLYGON)
    assert node.GetPropertiesLabelText() == ""
    shapes.set_highlighted(host, node, volume, SCHEMA, True)
    assert node.GetPropertiesLabelText().strip().endswith("mm² (detector plane)")
    assert node.GetDisplayNode().GetLineThickness() == pytest.approx(0.6)
    shapes.set_highlighted(host, node, volume, SCHEMA, False)
    assert node.GetPropertiesLabelText() == ""
    _nodes, node = shown(host, volume, catheter)
    shapes.set_highlighted(host, node, volume, SCHEMA, True)
    assert node.GetPropertiesLabelText().strip() == f"{30 * 0.15 + 40 * 0.2:.1f} mm (detector plane)"


def test_the_handles_of_a_box_that_stands_out_are_dragged(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the mouse of the tests has a view that is on no screen")
    volume = show_radiograph(host, radiograph(np.zeros((300, 200), np.uint16)))
    view.show(host, volume)
    box = Box(label="nodule", author=ANNA, x0=50.0, y0=60.0, x1=150.0, y1=160.0)
    nodes = layers.show_findings(host, volume, Findings(UID, (300, 200), ANNA, (box,)), SCHEMA, "Mine")
    (node,), mouse = nodes.shapes, Mouse(host, volume)
    for chosen, right in ((False, 150), (True, 170)):
        shapes.set_highlighted(host, node, volume, SCHEMA, chosen)
        mouse.look()
        mouse.drag((150, 110), (152, 110), (170, 110))
        changed = shapes.read_shape(node, volume, SCHEMA, ANNA)
        assert changed.x1 == pytest.approx(right, abs=0.5) and changed.changed(x1=box.x1) == box


def captions_of(nodes) -> list[str]:
    list_ = nodes.captions
    count = range(list_.GetNumberOfControlPoints())
    return [list_.GetNthControlPointLabel(i) for i in count if list_.GetNthControlPointVisibility(i)]


def test_boxes_and_ellipses_have_their_name_at_their_upper_corner(host: Host, volume) -> None:
    nodes, node = shown(host, volume, BOX, TURNED, POLYGON)
    assert captions_of(nodes) == ["Nodule", "Nodule"]
    places = [nodes.captions.GetNthControlPointPositionWorld(index) for index in range(2)]
    expected = [(BOX.x0, BOX.y0), min(TURNED.corners, key=lambda corner: corner[1])]
    np.testing.assert_allclose(ras_to_pixels(volume, np.array(places)), expected, atol=1e-4)
    live = Live(host, nodes, SCHEMA)
    x, y, z = node.GetCenter()
    node.SetCenter(x - 0.15 * 10, y, z)
    place = nodes.captions.GetNthControlPointPositionWorld(0)
    np.testing.assert_allclose(ras_to_pixels(volume, np.array(place)), [(BOX.x0 + 10, BOX.y0)], atol=1e-3)
    shapes.set_highlighted(host, node, volume, SCHEMA, True)
    assert captions_of(nodes)[0] == "Nodule: 4.5 x 8.0 mm (detector plane)"
    shapes.set_visible(node, False)
    assert captions_of(nodes) == ["Nodule"]
    host.scene.RemoveNode(nodes.shapes[1])
    live.stop()
    assert captions_of(nodes) == [] and nodes.captions.GetNumberOfControlPoints() == 1
    layers.show_findings(host, volume, Findings(UID, (120, 90), MODEL), SCHEMA, "Mine")
    assert nodes.captions.GetNumberOfControlPoints() == 0


def test_what_is_removed_hidden_or_locked_takes_its_lines_with_it(host: Host, volume) -> None:
    nodes, node = shown(host, volume, ELLIPSE, COBB)
    shapes.set_visible(node, False)
    assert not outlines.of(node).GetDisplayNode().GetVisibility()
    shapes.set_editable(node, False)
    assert node.GetLocked() and not node.GetDisplayNode().GetHandlesInteractive()
    count = host.scene.GetNumberOfNodesByClass(outlines.MODEL)
    shapes.remove(host, node)
    live = Live(host, nodes, SCHEMA)
    host.scene.RemoveNode(nodes.shapes[1])  # in the Data module, say
    live.stop()
    assert host.scene.GetNumberOfNodesByClass(outlines.MODEL) == count - 2


def test_another_label_is_another_name_and_colour(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, ELLIPSE)
    shapes.set_editable(node, False)
    shapes.relabel(node, SCHEMA, "opacity")
    assert node.GetName() == "Opacity" and node.GetLocked()
    assert outlines.of(node).GetDisplayNode().GetColor() == pytest.approx(SCHEMA["opacity"].rgb)
    assert shapes.read_shape(node, volume, SCHEMA, ANNA) == ELLIPSE.changed(label="opacity")


def test_read_only_means_locked_and_without_handles(host: Host, volume) -> None:
    _nodes, node = shown(host, volume, BOX)
    for editable in (True, False):
        shapes.set_editable(node, editable)
        assert bool(node.GetLocked()) is not editable
        for chosen in (True, False):  # handles of all would hide the image, and be slow to draw
            shapes.set_highlighted(host, node, volume, SCHEMA, chosen)
            assert bool(node.GetDisplayNode().GetHandlesInteractive()) is (editable and chosen)
    assert shapes.read_shape(node, volume, SCHEMA, ANNA) == BOX


def test_a_box_is_drawn_along_its_outer_edges(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    box = Box(label="nodule", author=ANNA, x0=20.5, y0=40.5, x1=119.5, y1=199.5)
    pixels = _picture(host, box)
    rows, columns = np.nonzero(pixels)
    edges = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
    assert edges == pytest.approx((4 * 21, 4 * 120, 4 * 41, 4 * 200), abs=4)
    inside = (rows > 4 * 41 + 6) & (rows < 4 * 200 - 6) & (columns > 4 * 21 + 6) & (columns < 4 * 120 - 6)
    assert not inside.any()


def test_an_ellipse_is_drawn_where_it_is(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    ellipse = Ellipse(label="nodule", author=ANNA, x=99.5, y=149.5, radius_x=80, radius_y=30, angle=90)
    rows, columns = np.nonzero(_picture(host, ellipse, frame=False))
    # Along the ellipse x²/a² + y²/b² is 1, whatever the point.
    x, y = (columns + 0.5) / 4 - 100, (rows + 0.5) / 4 - 150
    np.testing.assert_allclose(np.hypot(x / 30, y / 80), 1.0, atol=0.05)
    assert math.hypot(x.mean(), y.mean()) < 1


def _picture(host: Host, item, frame: bool = True) -> np.ndarray:
    """The pixels of the view that an object covers, on a black image of 200 x 300 pixels at 4 to 1."""
    volume = show_radiograph(host, radiograph(np.zeros((300, 200), np.uint16), spacing=Spacing.unknown()))
    view.show(host, volume)
    nodes = layers.show_findings(host, volume, Findings(UID, (300, 200), ANNA, (item,)), SCHEMA, "Mine", False)
    nodes.shapes[0].GetDisplayNode().SetOutlineVisibility(frame)
    nodes.captions.GetDisplayNode().SetVisibility(False)
    return view.render(host, size=(800, 1200)).any(axis=2)
