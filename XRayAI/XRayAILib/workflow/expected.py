"""Expected: how long a training may take, as far as it can be known before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from XRayAILib.learning.device import duration_text

if TYPE_CHECKING:
    from XRayAILib.learning.config import TrainingConfig
    from XRayAILib.project.project import Project


def limit_text(preset: str, task: str = "segmentation", minutes: float | None = None) -> str:
    """How long a training takes at most; ``minutes`` where it is not the preset's."""
    from XRayAILib.learning.config import TrainingConfig

    longest = TrainingConfig.from_preset(preset, task).minutes if minutes is None else minutes
    return f"at most {duration_text(60 * longest)}" if longest else "no time limit"


def expected_text(project: Project, config: TrainingConfig) -> str:
    """The limit, how long the last training of this kind took here, and when more is known.

    ``at most 20 min; model-3 took 14 min (CPU, 2 threads); measured when it starts``.
    """
    parts = [limit_text(config.preset, config.task, config.minutes), _before(project, config)]
    return "; ".join([*(part for part in parts if part), "measured when it starts"])


def _before(project: Project, config: TrainingConfig) -> str:
    """What the newest model of the same task and preset took; a damaged one says nothing."""
    from XRayAILib.learning.errors import TrainingError
    from XRayAILib.learning.models.manifest import MANIFEST, read_document

    places = [path for path in project.models_folder.glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")]
    for path in sorted(places, key=lambda place: place.stat().st_mtime, reverse=True):
        try:
            manifest = read_document(path)
            made, trained = manifest["config"], manifest["training"]
            alike = (made.get("task", "segmentation"), made["preset"]) == (config.task, config.preset)
            if alike and trained.get("seconds"):
                return f"{path.parent.name} took {duration_text(float(trained['seconds']))} ({trained['device']})"
        except (TrainingError, KeyError, TypeError, ValueError, AttributeError):
            continue
    return ""
