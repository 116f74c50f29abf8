"""Regions, outlines, boxes, points, differences, against SimpleITK, MONAI, pycocotools, shapely and published data."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from agreement_cases import DETECTOR, blob, perturbed
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.agreement.bland_altman import bland_altman, limits_of
from XRayAILib.findings.agreement.boxes import box_ious
from XRayAILib.findings.agreement.detection import f1_of, froc, match_best, match_by_score, precision_of, recall_of
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.points import landmark_error, within
from XRayAILib.findings.agreement.region import region
from XRayAILib.findings.agreement.surface import outline, path_points, point_distance, surface_distance
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box, FindingError, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, RotatedBox

ANNA, BEN = Author.person("anna"), Author.person("ben")
PIXELS = Spacing.unknown()
ODD = Spacing(0.31, 0.14, SpacingSource.CALIBRATED)
"""Pixels that are more than twice as high as wide."""


def mask(array: np.ndarray, author: Author = ANNA) -> Mask:
    return Mask.from_array(array, label="heart", author=author)


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Regions drawn by two readers: alike, far apart, one inside the other, on the border, in pieces, with a hole."""
    whole = blob(1)
    hole = whole & ~blob(2, size=0.12)
    border = np.zeros_like(whole)
    border[:40, 100:] = True
    pieces = np.zeros_like(whole)
    pieces[20:60, 30:50] = pieces[150:180, 200:240] = True
    one_pixel = np.zeros_like(whole)
    one_pixel[110, 131] = True
    near = perturbed(whole, 7, 3.0)
    return [(whole, near), (hole, near), (border, perturbed(border, 3, 2.0)), (pieces, whole), (one_pixel, hole)]


@pytest.mark.parametrize("one, other", pairs())
def test_overlap_is_that_of_simpleitk(one, other):
    import SimpleITK as sitk

    measured = sitk.LabelOverlapMeasuresImageFilter()
    measured.Execute(*(sitk.GetImageFromArray(array.astype(np.uint8)) for array in (one, other)))
    found = overlap(mask(one), mask(other))
    assert found.dice == pytest.approx(measured.GetDiceCoefficient(), abs=1e-12)
    assert found.iou == pytest.approx(measured.GetJaccardCoefficient(), abs=1e-12)


def test_empty_regions():
    empty, whole = np.zeros((220, 260), bool), blob(1)
    assert overlap(mask(empty), mask(empty)).dice == overlap(mask(empty), mask(empty)).iou == 1.0
    assert overlap(mask(empty), mask(whole)).dice == overlap(mask(whole), mask(empty)).iou == 0.0
    assert surface_distance(mask(empty), mask(empty), DETECTOR) is None
    assert surface_distance(mask(empty), mask(whole), DETECTOR) is None


def test_regions_of_radiographs_of_different_size_are_not_compared():
    with pytest.raises(FindingError, match="cannot be compared"):
        overlap(mask(np.ones((4, 4))), mask(np.ones((4, 5))))


@pytest.mark.parametrize("one, other", pairs())
@pytest.mark.parametrize("spacing", [PIXELS, ODD])
def test_surface_distances_are_those_of_distance_maps_of_simpleitk(one, other, spacing):
    import SimpleITK as sitk

    contours = []
    for array in (one, other):
        # SimpleITK's contour has what lies beyond the image in it, so a row of background is put around.
        image = sitk.GetImageFromArray(np.pad(array, 1).astype(np.uint8))
        image.SetSpacing((spacing.column, spacing.row))
        contours.append(sitk.BinaryContour(image, fullyConnected=False, foregroundValue=1))
    edges = [sitk.GetArrayFromImage(contour) > 0 for contour in contours]
    for edge, array in zip(edges, (one, other), strict=True):
        assert set(zip(*np.nonzero(edge[1:-1, 1:-1]), strict=True)) == set(map(tuple, outline(mask(array)).tolist()))
    maps = [sitk.Abs(sitk.SignedMaurerDistanceMap(c, squaredDistance=False, useImageSpacing=True)) for c in contours]
    there = sitk.GetArrayFromImage(maps[1])[edges[0]]
    back = sitk.GetArrayFromImage(maps[0])[edges[1]]
    # A pixel of an outline is 0 away from it, whatever the map has inside.
    there[edges[1][edges[0]]] = 0
    back[edges[0][edges[1]]] = 0
    found = surface_distance(mask(one), mask(other), spacing)
    assert found.hd95 == pytest.approx(max(np.percentile(there, 95), np.percentile(back, 95)), abs=1e-4)
    assert found.assd == pytest.approx(np.concatenate([there, back]).mean(), abs=1e-4)
    largest = sitk.HausdorffDistanceImageFilter()
    largest.Execute(*contours)
    assert found.hd == pytest.approx(largest.GetHausdorffDistance(), abs=1e-4)


