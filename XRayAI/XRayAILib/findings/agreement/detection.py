"""Detection: which objects of two readers are the same, and what follows from it.

Two people are matched so that the sum of IoUs is largest (Kuhn, 1955, the "Hungarian" way), which is the same whoever
comes first. A reader with scores, a model, is matched greedily by falling score, as COCO does it. In both ways only
pairs with an IoU of at least a threshold count, and every object belongs to one pair at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.agreement.bootstrap import divided

IOU = 0.5
FALSE_POSITIVES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Per image, at which the sensitivity is told (van Ginneken et al., *Med. Image Anal.* 14, 2010)."""


@dataclass(frozen=True)
class Matching:
    """Pairs of indices (first, second), and what nobody else has."""

    pairs: tuple[tuple[int, int], ...]
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]


def match_best(ious: np.ndarray, threshold: float = IOU) -> Matching:
    """The pairs with the largest sum of IoUs of at least ``threshold``; ``ious`` is (first, second)."""
    from scipy.optimize import linear_sum_assignment

    ious = np.asarray(ious, float)
    counted = np.where(ious >= threshold, ious, 0.0)
    rows, columns = linear_sum_assignment(counted, maximize=True)
    return _matching([(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if counted[r, c] > 0], ious.shape)


def match_by_score(ious: np.ndarray, scores: Sequence[float], threshold: float = IOU) -> Matching:
    """By falling score of the first, each with the free object of the second that it overlaps most.

    This is the assignment of COCO (Lin et al., 2014); equal scores stay in their order.
    """
    ious = np.asarray(ious, float)
    free = np.ones(ious.shape[1], bool)
    pairs = []
    for row in np.argsort(-np.asarray(scores, float), kind="stable"):
        counted = np.where(free & (ious[row] >= threshold), ious[row], -1.0)
        if counted.size and counted.max() >= 0:
            column = int(counted.argmax())
            free[column] = False
            pairs.append((int(row), column))
    return _matching(pairs, ious.shape)


def _matching(pairs: list[tuple[int, int]], shape: tuple[int, ...]) -> Matching:
    pairs = sorted(pairs)
    first, second = {a for a, _ in pairs}, {b for _, b in pairs}
    return Matching(
        tuple(pairs),
        tuple(i for i in range(shape[0]) if i not in first),
        tuple(i for i in range(shape[1]) if i not in second),
    )


def precision_of(sums: np.ndarray) -> np.ndarray:
    """Pairs by objects of the reader; sums are (..., 3): pairs, only the reader's, only the reference's."""
    return divided(sums[..., 0], sums[..., 0] + sums[..., 1])


def recall_of(sums: np.ndarray) -> np.ndarray:
    """Pairs by objects of the reference; sums as in :func:`precision_of`."""
    return divided(sums[..., 0], sums[..., 0] + sums[..., 2])


def f1_of(sums: np.ndarray) -> np.ndarray:
    """Twice the pairs by the objects of both: the same whoever is the reference; sums as in :func:`precision_of`."""
    return divided(2 * sums[..., 0], 2 * sums[..., 0] + sums[..., 1] + sums[..., 2])


@dataclass(frozen=True)
class Froc:
    """Sensitivity against false positives per image, from the strictest threshold on the score to the most lenient.

    Attributes
    ----------
    false_positives, sensitivity, thresholds
        One value per score that occurs, falling.
    """

    false_positives: np.ndarray
    sensitivity: np.ndarray
    thresholds: np.ndarray

    def at(self, false_positives: float) -> float:
        """The best sensitivity with at most so many false positives per image; 0 where no threshold allows that few."""
        allowed = self.sensitivity[self.false_positives <= false_positives]
        return float(allowed.max()) if len(allowed) else 0.0


def froc(scores: Sequence[float], hits: Sequence[bool], targets: int, images: int) -> Froc | None:
    """The free-response curve (Bunch et al., 1977; Chakraborty, *Med. Phys.* 16, 1989).

    Parameters
    ----------
    scores, hits
        Of every object of the reader: its score, and whether it was matched.
    targets
        Objects of the reference, found or not.
    images
        Images that were read, with or without objects.

    Returns
    -------
    ``None`` where the reference has no object, or nothing was read.
    """
    if not targets or not images:
        return None
    order = np.argsort(-np.asarray(scores, float), kind="stable")
    sorted_scores, sorted_hits = np.asarray(scores, float)[order], np.asarray(hits, bool)[order]
    # Objects of one score come in together: no threshold lies between them.
    last = np.flatnonzero(np.diff(sorted_scores, append=-np.inf)) if len(order) else np.zeros(0, int)
    found = np.cumsum(sorted_hits)[last]
    false = np.cumsum(~sorted_hits)[last]
    return Froc(false / images, found / targets, sorted_scores[last])
