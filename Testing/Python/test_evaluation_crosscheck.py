"""The figures of an evaluation are those of MONAI, and both are those of torchmetrics, scikit-learn and pycocotools."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.classification.figures import class_figures
from XRayAILib.learning.detection.figures import box_figures, facts
from XRayAILib.learning.evaluation.overlap import overlap_case

torch = pytest.importorskip("torch")
pytest.importorskip("monai")
ANNA = Author.person("anna")
SPACING = Spacing(0.3, 0.2, SpacingSource.CALIBRATED)


def blobs(seed: int, shape: tuple[int, int] = (84, 84)) -> np.ndarray:
    """A region of several pieces with rugged outlines, some of them at the border of the image.

    It is square, because the distances of torchmetrics 1.9 end in an IndexError on other images.
    """
    return gaussian_filter(np.random.default_rng(seed).normal(size=shape), 4) > 0.02


def measured(one: np.ndarray, other: np.ndarray) -> dict:
    both = [
        Findings("1.2", mask.shape, ANNA, (Mask.from_array(mask, label="lung", author=ANNA),)) for mask in (one, other)
    ]
    return overlap_case(*both, ["lung"], SPACING)["lung"]


def tensors(*masks: np.ndarray) -> list:
    return [torch.from_numpy(mask.astype(np.float32))[None, None] for mask in masks]


@pytest.mark.parametrize("seed", range(3))
def test_dice_and_iou(seed):
    from monai.metrics import compute_dice, compute_iou
    from sklearn.metrics import f1_score, jaccard_score
    from torchmetrics.functional.segmentation import dice_score, mean_iou

    one, other = blobs(seed), blobs(seed) ^ (blobs(seed + 50) & blobs(seed + 90))
    ours, (mine, theirs) = measured(one, other), tensors(one, other)
    assert ours["dice"] == pytest.approx(compute_dice(mine, theirs).item())
    assert ours["iou"] == pytest.approx(compute_iou(mine, theirs).item())
    assert ours["dice"] == pytest.approx(dice_score(mine.int(), theirs.int(), 1).item())
    assert ours["iou"] == pytest.approx(mean_iou(mine.int(), theirs.int(), 1).item())
    assert ours["dice"] == pytest.approx(f1_score(other.ravel(), one.ravel()))
    assert ours["iou"] == pytest.approx(jaccard_score(other.ravel(), one.ravel()))


@pytest.mark.parametrize("seed", range(3))
def test_distances_of_outlines_in_millimetres(seed):
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
    from torchmetrics.functional.segmentation import hausdorff_distance

    from XRayAILib.findings.agreement.surface import surface_distance

    one, other = blobs(seed), blobs(seed + 7)
    ours, (mine, theirs) = measured(one, other), tensors(one, other)
    spacing = (SPACING.row, SPACING.column)
    hd95 = compute_hausdorff_distance(mine, theirs, include_background=True, percentile=95, spacing=spacing)
    assd = compute_average_surface_distance(mine, theirs, include_background=True, symmetric=True, spacing=spacing)
    assert ours["unit"] == "mm (calibrated)"
    assert ours["hd95"] == pytest.approx(hd95.item(), rel=1e-5)
    assert ours["assd"] == pytest.approx(assd.item(), rel=1e-5)
    # torchmetrics has no percentile: the largest distance stands for the way both look for outlines.
    whole = hausdorff_distance(mine.int(), theirs.int(), 1, include_background=True, spacing=list(spacing))
    largest = compute_hausdorff_distance(mine, theirs, include_background=True, spacing=spacing)
    masks = [Mask.from_array(mask, label="lung", author=ANNA) for mask in (one, other)]
    assert surface_distance(*masks, SPACING).hd == pytest.approx(largest.item(), rel=1e-5)
    assert largest.item() == pytest.approx(whole.item(), rel=1e-4)


def test_auroc_auprc_and_calibration():
    from monai.metrics import CalibrationErrorMetric, compute_average_precision, compute_roc_auc
    from sklearn.metrics import average_precision_score, roc_auc_score
    from torchmetrics.functional.classification import (
        binary_auroc,
        binary_average_precision,
        binary_calibration_error,
    )

    generator = np.random.default_rng(11)
    truth = (generator.random(150) < 0.3).astype(int)
    scores = np.clip(0.35 * truth + 0.6 * generator.random(150), 0, 1)
    cases = [
        {"ill": {"truth": int(t), "probability": float(s), "uncalibrated": float(s), "over": s > 0.5, "said": s > 0.5}}
        for t, s in zip(truth, scores, strict=True)
    ]
    ours = class_figures(cases, [f"P{i}" for i in range(150)], ["ill"], resamples=50)["labels"]["ill"]
    seen, true = torch.from_numpy(scores), torch.from_numpy(truth)
    expected = {
        "auroc": (roc_auc_score(truth, scores), binary_auroc(seen, true), compute_roc_auc(seen, true)),
        "auprc": (
            average_precision_score(truth, scores),
            binary_average_precision(seen, true),
            compute_average_precision(seen, true),
        ),
    }
    for name, values in expected.items():
        assert [float(value) for value in values] == pytest.approx([ours[name]["value"]] * 3, abs=1e-6), name
    bins = 10
    calibration = CalibrationErrorMetric(num_bins=bins, calibration_reduction="expected")
    # It wants (batch, class, places): a class of which every image is a place.
    calibration(seen[None, None].float(), true[None, None].float())
    theirs = float(calibration.aggregate())
    assert theirs == pytest.approx(binary_calibration_error(seen.float(), true, n_bins=bins).item(), abs=1e-6)
    from XRayAILib.learning.classification.calibration import calibration_parts, expected_calibration_error

    parts = calibration_parts(truth.astype(float), scores, bins)
    assert float(expected_calibration_error(parts.sum(axis=0)[None])[0]) == pytest.approx(theirs, abs=1e-6)


def test_average_precision_of_boxes():
    from torchmetrics.detection import MeanAveragePrecision

    generator = np.random.default_rng(3)
    theirs = MeanAveragePrecision(iou_type="bbox", backend="pycocotools")
    cases = []
    for _ in range(30):
        corners = generator.uniform(0, 200, (3, 2))
        truth = np.concatenate([corners, corners + generator.uniform(40, 90, (3, 2))], axis=1)
        edges = np.concatenate([truth + generator.normal(0, 6, truth.shape), truth[:1] + 70])
        scores = generator.random(len(edges)).round(6)
        cases.append({"lung": facts(edges, scores, truth, 0.5)})
        theirs.update(
            [{"boxes": torch.from_numpy(edges), "scores": torch.from_numpy(scores), "labels": torch.zeros(4).int()}],
            [{"boxes": torch.from_numpy(truth), "labels": torch.zeros(3).int()}],
        )
    ours, expected = box_figures(cases, [f"P{i}" for i in range(30)], ["lung"])["labels"]["lung"], theirs.compute()
    assert ours["ap50"]["value"] == pytest.approx(float(expected["map_50"]), abs=0.003)
    # torchmetrics hands the 101 recalls over in single precision, so that now and then one is missed.
    assert ours["ap"]["value"] == pytest.approx(float(expected["map"]), abs=0.003)
