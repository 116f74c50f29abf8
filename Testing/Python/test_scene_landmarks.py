"""Landmarks as the points of a list: what a person moves, adds and skips; states; the lines of a skeleton."""

import numpy as np
import pytest

from scene_cases import ANNA, MODEL, UID, radiograph
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.findings.schema import Label, LabelSchema, Skeleton, Tool
from XRayAILib.scene import landmarks, layers, outlines, skeletons, view
from XRayAILib.scene.host import Host
from XRayAILib.scene.landmarks import State
from XRayAILib.scene.live import Live
from XRayAILib.scene.volume import pixels_to_ras, ras_to_pixels, show_radiograph

SCHEMA = chest_schema()
FINGER = LabelSchema(
    "finger",
    tuple(Label(name, name.title(), Tool.LANDMARK, "#40c0ff") for name in ("tip", "middle", "base")),
    (Skeleton("finger", "Finger", ("tip", "middle", "base"), (("tip", "middle"), ("middle", "base"))),),
)


@pytest.fixture
def volume(host: Host):
    return show_radiograph(host, radiograph())


def ras(volume, x: float, y: float) -> list[float]:
    return [float(v) for v in pixels_to_ras(volume, [[x, y]])[0]]


def three() -> list[Landmark]:
    return [
        Landmark(label="carina", author=MODEL, x=45.5, y=33.25, score=0.5),
        Landmark(label="left_apex", author=MODEL, x=70.123456789, y=12.5, visible=False),
        Landmark(label="right_apex", author=ANNA, x=-5.0, y=12.0, visible=False, outside=True),
    ]


def shown(host: Host, volume, marks, schema=SCHEMA):
    """A layer with these landmarks, and its point list."""
    nodes = layers.show_findings(host, volume, Findings(UID, (120, 90), MODEL, tuple(marks)), schema, "Mine")
    return nodes, nodes.landmarks


def titles(node) -> list[str]:
    return [node.GetNthControlPointLabel(index) for index in range(node.GetNumberOfControlPoints())]


def lines(volume, node) -> list[np.ndarray]:
    from vtkmodules.vtkCommonCore import vtkIdList

    data, ids = outlines.of(node).GetPolyData(), vtkIdList()
    found = []
    for cell in range(data.GetNumberOfCells()):
        data.GetCellPoints(cell, ids)
        corners = [data.GetPoint(ids.GetId(index)) for index in range(ids.GetNumberOfIds())]
        found.append(ras_to_pixels(volume, np.array(corners)))
    return found


def test_what_is_not_seen_is_shown_as_such_and_keeps_its_place(host: Host, volume) -> None:
    marks = three()
    _nodes, node = shown(host, volume, marks)
    assert titles(node) == ["Carina", "Apex of left lung (not visible)", "Apex of right lung (outside)"]
    assert [landmarks.state_of(node, index) for index in range(3)] == list(State)
    assert [bool(node.GetNthControlPointSelected(index)) for index in range(3)] == [True, False, False]
    assert node.GetDisplayNode().GetColor() != node.GetDisplayNode().GetSelectedColor()
    ring, square = lines(volume, node)
    np.testing.assert_allclose(ring[:-1].mean(axis=0), (70.123456789, 12.5), atol=1e-4)
    assert len(ring) > 20 and len(square) == 5
    assert landmarks.read_landmarks(node, volume, SCHEMA, ANNA) == marks


def test_a_point_that_is_hidden_is_no_less_visible_in_the_patient(host: Host, volume) -> None:
    marks = three()
    _nodes, node = shown(host, volume, marks)
    node.SetNthControlPointVisibility(0, False)
    assert landmarks.read_landmarks(node, volume, SCHEMA, ANNA) == marks


def test_states_are_changed_and_changed_back(host: Host, volume) -> None:
    marks = three()
    _nodes, node = shown(host, volume, marks)
    landmarks.set_state(node, 0, State.NOT_VISIBLE, volume)
    landmarks.set_state(node, 2, State.VISIBLE, volume)
    read = landmarks.read_landmarks(node, volume, SCHEMA, ANNA)
    assert read == [marks[0].changed(visible=False), marks[1], marks[2].changed(visible=True, outside=False)]
    assert titles(node) == ["Carina (not visible)", "Apex of left lung (not visible)", "Apex of right lung"]
    landmarks.set_state(node, 0, State.VISIBLE, volume)
    landmarks.set_state(node, 2, State.OUTSIDE, volume)
    assert landmarks.read_landmarks(node, volume, SCHEMA, ANNA) == marks


