"""From what a network of anchors gives to boxes: scores, edges, and one box where many say the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.agreement.boxes import edge_ious
from XRayAILib.learning.detection.network import Anchors

LARGEST_STEP = float(np.log(1000 / 16))
"""Of the logarithm of an edge, as MONAI's and torchvision's box coders clip it."""
CANDIDATES = 400
"""Highest scores of a label that are looked at in one image."""
FUSED = 0.55
"""IoU from which weighted boxes fusion takes two boxes for one: the paper's best."""


@dataclass(frozen=True)
class Boxes:
    """Boxes that were found in one image, by falling score.

    Attributes
    ----------
    edges
        (N, 4) x0, y0, x1, y1: outer edges in pixels, pixel centres at integers.
    scores
        (N,) 0..1.
    labels
        (N,) positions of their labels.
    """

    edges: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def of(self, label: int) -> tuple[np.ndarray, np.ndarray]:
        """Edges and scores of one label."""
        mine = self.labels == label
        return self.edges[mine], self.scores[mine]

    def within(self, columns: float, rows: float) -> Boxes:
        """Cut off at the border of an image of this size; a box with less than a pixel left in an axis is gone."""
        edges = np.clip(self.edges, -0.5, np.array([columns, rows, columns, rows]) - 0.5)
        kept = (edges[:, 2:] - edges[:, :2] >= 1).all(axis=1)
        return Boxes(edges[kept], self.scores[kept], self.labels[kept])


@dataclass(frozen=True)
class Selection:
    """Which of a network's boxes are kept.

    Attributes
    ----------
    floor
        Lowest score that is looked at.
    fusion
        ``best``: of boxes of one label that overlap, the one with the highest score stays (non-maximum suppression);
        ``weighted``: their mean by scores does.
    overlap
        IoU above which two boxes are one, for ``best``.
    most
        Boxes of all labels together, those with the highest scores.
    """

    floor: float
    fusion: str
    overlap: float
    most: int


def boxes_of(logits: np.ndarray, shifts: np.ndarray, anchors: Anchors, size: int, selection: Selection) -> Boxes:
    """The boxes of one image, in pixels of the network's square of ``size``.

    Parameters
    ----------
    logits, shifts
        (A, classes) and (A, 4): what the network gives for the image.
    """
    found = []
    for label in range(logits.shape[1]):
        chances = 1 / (1 + np.exp(-np.clip(logits[:, label].astype(np.float64), -60, 60)))
        order = np.argsort(-chances, kind="stable")[:CANDIDATES]
        order = order[chances[order] >= selection.floor]
        edges, scores = shifted(anchors.edges[order], shifts[order]) - 0.5, chances[order]
        inside = Boxes(edges, scores, np.full(len(order), label)).within(size, size)
        edges, scores = inside.edges, inside.scores
        if selection.fusion == "weighted":
            edges, scores = weighted(edges, scores)
        else:
            kept = best(edges, scores, selection.overlap)
            edges, scores = edges[kept], scores[kept]
        found.append(Boxes(edges, scores, np.full(len(scores), label)))
    together = np.concatenate([one.scores for one in found])
    order = np.argsort(-together, kind="stable")[: selection.most]
    edges, labels = (np.concatenate([getattr(one, name) for one in found]) for name in ("edges", "labels"))
    return Boxes(edges[order], together[order], labels[order])


def shifted(anchors: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Anchors (N, 4) moved by what a network says (N, 4): centre by parts of the edges, edges by their logarithm.

    This is the coding of Faster R-CNN (Ren et al., 2015), as MONAI's ``BoxCoder`` decodes it with weights of 1.
    """
    anchors, shifts = anchors.astype(np.float64), shifts.astype(np.float64)
    edges = anchors[:, 2:] - anchors[:, :2]
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2 + shifts[:, :2] * edges
    half = edges * np.exp(np.minimum(shifts[:, 2:], LARGEST_STEP)) / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def best(edges: np.ndarray, scores: np.ndarray, overlap: float) -> np.ndarray:
    """Non-maximum suppression: positions of the boxes that overlap none of a higher score by more, best first."""
    order = np.argsort(-scores, kind="stable")
    ious = edge_ious(edges[order], edges[order])
    free = np.ones(len(order), bool)
    kept = []
    for place, position in enumerate(order):
        if free[place]:
            kept.append(int(position))
            free &= ious[place] <= overlap
    return np.array(kept, int)


def weighted(edges: np.ndarray, scores: np.ndarray, overlap: float = FUSED) -> tuple[np.ndarray, np.ndarray]:
    """Weighted boxes fusion of what one network says (Solovyev, Wang, Gabruseva, *Image Vis. Comput.* 107, 2021).

    By falling score, each box joins the cluster whose fused box it overlaps most, or begins one. A fused box is the
    mean of its boxes weighted by their scores; its score is the highest of them, because neighbouring anchors are no
    readers of their own, whose mean would mean something.

    Returns
    -------
    Edges (M, 4) and scores (M,), by falling score.
    """
    order = np.argsort(-scores, kind="stable")
    sums, weights, tops = np.zeros((len(order), 4)), np.zeros(len(order)), np.zeros(len(order))
    count = 0
    for edge, score in zip(edges[order], scores[order], strict=True):
        place = count
        if count:
            ious = edge_ious(edge[None], sums[:count] / weights[:count, None])[0]
            nearest = int(ious.argmax())
            place = nearest if ious[nearest] > overlap else count
        if place == count:
            tops[place], count = score, count + 1
        sums[place] += score * edge
        weights[place] += score
    return sums[:count] / weights[:count, None], tops[:count]
