"""What a search varies where nobody says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.search.space import Choice, Range, Space

FACTORS = {"half": 0.5, "usual": 1.0, "larger": 1.5}
"""Of the channels of a network."""
BATCHES = (4, 8, 16)

_OF_TASK: Mapping[str, Mapping[str, Range | Choice]] = {
    "segmentation": {"augmentation.elastic": Range(0.0, 0.03)},
    "detection": {"options.visible": Range(0.2, 0.6)},
    "classification": {"options.smoothing": Range(0.0, 0.15), "options.dropout": Range(0.0, 0.5)},
    "landmarks": {"options.sigma": Range(1.5, 5.0), "options.presence": Range(0.1, 2.0, log=True)},
}


def default_space(config: TrainingConfig) -> Space:
    """Around a configuration: learning rate, weight decay, batch, strengths of augmentation, size of the network."""
    rate = config.learning_rate
    parts: dict[str, Range | Choice] = {
        "learning_rate": Range(max(1e-6, rate / 10), min(1.0, rate * 5), log=True),
        "weight_decay": Range(1e-4, 0.1, log=True),
        "augmentation.rotation": Range(0.0, 20.0),
        "augmentation.scale": Range(0.0, 0.3),
        "augmentation.gamma": Range(0.0, 0.8),
        **_OF_TASK.get(config.task, {}),
    }
    if config.batch_size:
        sizes = sorted({*BATCHES, config.batch_size})
        parts["batch_size"] = Choice({str(size): {"batch_size": size} for size in sizes}, tuple(sizes))
    networks = _networks(config)
    if len(networks) > 1:
        parts["network size"] = Choice(networks)
    return Space(parts)


def _networks(config: TrainingConfig) -> dict[str, dict[str, Any]]:
    """The same network with fewer or more channels, or one of its family that is smaller or larger."""
    from XRayAILib.learning.networks import whole_arguments
    from XRayAILib.learning.task import task_class

    arguments = whole_arguments(config.task, config.network, config.network_arguments)
    for name in ("channels", "filters"):
        channels = arguments.get(name)
        if isinstance(channels, (list, tuple)) and channels:
            return {
                size: {f"network_arguments.{name}": [max(8, round(n * factor / 8) * 8) for n in channels]}
                for size, factor in FACTORS.items()
            }
    family = config.network.rstrip("0123456789")
    alike = [name for name in task_class(config.task).networks if name.rstrip("0123456789") == family]
    return {name: {"network": name, "network_arguments": {}} for name in alike}
