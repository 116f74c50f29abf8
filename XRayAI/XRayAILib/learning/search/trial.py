"""One trial of a search: a training like any other, up to its best score on the validation part.

The test part is not prepared, not looked at and not given to anything here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.learning.cache import Emit, build_cache
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.device import choose_device
from XRayAILib.learning.examples import gather
from XRayAILib.learning.fitting import learnt_before
from XRayAILib.learning.legend import legend_of
from XRayAILib.learning.splits import kept_apart, part_of, split
from XRayAILib.learning.start.begin import begun
from XRayAILib.learning.task import make_task
from XRayAILib.learning.training import CHECKPOINT, Outcome, Training
from XRayAILib.project.pinned import PinnedProject

PARTS = ("train", "validation")


def run_trial(
    project: PinnedProject,
    config: TrainingConfig,
    folder: Path,
    emit: Emit,
    cancelled: Callable[[], bool],
    consent_download: bool = False,
) -> Outcome:
    """Train with a configuration, from the folder's checkpoint where there is one.

    Raises
    ------
    Cancelled
        ``cancelled`` said so; the checkpoint is in the folder.
    TrainingError
        What is wrong and what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = choose_device(config.device, config.threads)
    labels, examples = gather(project, config)
    examples = [e for e in split(project, examples, config).examples if e.part in PARTS]
    legend = legend_of(labels, project.schema)
    task = make_task(config, legend)
    resumed = (folder / CHECKPOINT).exists()
    start = begun(task, project, folder / "start.json", resumed, consent_download, emit, cancelled)
    cache = build_cache(project, examples, task, config.pixel_preset, emit, cancelled)
    prints: dict[str, Any] = dict(zip(cache.rows, cache.prints, strict=True))
    examples, _ = kept_apart([e for e in examples if e.uid in cache.rows], prints)
    task = make_task(config, legend, learnt_before(task, cache, examples))
    uids = {part: [e.uid for e in part_of(examples, part)] for part in PARTS}
    first = start.network(task) if start is not None else None
    return Training(task, config, cache, uids, folder, device, emit, cancelled, first).run()
