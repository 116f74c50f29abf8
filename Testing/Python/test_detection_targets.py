"""Boxes on their way to the network's square and back, and with an image that is turned, bent, cut and mirrored."""

import numpy as np
import pytest
import torch

from detection_cases import TEACHER, box, detection
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, ImageLabel
from XRayAILib.findings.shapes import Ellipse, RotatedBox
from XRayAILib.learning.augment import Augmentation
from XRayAILib.learning.detection.edges import edges_of
from XRayAILib.learning.detection.targets import moved
from XRayAILib.learning.displacement import Displacement
from XRayAILib.learning.draws import Draws
from XRayAILib.learning.errors import TrainingError
from XRayAILib.pixels.resample import Letterbox

SIZE = 64


def said(*objects, shape=(100, 80)) -> Findings:
    return Findings("1.2.3", shape, TEACHER, objects)


def turned(degrees: float, flip: bool = False) -> Displacement:
    """The displacement of one image that turns it clockwise about its centre."""
    angle = torch.deg2rad(torch.tensor(-degrees))
    across = -1.0 if flip else 1.0
    rows = [[across * angle.cos(), -angle.sin(), 0.0], [across * angle.sin(), angle.cos(), 0.0]]
    return Displacement(torch.tensor(rows)[None], None, torch.tensor([flip]), SIZE)


def targets_of(task, *objects) -> torch.Tensor:
    return task.tensors(task.target(said(*objects, shape=(SIZE, SIZE)), Letterbox(SIZE, SIZE, SIZE))[None])


def test_a_box_is_where_its_pixels_are_on_the_square():
    """A bright block is resampled to the square; its target covers the same pixels."""
    shape = (96, 72)
    image = np.zeros(shape)
    image[30:60, 12:36] = 1
    letterbox = Letterbox(*shape, SIZE)
    row = detection().target(said(box("hole", 12, 30, 36, 60), shape=shape), letterbox)[0]
    assert row[4] == 1
    square = letterbox.forward(image)
    columns, rows = np.arange(SIZE), np.arange(SIZE)
    # The mass of the block along each axis begins and ends at the edges, to a hundredth of a pixel.
    for profile, places, low, high in ((square.sum(0), columns, row[0], row[2]), (square.sum(1), rows, row[1], row[3])):
        assert (profile * places).sum() / profile.sum() == pytest.approx((low + high) / 2, abs=0.01)
        assert profile.sum() / profile.max() == pytest.approx(high - low, abs=0.01)


@pytest.mark.parametrize("shape", [(100, 80), (333, 1024), (50, 64)])
@pytest.mark.parametrize("cut", [None, (5, 7, 49, 45)])
def test_there_and_back_is_exact(shape, cut):
    letterbox = Letterbox(*shape, 256, cut)
    drawn = Box(label="plate", author=TEACHER, x0=11.25, y0=8.5, x1=40.75, y1=33.125)
    row = detection(size=256).target(said(drawn, shape=shape), letterbox)[0]
    back = letterbox.points_back(row[:4].reshape(2, 2)).ravel()
    assert back == pytest.approx((11.25, 8.5, 40.75, 33.125), abs=1e-3)


def test_a_turned_box_and_an_ellipse_are_learnt_as_the_box_around_them():
    tilted = RotatedBox(label="left_lung", author=TEACHER, x=30, y=40, width=20, height=10, angle=90)
    assert edges_of(tilted) == pytest.approx((25, 30, 35, 50))
    spot = Ellipse(label="spot", author=TEACHER, x=30, y=40, radius_x=10, radius_y=4, angle=30)
    outline = np.array(spot.outline(20_000))
    assert edges_of(spot) == pytest.approx((*outline.min(axis=0), *outline.max(axis=0)), abs=1e-5)
    task = detection("left_lung", "spot")
    rows = task.target(said(tilted, spot), Letterbox(100, 80, SIZE))
    assert rows[:2, 4].tolist() == [0, 1] and np.isnan(rows[2:]).all()


def test_an_image_with_too_many_boxes_says_what_to_do():
    task = detection(options={"max_boxes": 2})
    many = [box("plate", x, 10, x + 5, 20) for x in (1, 10, 20)]
    with pytest.raises(TrainingError, match=r"3 boxes to learn, and options.max_boxes is 2: raise it to 3"):
        task.target(said(*many), Letterbox(100, 80, SIZE))


def test_what_nobody_drew_is_absent_or_not_known():
    plate, view = box("plate", 10, 10, 30, 30), ImageLabel(label="view", author=TEACHER, value="PA")
    labels = ("plate", "hole")

    def unknown(missing, *objects):
        task = detection(missing=missing)
        rows = task.target(said(*objects), Letterbox(100, 80, SIZE))
        return {task.labels[int(row[4])] for row in rows if np.isnan(row[0]) and not np.isnan(row[4])}

    assert unknown("absent", plate) == set() and unknown("unknown", plate) == {"hole"}
    # Somebody approved a reading without anything in it: that is known.
    assert unknown("unknown") == set()
    task = type(detection())
    assert task.teaches(said(), labels, "unknown") and task.teaches(said(plate), labels, "unknown")
    assert not task.teaches(said(view), labels, "unknown") and task.teaches(said(view), labels, "absent")
    assert task.said(said(plate, view), labels) == {"plate"} and task.said(said(), labels) == frozenset()


