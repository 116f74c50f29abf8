"""The less usual settings of a training, as a person changes them: what differs from the preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NUMBERS = ("minutes", "epochs", "size", "batch_size", "seed")
"""Settings that are whole numbers."""


def advanced_settings(task: str, preset: str) -> dict[str, Any]:
    """What the preset says of each, to begin with."""
    from XRayAILib.learning.config import TrainingConfig

    config = TrainingConfig.from_preset(preset, task)
    numbers = {name: int(getattr(config, name)) for name in NUMBERS}
    return {**numbers, "network": config.network, "missing": config.missing}


def network_names(task: str) -> list[str]:
    """The networks that may be chosen."""
    from XRayAILib.learning.task import task_class

    return list(task_class(task).networks)


def changes_of(task: str, preset: str, chosen: Mapping[str, Any], name: str = "", start: str = "") -> dict[str, Any]:
    """What differs from the preset, as changes of its configuration.

    Parameters
    ----------
    chosen
        As :func:`advanced_settings` gives it.
    name, start
        Of the model, and what it starts from; empty for the next free name, and for random weights.
    """
    usual = advanced_settings(task, preset)
    changes = {key: value for key, value in chosen.items() if value != usual[key]}
    if "minutes" in changes:
        changes["minutes"] = float(changes["minutes"])
    if "network" in changes:
        # The preset's arguments are for its own network; another one starts with what is usual for it.
        changes["network_arguments"] = {}
    if name.strip():
        changes["name"] = name.strip()
    if start:
        changes["start"] = start
    return changes
