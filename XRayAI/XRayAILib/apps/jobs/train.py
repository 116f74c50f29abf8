"""The job ``train``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Train a model on a project's labels.

    Options: ``config``; ``consent_download`` where somebody agreed that the weights to start from are downloaded;
    ``again``: the model's folder in the project that is trained again, also where such a job is gone on with.
    """
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.corrections.worker import is_training_again, train_again
    from XRayAILib.learning.worker import run_training

    emit(progress_event("prepare", 0, 0, "Loading PyTorch", None))
    config = TrainingConfig.from_document(options["config"])
    consent = bool(options.get("consent_download", False))
    if options.get("again") or is_training_again(folder):
        return train_again(project_folder, str(options.get("again", "")), config, folder, emit, cancelled)
    return run_training(project_folder, config, folder, emit, cancelled, consent)