def test_surface_distances_are_those_of_monai():
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    for one, other in pairs():
        tensors = [torch.from_numpy(array)[None, None].float() for array in (one, other)]
        kept = {"include_background": True, "spacing": [0.2, 0.2]}
        hd95 = float(compute_hausdorff_distance(*tensors, percentile=95, **kept))
        assd = float(compute_average_surface_distance(*tensors, symmetric=True, **kept))
        found = surface_distance(mask(one), mask(other), DETECTOR)
        assert found.hd95 == pytest.approx(hd95, abs=1e-4)
        assert found.assd == pytest.approx(assd, abs=1e-4)


def test_a_square_moved_by_a_known_way_in_honest_units():
    square = np.zeros((60, 60), bool)
    square[20:40, 20:40] = True
    moved = surface_distance(mask(square), mask(np.roll(square, 4, axis=0)), ODD)
    assert moved.hd == pytest.approx(4 * 0.31)
    assert str(moved.quantity("hd")) == "1.2 mm (calibrated)"
    assert surface_distance(mask(square), mask(np.roll(square, 4, axis=1)), ODD).hd == pytest.approx(4 * 0.14)
    assert str(surface_distance(mask(square), mask(np.roll(square, 4, axis=1)), PIXELS).quantity("hd")) == "4 px"


def test_lines_are_compared_by_points_on_them():
    one, other = path_points(np.array([[10, 10], [110, 10]])), path_points(np.array([[10, 13], [110, 13]]))
    found = point_distance(one, other, DETECTOR)
    assert (found.hd95, found.assd) == (pytest.approx(0.6), pytest.approx(0.6))


def test_objects_as_regions():
    shape = (80, 100)
    box = Box(label="x", author=ANNA, x0=9.5, y0=19.5, x1=29.5, y1=39.5)
    assert region([box], shape).area == 20 * 20
    polygon = Polygon(label="x", author=ANNA, points=((-20.0, -20.0), (10.0, -20.0), (10.0, 10.0), (-20.0, 10.0)))
    assert region([polygon], shape).area == 100  # the part on the image
    outside = Polygon(label="x", author=ANNA, points=((-20.0, -20.0), (-10.0, -20.0), (-10.0, -10.0)))
    assert region([outside], shape).area == 0
    ellipse = Ellipse(label="x", author=ANNA, x=50.0, y=40.0, radius_x=20.0, radius_y=10.0, angle=30.0)
    assert region([ellipse], shape).area == pytest.approx(ellipse.area, rel=0.01)
    drawn = Mask.from_array(blob(3, shape), label="x", author=ANNA)
    expected = drawn.array()
    expected[20:40, 10:30] = True
    assert (region([drawn, box], shape).array() == expected).all()
    assert region([], shape).area == 0


def boxes(seed: int, count: int, author: Author = ANNA) -> list[Box]:
    random = np.random.default_rng(seed)
    corners, sizes = random.uniform(0, 60, (count, 2)), random.uniform(5, 30, (count, 2))
    return [
        Box(label="nodule", author=author, x0=x, y0=y, x1=x + w, y1=y + h, score=float(random.random()))
        for (x, y), (w, h) in zip(corners.tolist(), sizes.tolist(), strict=True)
    ]


def test_iou_of_boxes_is_that_of_pycocotools():
    from pycocotools import mask as coco

    ones, others = boxes(1, 30), boxes(2, 20)
    lists = [np.array([[b.x0, b.y0, b.width, b.height] for b in several]) for several in (ones, others)]
    assert box_ious(ones, others) == pytest.approx(coco.iou(*lists, [0] * 20), abs=1e-12)
    assert box_ious([], others).shape == (0, 20)


