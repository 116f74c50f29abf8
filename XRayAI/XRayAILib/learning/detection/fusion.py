"""One prediction from those of several models: weighted boxes fusion of findings."""

from __future__ import annotations

from collections.abc import Sequence

from XRayAILib.findings.author import Author
from XRayAILib.findings.consensus_boxes import IOU, fuse
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.learning.detection.edges import drawn, upright


def fused_findings(predictions: Sequence[Findings], author: Author, iou: float = IOU) -> Findings:
    """The boxes of several models in one radiograph as boxes of ``author``, the highest scores first.

    The score of a fused box is the mean of its scores by the part of the models that found it (Solovyev et al., 2021,
    equation 6): what only one of three models sees keeps a third of its score. A turned object counts as the box around
    it.

    Raises
    ------
    ValueError
        The predictions are of different radiographs, or there are none.
    """
    if len({(one.radiograph_uid, one.shape) for one in predictions}) != 1:
        raise ValueError("Only predictions of one and the same radiograph can be fused.")
    labels = dict.fromkeys(label for one in predictions for label in one.labels())
    found = []
    for label in labels:
        for cluster in fuse([[upright(item) for item in drawn(one, label)] for one in predictions], iou):
            x0, y0, x1, y1 = cluster.edges
            found.append(Box(label=label, author=author, score=min(cluster.score, 1.0), x0=x0, y0=y0, x1=x1, y1=y1))
    found.sort(key=lambda box: -(box.score or 0.0))
    return Findings(predictions[0].radiograph_uid, predictions[0].shape, author, tuple(found))
