"""What a training can start from in a project: random weights, one of its models, or what was pretrained there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.workflow.prediction import find_models

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class StartChoice:
    """Weights as a person chooses them; ``start`` is what a configuration says."""

    title: str
    start: str


def start_choices(project: Project) -> list[StartChoice]:
    """The models with weights that a network can take over, the newest first; then what was pretrained."""
    from XRayAILib.learning.models.manifest import WEIGHTS
    from XRayAILib.learning.start.weights import PRETRAINED

    models = [entry for entry in find_models(project.models_folder) if (entry.folder / WEIGHTS).is_file()]
    pretrained = [entry for entry in find_models(project.folder / PRETRAINED) if (entry.folder / WEIGHTS).is_file()]
    return [
        *(StartChoice(f"{entry.name} ({entry.summary})", f"model:{entry.name}") for entry in models),
        *(StartChoice(f"{entry.name} (pretrained)", f"model:{entry.name}") for entry in pretrained),
    ]
