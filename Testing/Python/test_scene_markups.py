"""Boxes, polygons and landmarks as markups, as a person moves, adds and removes them."""

import numpy as np
import pytest

from scene_cases import ANNA, MODEL, radiograph
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Box, Landmark, Polygon
from XRayAILib.scene import markups, view
from XRayAILib.scene.host import Host
from XRayAILib.scene.volume import pixels_to_ras, show_radiograph

SCHEMA = chest_schema()
BOX = Box(label="nodule", author=MODEL, x0=10.1, y0=20.2, x1=40.3, y1=60.4, score=0.7)
POLYGON = Polygon(label="opacity", author=MODEL, points=((50.1, 60.2), (80.3, 62.4), (70.5, 90.6), (55.7, 80.8)))


@pytest.fixture
def volume(host: Host):
    return show_radiograph(host, radiograph())


def ras(volume, x: float, y: float) -> list[float]:
    return [float(v) for v in pixels_to_ras(volume, [[x, y]])[0]]


def test_a_box_is_a_flat_roi_and_comes_back(host: Host, volume) -> None:
    node = markups.new_box(host, SCHEMA, "nodule")
    markups.show_box(node, volume, BOX)
    assert markups.read_box(node, volume, SCHEMA, ANNA) == BOX
    assert node.GetSize() == pytest.approx((30.2 * 0.15, 40.2 * 0.2, markups.THICKNESS))
    assert node.GetDisplayNode().GetFillOpacity() == 0.0
    assert node.GetName() == "Nodule"


def test_a_moved_box_is_the_same_object_elsewhere(host: Host, volume) -> None:
    node = markups.new_box(host, SCHEMA, "nodule")
    markups.show_box(node, volume, BOX)
    x, y, z = node.GetCenter()
    node.SetCenter(x - 0.15 * 10, y - 0.2 * 5, z)
    moved = markups.read_box(node, volume, SCHEMA, ANNA)
    assert moved is not None
    assert (moved.x0, moved.y0, moved.x1, moved.y1) == pytest.approx((20.1, 25.2, 50.3, 65.4), abs=1e-3)
    assert moved.changed(x0=BOX.x0, y0=BOX.y0, x1=BOX.x1, y1=BOX.y1) == BOX
    assert markups.read_box(node, volume, SCHEMA, ANNA) == moved


def test_a_box_placed_by_hand_gets_an_author_and_a_lasting_id(host: Host, volume) -> None:
    node = markups.new_box(host, SCHEMA, "nodule")
    assert markups.read_box(node, volume, SCHEMA, ANNA) is None
    node.SetCenter(*ras(volume, 45.0, 60.0))
    node.SetSize(3.0, 4.0, 50.0)
    box = markups.read_box(node, volume, SCHEMA, ANNA)
    assert box is not None
    assert (box.label, box.author) == ("nodule", ANNA)
    assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx((35.0, 50.0, 55.0, 70.0), abs=1e-3)
    assert markups.read_box(node, volume, SCHEMA, ANNA) == box


def test_read_only_means_locked_and_without_handles(host: Host, volume) -> None:
    node = markups.new_box(host, SCHEMA, "nodule")
    markups.show_box(node, volume, BOX)
    for editable in (True, False):
        markups.set_editable(node, editable)
        assert bool(node.GetLocked()) is not editable
        assert bool(node.GetDisplayNode().GetHandlesInteractive()) is editable
    assert markups.read_box(node, volume, SCHEMA, ANNA) == BOX


def test_a_polygon_is_a_closed_curve_of_straight_edges(host: Host, volume) -> None:
    node = markups.new_polygon(host, SCHEMA, "opacity")
    markups.show_polygon(node, volume, POLYGON)
    assert markups.read_polygon(node, volume, SCHEMA, ANNA) == POLYGON
    assert node.GetCurveType() == node.GetCurveTypeFromString("linear")
    corners = np.array(POLYGON.points) * (0.15, 0.2)
    length = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).sum()
    assert node.GetCurveLengthWorld() == pytest.approx(length, rel=1e-4)  # a spline is longer


def test_a_polygon_with_a_moved_and_a_new_point(host: Host, volume) -> None:
    node = markups.new_polygon(host, SCHEMA, "opacity")
    markups.show_polygon(node, volume, POLYGON)
    node.SetNthControlPointPositionWorld(1, *ras(volume, 85.0, 50.0))
    node.AddControlPointWorld(*ras(volume, 48.0, 70.0))
    polygon = markups.read_polygon(node, volume, SCHEMA, ANNA)
    assert polygon is not None
    assert (polygon.id, polygon.author) == (POLYGON.id, MODEL)
    expected = [POLYGON.points[0], (85.0, 50.0), *POLYGON.points[2:], (48.0, 70.0)]
    np.testing.assert_allclose(polygon.points, expected, atol=1e-4)


