"""From the output of a network to boxes: anchors, coding, suppression, fusion, thresholds."""

import numpy as np
import pytest
import torch

from detection_cases import TEACHER, box, detection
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.detection.candidates import Selection, best, boxes_of, shifted, weighted
from XRayAILib.learning.detection.fusion import fused_findings
from XRayAILib.learning.detection.network import NETWORKS, Anchors, anchors_of, box_network
from XRayAILib.learning.detection.thresholds import best_threshold
from XRayAILib.learning.errors import TrainingError
from XRayAILib.pixels.resample import Letterbox

AUTHOR = Author.model("boxes", "0" * 64)


def random_boxes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    corners = generator.uniform(0, 60, (count, 2))
    return np.concatenate([corners, corners + generator.uniform(5, 40, (count, 2))], 1), generator.uniform(0, 1, count)


@pytest.mark.parametrize("seed", range(3))
def test_suppression_keeps_what_torchvision_and_monai_keep(seed):
    from monai.data.box_utils import non_max_suppression
    from torchvision.ops import nms

    edges, scores = random_boxes(200, seed)
    kept = best(edges, scores, 0.5)
    assert kept.tolist() == nms(torch.from_numpy(edges), torch.from_numpy(scores), 0.5).tolist()
    assert kept.tolist() == non_max_suppression(edges, scores, 0.5).tolist()
    assert 10 < len(kept) < 200


def test_weighted_fusion_is_the_mean_by_scores():
    """Three boxes of one object and one of another; the last joins nothing."""
    edges = np.array([[10, 10, 30, 30], [12, 10, 32, 30], [10, 14, 30, 34], [50, 50, 60, 60]], float)
    scores = np.array([0.6, 0.3, 0.1, 0.5])
    boxes, tops = weighted(edges, scores)
    assert tops.tolist() == [0.6, 0.5]
    assert boxes[0] == pytest.approx((0.6 * edges[0] + 0.3 * edges[1] + 0.1 * edges[2]) / 1.0)
    assert boxes[1] == pytest.approx(edges[3])
    none, nothing = weighted(np.zeros((0, 4)), np.zeros(0))
    assert none.shape == (0, 4) and nothing.shape == (0,)


def test_a_box_joins_the_fused_box_that_it_overlaps_most():
    edges = np.array([[0, 0, 20, 20], [12, 0, 32, 20], [9, 0, 29, 20]], float)
    boxes, tops = weighted(edges, np.array([0.9, 0.8, 0.4]))
    assert len(tops) == 2
    assert boxes[0] == pytest.approx(edges[0]) and boxes[1] == pytest.approx((2 * edges[1] + edges[2]) / 3)


