"""How well probabilities put images in order, for many weightings of the images at once.

A bootstrap draw is nothing but a weight for each image: how often it was drawn. So the order is found once, and a
figure of 2000 draws is a few sums over a matrix.
"""

from __future__ import annotations

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided


def auroc(truth: np.ndarray, probability: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve: how often a positive image has the higher probability; a tie counts half.

    Hanley and McNeil, *Radiology* 1982;143:29-36.

    Parameters
    ----------
    truth, probability
        (N,).
    weights
        (draws, N) how often each image counts; ``None`` for once each.

    Returns
    -------
    (draws,): NaN where one of the two kinds of image is missing.
    """
    positive, negative, last = _sorted(truth, probability, weights)
    below = np.cumsum(negative, axis=1)
    # Up to the end of an image's group of ties, and up to its beginning.
    ends = below[:, last]
    begins = np.concatenate([np.zeros((len(below), 1)), ends[:, :-1]], axis=1)
    held = np.diff(np.cumsum(positive, axis=1)[:, last], axis=1, prepend=0)
    won = (held * (begins + ends) / 2).sum(axis=1)
    return divided(won, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision(truth: np.ndarray, probability: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the precision-recall curve, as the sum of precision times gained recall, without interpolation.

    Davis and Goadrich, ICML 2006, on why nothing is drawn between its points. Parameters as of :func:`auroc`; NaN where
    no image is positive.
    """
    positive, negative, last = _sorted(truth, -np.asarray(probability, float), weights)
    found = np.cumsum(positive, axis=1)[:, last]
    raised = found + np.cumsum(negative, axis=1)[:, last]
    precision = divided(found, raised)
    gained = np.diff(found, axis=1, prepend=0)
    return divided((np.nan_to_num(precision) * gained).sum(axis=1), positive.sum(axis=1))


def roc_points(truth: np.ndarray, probability: np.ndarray) -> list[tuple[float, float, float]]:
    """(1 - specificity, sensitivity, threshold) from the strictest threshold to the loosest; both kinds must occur."""
    positive, negative, last = _sorted(truth, -np.asarray(probability, float), None)
    found, raised = np.cumsum(positive[0])[last], np.cumsum(negative[0])[last]
    edges = np.sort(np.asarray(probability, float))[::-1][last]
    points = zip(raised / max(raised[-1], 1), found / max(found[-1], 1), edges, strict=True)
    return [(0.0, 0.0, 1.0), *((float(x), float(y), float(t)) for x, y, t in points)]


def precision_recall_points(truth: np.ndarray, probability: np.ndarray) -> list[tuple[float, float, float]]:
    """(recall, precision, threshold) from the strictest threshold to the loosest; a positive image must occur."""
    positive, negative, last = _sorted(truth, -np.asarray(probability, float), None)
    found, raised = np.cumsum(positive[0])[last], np.cumsum(positive[0] + negative[0])[last]
    edges = np.sort(np.asarray(probability, float))[::-1][last]
    points = zip(found / max(found[-1], 1), found / raised, edges, strict=True)
    return [(float(x), float(y), float(t)) for x, y, t in points]


def _sorted(
    truth: np.ndarray, values: np.ndarray, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (draws, N) of positive and negative images by rising value, and where each group of ties ends."""
    values = np.asarray(values, float)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    whole = np.ones((1, len(values))) if weights is None else np.asarray(weights, float)
    whole = whole[:, order]
    is_positive = (np.asarray(truth)[order] == 1).astype(float)
    return whole * is_positive, whole * (1 - is_positive), last
