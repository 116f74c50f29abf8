"""Consensus of boxes: weighted boxes fusion (Solovyev, Wang and Gabruseva, *Image Vis. Comput.* 107, 2021).

Boxes of all readers are gone through by falling score (a person's counts as 1). Each joins the cluster whose fused box
it overlaps most, from a threshold on, or begins one; the fused box is the mean of the cluster's boxes weighted by their
scores. At the end the score of a cluster is the mean of its scores by the part of the readers that are in it. Unlike in
the paper, a reader counts once in a cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from XRayAILib.findings.agreement.boxes import box_ious
from XRayAILib.findings.objects import Box

IOU = 0.55
"""The paper's best threshold."""


@dataclass(frozen=True)
class Fused:
    """A cluster.

    Attributes
    ----------
    edges
        x0, y0, x1, y1 of the fused box.
    score
        0..1.
    members
        The boxes it was made of, the highest score first.
    readers
        Index of the reader of each member.
    """

    edges: tuple[float, float, float, float]
    score: float
    members: tuple[Box, ...]
    readers: tuple[int, ...]


def fuse(boxes: Sequence[Sequence[Box]], iou: float = IOU) -> list[Fused]:
    """Weighted boxes fusion of one label's boxes on one image, all clusters; one sequence of boxes per reader."""
    flat = [(reader, box) for reader, own in enumerate(boxes) for box in own]
    flat.sort(key=lambda entry: (-_score(entry[1]), entry[0], entry[1].x0, entry[1].y0, entry[1].x1, entry[1].y1))
    clusters: list[list[tuple[int, Box]]] = []
    fused: list[Box] = []
    for reader, box in flat:
        place = _nearest(
            box, [f if reader not in {r for r, _ in c} else None for f, c in zip(fused, clusters, strict=True)], iou
        )
        if place is None:
            clusters.append([(reader, box)])
            fused.append(box)
        else:
            clusters[place].append((reader, box))
            x0, y0, x1, y1 = _mean([member for _, member in clusters[place]])
            fused[place] = box.changed(x0=x0, y0=y0, x1=x1, y1=y1)
    found = []
    for cluster in clusters:
        members = tuple(box for _, box in cluster)
        score = float(np.mean([_score(box) for box in members])) * len(cluster) / len(boxes)
        found.append(Fused(_mean(members), score, members, tuple(reader for reader, _ in cluster)))
    return sorted(found, key=lambda f: (-f.score, f.edges))


def _nearest(box: Box, fused: Sequence[Box | None], iou: float) -> int | None:
    """The cluster that a box belongs to; ``None`` in the place of one that has a box of the same reader."""
    ious = np.array([0.0 if other is None else float(box_ious([box], [other])[0, 0]) for other in fused])
    return int(ious.argmax()) if ious.size and ious.max() >= iou else None


def _mean(boxes: Sequence[Box]) -> tuple[float, float, float, float]:
    weights = np.array([_score(box) for box in boxes])
    weights = weights if weights.sum() > 0 else np.ones(len(boxes))
    edges = np.average([(box.x0, box.y0, box.x1, box.y1) for box in boxes], axis=0, weights=weights)
    return float(edges[0]), float(edges[1]), float(edges[2]), float(edges[3])


def _score(box: Box) -> float:
    return 1.0 if box.score is None else box.score