def test_the_coding_is_that_of_monai():
    from monai.apps.detection.utils.box_coder import BoxCoder

    anchors, _ = random_boxes(50, 0)
    shifts = np.random.default_rng(1).normal(0, 1, (50, 4))
    shifts[0, 2] = 50.0
    theirs = BoxCoder((1.0, 1.0, 1.0, 1.0)).decode_single(torch.from_numpy(shifts), torch.from_numpy(anchors))
    assert shifted(anchors, shifts) == pytest.approx(theirs.numpy(), rel=1e-5, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_says_something_of_every_anchor_and_a_gradient_reaches_all_of_it(name):
    arguments = {**NETWORKS[name], "planes": [8, 8, 16, 16], "channels": 8}
    network = box_network(name, 2, arguments)
    output = network(torch.rand(2, 1, 96, 96))
    anchors = anchors_of(96, arguments)
    assert output["class_logits"].shape == (2, len(anchors.edges), 2)
    assert output["box_regression"].shape == (2, len(anchors.edges), 4)
    assert sum(anchors.levels) * anchors.each == len(anchors.edges)
    sum(value.square().sum() for value in output.values()).backward()
    without = [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()]
    assert not without


def test_outputs_stand_in_the_order_of_the_anchors():
    """A network whose maps hold their own position: MONAI's anchors of the same row have their centre there."""
    arguments = {**NETWORKS["RetinaNet-ResNet10"], "planes": [8, 8, 8, 8], "channels": 8, "levels": [2, 3]}
    network = box_network("RetinaNet-ResNet10", 1, arguments).retinanet
    anchors = anchors_of(64, arguments)
    maps = [torch.stack(torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")) for n in (8, 4, 2)]
    each = anchors.each
    network.regression_head.conv = torch.nn.Identity()
    network.regression_head.bbox_reg = torch.nn.Identity()
    network.classification_head.conv = torch.nn.Identity()
    network.classification_head.cls_logits = torch.nn.Conv2d(each * 4, each, 1)

    class Places(torch.nn.Module):
        def forward(self, images):
            return {str(i): level.float().repeat(2 * each, 1, 1)[None] for i, level in enumerate(maps)}

    wrapped = box_network("RetinaNet-ResNet10", 1, arguments)
    wrapped.retinanet = network
    network.feature_extractor.body, network.feature_extractor.fpn = torch.nn.Identity(), Places()
    places = wrapped(torch.zeros(1, 1, 64, 64))["box_regression"][0].numpy()
    strides = np.repeat([8, 16, 32], [n * each for n in anchors.levels])
    centres = (anchors.edges[:, :2] + anchors.edges[:, 2:]) / 2
    assert (places[:, 1] + 0.5) * strides == pytest.approx(centres[:, 0])
    assert (places[:, 0] + 0.5) * strides == pytest.approx(centres[:, 1])


def test_encoder_weights_bear_torchvisions_names():
    from torchvision.models import resnet18

    ours = box_network("RetinaNet-ResNet18", 2, NETWORKS["RetinaNet-ResNet18"]).state_dict()
    start = "retinanet.feature_extractor.body."
    mine = {name[len(start) :]: tuple(value.shape) for name, value in ours.items() if name.startswith(start)}
    theirs = {name: tuple(value.shape) for name, value in resnet18().state_dict().items() if "fc." not in name}
    assert mine.pop("conv1.weight")[1] == 1 and theirs.pop("conv1.weight")[1] == 3
    assert mine == theirs


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"channels": 12}, "multiple of 8"),
        ({"levels": [3, 2]}, "must rise"),
        ({"levels": [5]}, "must rise and lie in 1 to 4"),
        ({"planes": [8, 8]}, "must be 4 numbers"),
    ],
)
def test_arguments_that_make_no_network_are_refused(arguments, reason):
    with pytest.raises(TrainingError, match=reason):
        detection(network_arguments=arguments).network()


@pytest.mark.parametrize("preset", ["quick", "standard", "best"])
def test_the_presets_are_valid(preset):
    config = TrainingConfig.from_preset(preset, "detection")
    assert config.valid() == (True, "") and config.missing == "absent"


def test_options_that_make_no_sense_are_told():
    config = TrainingConfig.from_preset("quick", "detection")
    for options, message in (
        ({"fusion": "mean"}, "options.fusion: 'mean' is none of weighted, best"),
        ({"max_boxes": 0}, "options.max_boxes: 0 must lie in 1 to 1000"),
        ({"overlap": 2}, "options.overlap: 2 must lie in 0 to 1"),
        ({"thresholds": 0.3}, "did you mean 'threshold'"),
    ):
        with pytest.raises(TrainingError, match=message):
            config.changed(options=options)


def output_of(task, *found: tuple[int, float, tuple[float, ...]]) -> dict[str, np.ndarray]:
    """A network's output that says these (label, score, edges in the square); every other anchor says nothing."""
    anchors = task.anchors.edges.astype(float)
    logits = np.full((len(anchors), len(task.labels)), -20.0, np.float32)
    shifts = np.zeros((len(anchors), 4), np.float32)
    for row, (label, score, edges) in enumerate(found):
        sides, target = anchors[row, 2:] - anchors[row, :2], np.array(edges) + 0.5
        shifts[row, :2] = ((target[:2] + target[2:]) - (anchors[row, :2] + anchors[row, 2:])) / 2 / sides
        shifts[row, 2:] = np.log((target[2:] - target[:2]) / sides)
        logits[row, label] = np.log(score / (1 - score))
    return {"class_logits": logits, "box_regression": shifts}


def test_boxes_come_back_on_the_radiographs_grid_and_end_at_its_border():
    """A wide radiograph: the square has bars above and below, where a box has nothing to look for."""
    task, letterbox = detection(), Letterbox(100, 200, 64)
    inside, beyond = box("plate", 40, 20, 80, 60), (90.5, -30.0, 150.5, 49.5)
    place = letterbox.points_forward(np.array([inside.x0, inside.y0, inside.x1, inside.y1]).reshape(2, 2)).ravel()
    high = letterbox.points_forward(np.array(beyond).reshape(2, 2)).ravel()
    found = task.decode(output_of(task, (0, 0.9, place), (1, 0.8, high)), letterbox, "1.2.3", AUTHOR)
    plate, hole = found.objects
    assert (plate.x0, plate.y0, plate.x1, plate.y1) == pytest.approx((39.5, 19.5, 79.5, 59.5), abs=1e-4)
    assert (hole.x0, hole.y0, hole.x1, hole.y1) == pytest.approx((90.5, -0.5, 150.5, 49.5), abs=1e-4)
    assert (plate.label, hole.label) == ("plate", "hole") and (plate.score, hole.score) == pytest.approx((0.9, 0.8))