def test_a_quarter_turn_is_exact_and_a_small_one_does_not_make_the_box_loose():
    task = detection()
    before = targets_of(task, box("plate", 12, 20, 32, 50))
    after = moved(before, turned(90), task.mirrors, 0.3)[0, 0]
    assert after.tolist() == pytest.approx([63 - 49.5, 11.5, 63 - 19.5, 31.5, 0], abs=1e-3)
    area = (before[0, 0, 2:4] - before[0, 0, :2]).prod()
    tilted = moved(before, turned(20), task.mirrors, 0.3)[0, 0]
    # The box around the turned corners would have grown by 70 %; that around the turned ellipse, by 18 %.
    assert 1.0 < float((tilted[2:4] - tilted[:2]).prod() / area) < 1.2
    centre = (before[0, 0, :2] + before[0, 0, 2:4]) / 2
    went = turned(20).points(centre[None, None])[0, 0]
    assert torch.allclose((tilted[:2] + tilted[2:4]) / 2, went, atol=0.05)


def test_boxes_move_with_the_image():
    """After every random change, the bright pixels of a block still lie where its box says."""
    shape = (SIZE, SIZE)
    edges = [(16, 22, 30, 44), (34, 20, 46, 34), (24, 30, 40, 40)]
    moving = {"rotation": 8.0, "scale": 0.2, "shift": 0.1, "stretch": 0.1, "elastic": 0.01, "flip": 0.5}
    task = detection(augmentation={**Augmentation.none().document(), **moving})
    images, rows = torch.zeros(3, 1, *shape), []
    for number, (x0, y0, x1, y1) in enumerate(edges):
        y, x = np.mgrid[:SIZE, :SIZE]
        middle, half = ((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
        oval = ((x - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2 <= 1
        images[number, 0] = torch.from_numpy(oval.astype(np.float32))
        rows.append(task.target(said(box("plate", x0, y0, x1, y1), shape=shape), Letterbox(*shape, SIZE)))
    targets = task.tensors(np.stack(rows))
    for seed in range(5):
        pixels, after = task.augmented(images, targets, Draws([seed * 3, seed * 3 + 1, seed * 3 + 2]))
        for image, (x0, y0, x1, y1, label) in zip(pixels[:, 0], after[:, 0].tolist(), strict=True):
            lit = np.argwhere(image.numpy() > 0.5)
            assert label == 0
            assert lit.min(axis=0) == pytest.approx((y0 + 0.5, x0 + 0.5), abs=1.0)
            assert lit.max(axis=0) == pytest.approx((y1 - 0.5, x1 - 0.5), abs=1.0)


def test_a_mirrored_image_swaps_left_and_right():
    task = detection("right_lung", "left_lung", "plate")
    right = box("right_lung", 5, 10, 25, 50)
    plate = box("plate", 40, 10, 60, 30)
    after = moved(targets_of(task, right, plate), turned(0, flip=True), task.mirrors, 0.3)[0]
    assert after[0].tolist() == pytest.approx([38.5, 9.5, 58.5, 49.5, 1], abs=1e-3)
    assert after[1].tolist() == pytest.approx([3.5, 9.5, 23.5, 29.5, 2], abs=1e-3)
    # What is not known of one side is then not known of the other.
    unsure = detection("right_lung", "left_lung", missing="unknown")
    after = moved(targets_of(unsure, right), turned(0, flip=True), unsure.mirrors, 0.3)[0]
    named = after[~after[:, 4].isnan()]
    assert named[:, 4].tolist() == [1, 0] and named[1, :4].isnan().all()


def test_a_box_is_cut_at_the_border_and_gone_where_hardly_anything_is_left():
    task = detection()
    before = targets_of(task, box("plate", 2, 20, 22, 40), box("hole", 30, 20, 50, 40))
    # Everything goes 10 pixels to the left, then 17.
    for shift, left in ((10, [-0.5, 19.5, 11.5, 39.5, 0]), (17, None)):
        aside = Displacement(
            torch.tensor([[[1.0, 0, 2 * shift / SIZE], [0, 1.0, 0]]]), None, torch.tensor([False]), SIZE
        )
        after = moved(before, aside, task.mirrors, 0.3)[0]
        if left is None:
            assert after[0].isnan().all()
        else:
            assert after[0].tolist() == pytest.approx(left, abs=1e-3)
        assert after[1].tolist() == pytest.approx([29.5 - shift, 19.5, 49.5 - shift, 39.5, 1], abs=1e-3)


def test_a_prediction_is_drawn_as_its_label_is():
    """A rotated box stays one, an ellipse touches the edges that were found."""
    task = detection("plate", "left_lung", "spot")
    edges = np.array([[10.5, 10.5, 30.5, 40.5]] * 3)
    logits = np.full((len(task.anchors.edges), 3), -12.0)
    shifts = np.zeros((len(logits), 4))
    anchor = task.anchors.edges[0].astype(float)
    sides = anchor[2:] - anchor[:2]
    for label, (x0, y0, x1, y1) in enumerate(edges):
        logits[0, label] = 3.0
        middle = (np.array([x0 + x1, y0 + y1]) + 1) / 2
        shifts[0, :2] = (middle - (anchor[:2] + anchor[2:]) / 2) / sides
        shifts[0, 2:] = np.log((x1 - x0, y1 - y0) / sides)
    output = {"class_logits": logits, "box_regression": shifts}
    author = Author.model("boxes", "0" * 64)
    found = task.decode(output, Letterbox(128, 128, SIZE), "1.2.3", author)
    assert [type(item) for item in found] == [Box, RotatedBox, Ellipse]
    for item in found:
        assert edges_of(item) == pytest.approx((21.5, 21.5, 61.5, 81.5), abs=1e-4)
        assert item.author == author and item.score == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-5)