def test_two_points_are_no_polygon_yet(host: Host, volume) -> None:
    node = markups.new_polygon(host, SCHEMA, "opacity")
    for point in POLYGON.points[:2]:
        node.AddControlPointWorld(*ras(volume, *point))
    assert markups.read_polygon(node, volume, SCHEMA, ANNA) is None


def landmarks() -> list[Landmark]:
    return [
        Landmark(label="carina", author=MODEL, x=45.5, y=33.25, score=0.5),
        Landmark(label="left_apex", author=MODEL, x=70.123456789, y=12.5, visible=False),
        Landmark(label="right_apex", author=ANNA, x=20.0, y=12.0),
    ]


def test_landmarks_come_back_and_hidden_ones_keep_their_place(host: Host, volume) -> None:
    node = markups.new_landmarks(host, "Landmarks")
    markups.show_landmarks(node, volume, landmarks_ := landmarks(), SCHEMA)
    assert markups.read_landmarks(node, volume, SCHEMA, ANNA) == landmarks_
    assert [node.GetNthControlPointLabel(i) for i in range(3)] == [
        "Carina",
        "Apex of left lung",
        "Apex of right lung",
    ]
    assert not node.GetNthControlPointVisibility(1)


def test_points_moved_sorted_removed_and_added(host: Host, volume) -> None:
    carina, left, right = landmarks()
    node = markups.new_landmarks(host, "Landmarks")
    markups.show_landmarks(node, volume, [carina, left, right], SCHEMA)
    node.SwapControlPoints(0, 2)
    node.SetNthControlPointPositionWorld(2, *ras(volume, 46.0, 34.0))
    node.RemoveNthControlPoint(1)
    added = node.AddControlPointWorld(*ras(volume, 15.0, 90.0))
    node.SetNthControlPointLabel(added, "Right costophrenic angle")
    read = markups.read_landmarks(node, volume, SCHEMA, ANNA)
    assert read[0] == right
    assert read[1].changed(x=carina.x, y=carina.y) == carina
    assert (read[1].x, read[1].y) == pytest.approx((46.0, 34.0), abs=1e-6)
    assert (read[2].label, read[2].author) == ("right_costophrenic_angle", ANNA)
    assert markups.read_landmarks(node, volume, SCHEMA, ANNA) == read


def test_an_offered_point_counts_once_it_is_placed(host: Host, volume) -> None:
    node = markups.new_landmarks(host, "Landmarks")
    markups.show_landmarks(node, volume, [], SCHEMA, [SCHEMA["carina"], SCHEMA["left_apex"]])
    assert markups.read_landmarks(node, volume, SCHEMA, ANNA) == []
    assert node.GetNumberOfUndefinedControlPoints() == 2
    node.SetNthControlPointPositionWorld(1, *ras(volume, 70.0, 12.0))
    (placed,) = markups.read_landmarks(node, volume, SCHEMA, ANNA)
    assert (placed.label, placed.author, placed.x, placed.y) == (
        "left_apex",
        ANNA,
        pytest.approx(70),
        pytest.approx(12),
    )


def test_a_landmark_is_drawn_where_it_is(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    volume = show_radiograph(host, radiograph(np.zeros((300, 200), np.uint16), spacing=Spacing.unknown()))
    view.show(host, volume)
    node = markups.new_landmarks(host, "Landmarks")
    markups.show_landmarks(node, volume, [Landmark(label="carina", author=ANNA, x=150.0, y=60.0)], SCHEMA)
    node.GetDisplayNode().SetPointLabelsVisibility(False)
    rows, columns = np.nonzero(view.render(host, size=(800, 1200)).any(axis=2))
    # The middle of pixel (150, 60) at 4 screen pixels each, counted from the corner.
    assert columns.mean() + 0.5 == pytest.approx(4 * 150.5, abs=1.5)
    assert rows.mean() + 0.5 == pytest.approx(4 * 60.5, abs=1.5)


def test_a_box_is_drawn_along_its_outer_edges(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    volume = show_radiograph(host, radiograph(np.zeros((300, 200), np.uint16), spacing=Spacing.unknown()))
    view.show(host, volume)
    node = markups.new_box(host, SCHEMA, "nodule")
    markups.show_box(node, volume, Box(label="nodule", author=ANNA, x0=20.5, y0=40.5, x1=119.5, y1=199.5))
    markups.set_editable(node, False)
    rows, columns = np.nonzero(view.render(host, size=(800, 1200)).any(axis=2))
    edges = (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1)
    assert edges == pytest.approx((4 * 21, 4 * 120, 4 * 41, 4 * 200), abs=4)
    inside = (rows > 4 * 41 + 6) & (rows < 4 * 200 - 6) & (columns > 4 * 21 + 6) & (columns < 4 * 120 - 6)
    assert not inside.any()
