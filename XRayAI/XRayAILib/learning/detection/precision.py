"""Average precision as COCO defines it, and sensitivity against false positives, for many draws of patients at once.

COCO (Lin et al., *Microsoft COCO*, ECCV 2014, and its evaluation code) matches greedily by falling score at ten IoUs,
makes the precision fall with the recall, and takes its mean at 101 recalls. A match depends on its image alone, so it
is found once per image; a draw of patients only counts images more or less often. All curves here are therefore sums
over images, along the last axis by falling score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided
from XRayAILib.findings.agreement.boxes import edge_ious
from XRayAILib.findings.agreement.detection import match_by_score

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100
"""Boxes of a label in an image that count, those with the highest scores."""


def matched(edges: np.ndarray, scores: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes of an image are right at which IoU.

    Parameters
    ----------
    edges, scores
        (N, 4) and (N,) of what was found.
    truth
        (M, 4) of what is there.

    Returns
    -------
    hits
        (N, 10) bool, at each of :data:`IOUS`.
    partners
        (N,) index of the true box at the first of them, -1 for none.
    """
    hits, partners = np.zeros((len(edges), len(IOUS)), bool), np.full(len(edges), -1)
    if not len(edges) or not len(truth):
        return hits, partners
    ious = edge_ious(edges, truth)
    # Most of what has a low score is near nothing.
    near = np.flatnonzero(ious.max(axis=1) >= IOUS[0])
    for column, least in enumerate(IOUS):
        for row, partner in match_by_score(ious[near], list(scores[near]), min(float(least), 1 - 1e-10)).pairs:
            hits[near[row], column] = True
            if column == 0:
                partners[near[row]] = partner
    return hits, partners


def average_precision(hits: np.ndarray, false: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Average precision from counts by falling score.

    Parameters
    ----------
    hits, false
        (..., N) how many were right and wrong at each score.
    targets
        (...) how many there are to be found.

    Returns
    -------
    (...) in 0..1; NaN where there is nothing to be found.
    """
    right = np.cumsum(hits, axis=-1, dtype=float)
    every = right + np.cumsum(false, axis=-1, dtype=float)
    precision = np.divide(right, every + np.spacing(1))
    precision = np.flip(np.maximum.accumulate(np.flip(precision, axis=-1), axis=-1), axis=-1)
    recall = divided(right, np.asarray(targets, float)[..., None])
    # A recall level is reached at the first score whose recall is at least that; so many are reached here.
    reached = np.searchsorted(RECALLS, recall.ravel(), side="right").reshape(recall.shape)
    gained = np.diff(reached, axis=-1, prepend=0)
    found = (precision * gained).sum(axis=-1) / len(RECALLS)
    return np.where(np.asarray(targets) > 0, found, np.nan)


def sensitivity_at(
    hits: np.ndarray, false: np.ndarray, targets: np.ndarray, images: np.ndarray, allowed: Sequence[float]
) -> np.ndarray:
    """Best sensitivity with at most so many false positives per image.

    Parameters
    ----------
    hits, false
        (..., N) counts by falling score, scores that are equal together.
    targets, images
        (...) how many there are to be found, and images that were read.

    Returns
    -------
    (..., allowed); 0 where no threshold allows that few, NaN where there is nothing to be found.
    """
    sensitivity = divided(np.cumsum(hits, axis=-1, dtype=float), np.asarray(targets, float)[..., None])
    wrong = divided(np.cumsum(false, axis=-1, dtype=float), np.asarray(images, float)[..., None])
    found = []
    for most in allowed:
        # Both only rise as the threshold falls, so the last score that is allowed is the best.
        best = np.where(wrong <= most, sensitivity, 0.0).max(axis=-1, initial=0.0)
        found.append(np.where(np.asarray(targets) > 0, best, np.nan))
    return np.stack(found, axis=-1)


def groups(scores: np.ndarray, most: int) -> np.ndarray:
    """Number of the group of each score, 0 for the highest: equal scores together, and at most ``most`` groups.

    With more different scores than that, neighbours share a group, all groups being as large as each other.
    """
    order = np.argsort(-scores, kind="stable")
    # Where a score differs from the one before it, a group begins.
    rank = np.cumsum(np.diff(scores[order], prepend=np.inf) != 0) - 1 if len(scores) else np.zeros(0, int)
    if len(rank) and rank[-1] >= most:
        rank = rank * most // (rank[-1] + 1)
    found = np.empty(len(scores), int)
    found[order] = rank
    return found