def test_iou_of_rotated_boxes_is_that_of_shapely():
    geometry = pytest.importorskip("shapely.geometry")
    random = np.random.default_rng(4)
    turned = [
        RotatedBox(label="x", author=ANNA, x=x, y=y, width=w, height=h, angle=a)
        for x, y, w, h, a in random.uniform([0, 0, 5, 5, -180], [40, 40, 40, 30, 180], (25, 5)).tolist()
    ]
    some = [*turned[:12], *boxes(5, 3)]
    found = box_ious(turned, some)
    for i, j in itertools.product(range(len(turned)), range(len(some))):
        other = some[j]
        corners = (
            other.corners
            if isinstance(other, RotatedBox)
            else [(other.x0, other.y0), (other.x1, other.y0), (other.x1, other.y1), (other.x0, other.y1)]
        )
        one, two = geometry.Polygon(turned[i].corners), geometry.Polygon(corners)
        assert found[i, j] == pytest.approx(one.intersection(two).area / one.union(two).area, abs=1e-9)


def test_matching_by_score_is_that_of_coco():
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, found, expected = [], [], {}
    for image in range(1, 41):
        targets, detections = boxes(image, 6), boxes(1000 + image, 8)
        # Half of the detections lie near a target.
        near = [
            d.changed(x0=t.x0 + 1, y0=t.y0 - 1, x1=t.x1 + 2, y1=t.y1) for d, t in zip(detections, targets, strict=False)
        ]
        detections = [*near[:4], *detections[4:]]
        truth += [
            {"image_id": image, "bbox": [b.x0, b.y0, b.width, b.height], "area": b.width * b.height} for b in targets
        ]
        found += [
            {"image_id": image, "category_id": 1, "bbox": [b.x0, b.y0, b.width, b.height], "score": b.score}
            for b in detections
        ]
        matching = match_by_score(box_ious(detections, targets), [b.score for b in detections])
        expected[image] = {detections[i].score for i, _ in matching.pairs}
        assert (
            len(matching.pairs) + len(matching.only_first) == 8 and len(matching.pairs) + len(matching.only_second) == 6
        )
    coco = COCO()
    entries = [{**entry, "id": i, "category_id": 1, "iscrowd": 0} for i, entry in enumerate(truth, 1)]
    coco.dataset = {"images": [{"id": i} for i in range(1, 41)], "categories": [{"id": 1}], "annotations": entries}
    coco.createIndex()
    evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
    evaluation.params.iouThrs = np.array([0.5])
    evaluation.evaluate()
    whole = [e for e in evaluation.evalImgs if e is not None and e["aRng"] == [0, 1e10]]
    assert len(whole) == 40
    for entry in whole:
        matched = {s for s, m in zip(entry["dtScores"], entry["dtMatches"][0], strict=True) if m > 0}
        assert matched == expected[entry["image_id"]]
    assert sum(len(scores) for scores in expected.values()) > 100


def test_two_people_are_matched_the_same_whoever_comes_first():
    # By score, or whoever is nearest first, the first object would take the second's only partner.
    ious = np.array([[0.7, 0.6], [0.65, 0.1]])
    assert match_best(ious).pairs == ((0, 1), (1, 0))
    assert match_best(ious.T).pairs == ((0, 1), (1, 0))
    assert match_by_score(ious, [0.9, 0.8]).pairs == ((0, 0),)
    assert match_best(np.zeros((0, 3))).only_second == (0, 1, 2)
    brute = max(
        sum(ious[i, j] for i, j in enumerate(order) if ious[i, j] >= 0.5) for order in itertools.permutations(range(2))
    )
    assert sum(ious[pair] for pair in match_best(ious).pairs) == brute


def test_precision_recall_and_f1_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    sums = np.array([30.0, 12.0, 5.0])
    truth, said = [1] * 30 + [0] * 12 + [1] * 5, [1] * 42 + [0] * 5
    assert precision_of(sums) == pytest.approx(metrics.precision_score(truth, said))
    assert recall_of(sums) == pytest.approx(metrics.recall_score(truth, said))
    assert f1_of(sums) == pytest.approx(metrics.f1_score(truth, said))


