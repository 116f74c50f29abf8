"""How a model is trained again: as before, but more gently, from the weights that it has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.corrections.since import require_parent

if TYPE_CHECKING:
    from XRayAILib.learning.model import Model

RATE = 0.25
"""Part of the learning rate with which the model was made."""
EPOCHS = 0.4
"""Part of the epochs."""
WARM_UP = 0.1
"""At least this part of the steps: the optimiser knows nothing of the weights yet."""


def gentle(model: Model, **changes: object) -> TrainingConfig:
    """The configuration of a training that goes on from a model.

    The labels, the network, the image size, the parts and the seed stay; all images are learnt from, the old ones too,
    so that nothing is forgotten. The learning rate and the epochs are a part of what they were.

    Parameters
    ----------
    changes
        Fields that are to be otherwise, such as ``name``, ``minutes`` or ``device``.

    Raises
    ------
    TrainingError
        The model cannot be trained again, or a field makes no sense.
    """
    require_parent(model)
    config = model.config
    values: dict[str, object] = {
        "name": model.name,
        "labels": model.labels,
        "snapshot": "",
        "start": f"model:{model.folder.name}",
        "freeze": 0,
        "learning_rate": config.learning_rate * RATE,
        "epochs": max(1, math.ceil(config.epochs * EPOCHS)),
        "warm_up": max(config.warm_up, WARM_UP),
    }
    return config.changed(**{**values, **changes})
