"""The task of a model made elsewhere: ours, but for detectors, whose boxes come chosen and not from anchors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.legend import Legend
from XRayAILib.learning.models.description import Description
from XRayAILib.learning.task import Task, make_task


def foreign_task(config: TrainingConfig, legend: Legend, fitted: Mapping[str, Any], description: Description) -> Task:
    """The task that decodes what :mod:`.outputs` made of the network's outputs."""
    if config.task != "detection":
        return make_task(config, legend, fitted)
    from XRayAILib.learning.detection.candidates import Boxes
    from XRayAILib.learning.tasks.detection import Detection

    positions = {label.name: position for position, label in enumerate(legend)}
    order = np.array([-1 if label is None else positions[label.label] for label in description.labels])

    class ChosenBoxes(Detection):
        """Reads ``found`` (N, 6): edges, score and the number of the class."""

        def boxes(self, output: Mapping[str, np.ndarray]) -> Boxes:
            rows = np.asarray(output["found"], float)
            rows = rows[np.isfinite(rows).all(axis=1) & (rows[:, 4] >= self.options.score_floor)]
            numbers = np.rint(rows[:, 5]).astype(int)
            known = (numbers >= 0) & (numbers < len(order))
            rows, labels = rows[known], order[numbers[known]]
            rows, labels = rows[labels >= 0], labels[labels >= 0]
            best = np.argsort(-rows[:, 4], kind="stable")[: self.options.max_boxes]
            return Boxes(rows[best, :4], np.clip(rows[best, 4], 0, 1), labels[best])

    return ChosenBoxes(legend, config, fitted)