def test_the_free_response_curve_is_that_of_monai():
    from monai.metrics import compute_froc_curve_data

    random = np.random.default_rng(8)
    scores, hits = random.random(60), random.random(60) < 0.4
    curve = froc(scores, hits, targets=40, images=12)
    false, sensitivity = compute_froc_curve_data(scores[~hits], scores[hits], num_targets=40, num_images=12)
    # MONAI leaves out the lowest threshold, and ends where nothing is found.
    ours = {(round(x, 9), round(y, 9)) for x, y in zip(curve.false_positives, curve.sensitivity, strict=True)}
    theirs = {(round(x, 9), round(y, 9)) for x, y in zip(false, sensitivity, strict=True)} - {(0.0, 0.0)}
    assert theirs <= ours and len(ours - theirs) == 1
    counted = max(hits[scores >= t].sum() for t in scores if (~hits[scores >= t]).sum() <= 12) / 40
    assert curve.at(1.0) == pytest.approx(counted)
    assert curve.at(-1.0) == 0.0


def test_a_curve_of_equal_scores_has_one_point_and_none_without_targets():
    curve = froc([0.5, 0.5, 0.5], [True, False, True], targets=4, images=2)
    assert (curve.false_positives.tolist(), curve.sensitivity.tolist()) == ([0.5], [0.5])
    assert froc([0.5], [False], targets=0, images=2) is None
    assert froc([], [], targets=3, images=2).at(8.0) == 0.0


def test_landmark_errors_on_real_points_are_those_of_numpy(test_data):
    import csv

    with (test_data / "cephalometric-landmarks" / "landmarks.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    random, errors, expected = np.random.default_rng(2), [], []
    for row in rows:
        one = Landmark(label=row["landmark"], author=ANNA, x=float(row["x"]), y=float(row["y"]))
        dx, dy = random.normal(0, 10, 2)
        errors.append(landmark_error(one, one.changed(x=one.x + dx, y=one.y + dy), ODD).value)
        expected.append(np.linalg.norm([dx * 0.14, dy * 0.31]))
    assert errors == pytest.approx(expected)
    assert within(errors, 2.0).mean() == np.mean(np.array(expected) <= 2.0)


def test_a_landmark_outside_has_no_error():
    one = Landmark(label="apex", author=ANNA, x=1.0, y=1.0)
    assert landmark_error(one, one.changed(outside=True, visible=False), DETECTOR) is None


WRIGHT = [494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427]
MINI = [512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451]
"""Bland and Altman, Lancet 327 (1986), Table 1: first readings of two peak flow meters, 17 subjects, l/min."""


def test_bland_and_altman_of_the_paper():
    found = bland_altman(WRIGHT, MINI)
    assert found.bias.value == pytest.approx(-2.1, abs=0.05) and found.sd == pytest.approx(38.8, abs=0.05)
    assert (found.bias.low, found.bias.high) == (pytest.approx(-22.0, abs=0.1), pytest.approx(17.8, abs=0.1))
    # The paper takes 2 standard deviations for 1.96, and sqrt(3 / n) for the error of a limit: within 3 l/min.
    assert (found.lower.value, found.upper.value) == (pytest.approx(-79.7, abs=1.7), pytest.approx(75.5, abs=1.7))
    assert (found.lower.low, found.lower.high) == (pytest.approx(-114.3, abs=3), pytest.approx(-45.1, abs=3))
    assert (found.upper.low, found.upper.high) == (pytest.approx(40.9, abs=3), pytest.approx(110.1, abs=3))


def test_limits_of_sums_are_the_same():
    differences = np.array(WRIGHT) - np.array(MINI)
    sums = np.array([17, differences.sum(), (differences**2).sum()], float)
    found = bland_altman(WRIGHT, MINI)
    assert limits_of(sums, 0) == pytest.approx(found.bias.value)
    assert limits_of(sums, 1.96) == pytest.approx(found.upper.value)
    assert bland_altman(WRIGHT[:2], MINI[:2]) is None


def test_outlines_are_all_pixels_with_a_neighbour_outside():
    for array in (blob(3), pairs()[1][0]):
        edge = array & ~ndimage.binary_erosion(array)
        assert outline(mask(array)).tolist() == np.argwhere(edge).tolist()