@pytest.mark.parametrize("fusion", ["best", "weighted"])
def test_boxes_of_one_label_become_one_and_those_of_two_labels_stay(fusion):
    task = detection(options={"fusion": fusion})
    said = [
        (0, 0.9, (10, 10, 30, 30)),
        (0, 0.3, (14, 10, 34, 30)),
        (1, 0.6, (11, 10, 31, 30)),
        (1, 0.001, (0, 0, 9, 9)),
    ]
    found = task.boxes(output_of(task, *said))
    assert found.labels.tolist() == [0, 1] and found.scores == pytest.approx([0.9, 0.6])
    left = 10 if fusion == "best" else (0.9 * 10 + 0.3 * 14) / 1.2
    assert found.edges[0] == pytest.approx((left, 10, left + 20, 30), abs=1e-3)


def test_no_more_boxes_are_kept_than_asked_for_and_none_where_there_is_none():
    edges = np.array([[x, x, x + 8, x + 8] for x in range(0, 50, 10)], np.float32)
    logits = np.array([[2.0], [4.0], [1.0], [3.0], [-9.0]], np.float32)
    kept = boxes_of(logits, np.zeros((5, 4)), Anchors(edges, (5,), 1), 64, Selection(0.05, "best", 0.5, 3))
    assert kept.edges[:, 0].tolist() == [9.5, 29.5, -0.5] and (np.diff(kept.scores) < 0).all()
    broken = boxes_of(logits * np.nan, np.zeros((5, 4)), Anchors(edges, (5,), 1), 64, Selection(0.05, "best", 0.5, 3))
    assert len(broken.scores) == 0


def test_the_threshold_is_the_one_of_the_best_f1():
    scores, hits = np.array([0.9, 0.8, 0.6, 0.5, 0.2]), np.array([True, False, True, True, False])
    # F1 at 0.5: 3 of 4 shown are right and 3 of 4 are found.
    assert best_threshold(scores, hits, 4) == (0.35, pytest.approx(0.75))
    value, reached = best_threshold(scores, np.zeros(5, bool), 4)
    assert value == 0.5 and np.isnan(reached)
    assert best_threshold(np.array([0.7]), np.array([True]), 1) == (0.35, 1.0)
    # Nothing lies between equal scores, and none of them can be left out alone.
    assert best_threshold(np.array([0.7, 0.7, 0.7]), np.array([True, False, False]), 1) == (0.35, 0.5)


def test_a_person_is_shown_what_lies_above_the_fitted_threshold():
    fitted = {"thresholds": {"plate": 0.3}}
    said = Findings("1.2.3", (64, 64), AUTHOR, (box("plate", 1, 1, 9, 9, 0.31), box("plate", 20, 1, 29, 9, 0.29)))
    more = said.with_objects([box("hole", 1, 1, 9, 9, 0.6), box("hole", 1, 20, 9, 29, 0.4)])
    assert [item.score for item in detection(fitted=fitted).shown(more)] == [0.31, 0.6]
    asked = detection(fitted=fitted, options={"threshold": 0.35})
    assert [item.score for item in asked.shown(more)] == [0.6, 0.4]
    assert len(detection(fitted=fitted).shown(Findings("1.2.3", (64, 64), TEACHER, (box("hole", 1, 1, 9, 9),)))) == 1


def test_several_models_are_fused_by_the_part_that_saw_a_box():
    def says(*objects):
        return Findings("1.2.3", (64, 64), AUTHOR, objects)

    first = says(box("plate", 10, 10, 30, 30, 0.9), box("hole", 40, 40, 50, 50, 0.3))
    second = says(box("plate", 12, 10, 32, 30, 0.6))
    both = Author.model("both", "1" * 64)
    found = fused_findings([first, second, says()], both)
    assert found.labels() == ["plate", "hole"] and found.author == both
    plate, hole = found.objects
    assert plate.x0 == pytest.approx((0.9 * 9.5 + 0.6 * 11.5) / 1.5) and plate.score == pytest.approx(0.75 * 2 / 3)
    assert hole.score == pytest.approx(0.1)
    with pytest.raises(ValueError, match="one and the same radiograph"):
        fused_findings([first, Findings("9", (64, 64), AUTHOR)], both)
