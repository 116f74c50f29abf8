"""What a task chooses on the validation part, once the weights stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.learning.batches import ValidationBatches
from XRayAILib.learning.cache import TrainingCache
from XRayAILib.learning.device import Device
from XRayAILib.learning.examples import Example
from XRayAILib.learning.task import Task

if TYPE_CHECKING:
    import torch

BATCH = 8


def learnt_before(task: Task, cache: TrainingCache, examples: Sequence[Example]) -> dict[str, Any]:
    """What the task has to know of the training part, see :meth:`Task.learn`."""
    rows = cache.part(examples, "train")
    return task.learn(np.asarray(cache.targets[rows]), np.asarray(cache.table[rows]))


def fitted_after(
    task: Task, network: torch.nn.Module, cache: TrainingCache, examples: Sequence[Example], device: Device
) -> dict[str, Any]:
    """What the task finds on the validation part, see :meth:`Task.fit`."""
    import torch

    if not task.wants_fit:
        return {}
    known = [e for e in examples if e.part == "validation" and e.uid in cache.rows]
    outputs, targets = [], []
    network = network.eval().to(device.kind)
    with torch.inference_mode():
        for batch in ValidationBatches(cache, cache.part(known, "validation"), task, BATCH):
            image = batch["image"].to(device.kind, memory_format=torch.channels_last)
            more = [batch["table"].to(device.kind)] if "table" in batch else []
            outputs.append(network(image, *more))
            targets.append(batch["label"])
    if isinstance(outputs[0], dict):
        whole: Any = {name: torch.cat([o[name].float().cpu() for o in outputs]) for name in outputs[0]}
    else:
        whole = torch.cat([o.float().cpu() for o in outputs])
    return task.fit(whole, torch.cat(targets), [e.patient for e in known])
