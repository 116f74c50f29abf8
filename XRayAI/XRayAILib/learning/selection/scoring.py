"""One image as the choice of the next cases sees it: how unsure the model is of it, and what it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.learning.inference import Inference
from XRayAILib.learning.selection.features import looking_into
from XRayAILib.learning.selection.uncertainty import views

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Scored:
    """What is known of an image.

    Attributes
    ----------
    uncertainty
        0 to 1, the mean over the classes.
    by_class
        The same of each class.
    features
        (F,) what the image looks like to the network.
    """

    uid: str
    uncertainty: float
    by_class: Mapping[str, float]
    features: np.ndarray


class Scorer:
    """Looks at images with a trained network.

    Parameters
    ----------
    network
        The one of the inference.
    """

    def __init__(self, inference: Inference, network: torch.nn.Module) -> None:
        self._inference, self._network = inference, network

    def score(self, uid: str, square: np.ndarray, table: np.ndarray | None = None, unsure: bool = True) -> Scored:
        """Look at an image as the preset made it (S, S), with the task's numbers beside it.

        Parameters
        ----------
        unsure
            Without it only the features are found, at a third of the cost.
        """
        task = self._inference.task
        with looking_into(self._network, task.table_size) as look:
            outputs = [self._inference.output(square, table)]
            features = look.features(square)
        if not unsure:
            return Scored(uid, 0.0, {}, features)
        outputs += [self._inference.output(view, table) for view in views(square, uid)[1:]]
        by_class = task.uncertainty(outputs)
        return Scored(uid, float(np.mean(list(by_class.values()))) if by_class else 0.0, by_class, features)
