"""The job ``pretrain``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Pretrain a network on a project's images, without their labels.

    Options: ``config``; ``consent_download`` where somebody agreed that the weights to start from are downloaded.
    """
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.pretraining.worker import run_pretraining

    emit(progress_event("prepare", 0, 0, "Loading PyTorch", None))
    config = TrainingConfig.from_document(options["config"])
    return run_pretraining(
        project_folder, config, folder, emit, cancelled, bool(options.get("consent_download", False))
    )