def test_points_moved_sorted_removed_and_added(host: Host, volume) -> None:
    carina, left, right = three()
    _nodes, node = shown(host, volume, [carina, left, right])
    node.SwapControlPoints(0, 2)
    node.SetNthControlPointPositionWorld(2, *ras(volume, 46.0, 34.0))
    node.RemoveNthControlPoint(1)
    added = node.AddControlPointWorld(*ras(volume, 15.0, 90.0))
    node.SetNthControlPointLabel(added, "Right costophrenic angle")
    read = landmarks.read_landmarks(node, volume, SCHEMA, ANNA)
    assert read[0] == right
    assert read[1].changed(x=carina.x, y=carina.y) == carina
    assert (read[1].x, read[1].y) == pytest.approx((46.0, 34.0), abs=1e-6)
    assert (read[2].label, read[2].author) == ("right_costophrenic_angle", ANNA)
    assert landmarks.read_landmarks(node, volume, SCHEMA, ANNA) == read
    assert landmarks.index_of(node, carina.id) == 1 and landmarks.index_of(node, left.id) is None


def test_what_is_offered_is_set_in_order_skipped_or_said_to_be_outside(host: Host, volume) -> None:
    nodes, node = shown(host, volume, [Landmark(label="middle", author=ANNA, x=10.0, y=10.0)], FINGER)
    layers.offer_landmarks(nodes, FINGER)
    layers.offer_landmarks(nodes, FINGER)
    assert titles(node) == ["Middle", "Tip", "Base"] and landmarks.next_point(node) == 1
    assert len(landmarks.read_landmarks(node, volume, FINGER, ANNA)) == 1
    landmarks.skip(node)
    assert landmarks.next_point(node) == 2
    landmarks.set_state(node, 2, State.OUTSIDE, volume)
    assert landmarks.next_point(node) == 1
    landmarks.set_state(node, 1, State.NOT_VISIBLE, volume)
    assert landmarks.next_point(node) == 1  # it still needs a place
    node.SetNthControlPointPositionWorld(1, *ras(volume, 30.0, 20.0))
    assert landmarks.next_point(node) is None
    marks = {mark.label: mark for mark in landmarks.read_landmarks(node, volume, FINGER, ANNA)}
    assert (marks["tip"].x, marks["tip"].visible, marks["tip"].outside) == (pytest.approx(30), False, False)
    assert marks["base"].outside and not marks["base"].visible


def test_a_skeleton_follows_its_points(host: Host, volume) -> None:
    places = {"tip": (20.0, 20.0), "middle": (40.0, 40.0), "base": (60.0, 90.0)}
    marks = [Landmark(label=name, author=ANNA, x=x, y=y) for name, (x, y) in places.items()]
    nodes, node = shown(host, volume, marks, FINGER)
    expected = [[places["tip"], places["middle"]], [places["middle"], places["base"]]]
    np.testing.assert_allclose(lines(volume, node), expected, atol=1e-4)
    live = Live(host, nodes, FINGER)
    node.SetNthControlPointPositionWorld(1, *ras(volume, 50.0, 30.0))
    np.testing.assert_allclose(lines(volume, node)[0][1], (50, 30), atol=1e-4)
    landmarks.set_state(node, 2, State.OUTSIDE, volume)
    skeletons.draw_skeletons(host, node, volume, FINGER)
    square, bone = lines(volume, node)
    assert len(bone) == 2 and len(square) == 5
    node.RemoveNthControlPoint(0)
    assert len(lines(volume, node)) == 1
    live.stop()


def test_a_landmark_is_drawn_where_it_is(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    volume = show_radiograph(host, radiograph(np.zeros((300, 200), np.uint16), spacing=Spacing.unknown()))
    view.show(host, volume)
    node = landmarks.new_landmarks(host, "Landmarks")
    landmarks.show_landmarks(node, volume, [Landmark(label="carina", author=ANNA, x=150.0, y=60.0)], SCHEMA)
    node.GetDisplayNode().SetPointLabelsVisibility(False)
    rows, columns = np.nonzero(view.render(host, size=(800, 1200)).any(axis=2))
    # The middle of pixel (150, 60) at 4 screen pixels each, counted from the corner.
    assert columns.mean() + 0.5 == pytest.approx(4 * 150.5, abs=1.5)
    assert rows.mean() + 0.5 == pytest.approx(4 * 60.5, abs=1.5)
