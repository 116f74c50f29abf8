"""The job ``search``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from XRayAILib.apps.jobs import Emit, progress_event


def run(
    project_folder: Path, options: dict[str, Any], folder: Path, emit: Emit, cancelled: Callable[[], bool]
) -> dict[str, Any]:
    """Search for better settings of a training.

    Options: ``config``; ``space`` (the default one without it), ``trials``, ``minutes``, ``pruner``,
    ``consent_download``.
    """
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.learning.search.defaults import default_space
    from XRayAILib.learning.search.search import Search
    from XRayAILib.learning.search.space import Space

    emit(progress_event("prepare", 0, 0, "Loading PyTorch", None))
    config = TrainingConfig.from_document(options["config"])
    space = Space.from_document(options["space"]) if options.get("space") else default_space(config)
    search = Search(
        project_folder,
        config,
        space,
        folder,
        int(options.get("trials", 20)),
        float(options.get("minutes", 0.0)),
        str(options.get("pruner", "median")),
        bool(options.get("consent_download", False)),
    )
    return search.run(emit, cancelled)
