"""What the steps of the main job leave for its report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from XRayAILib.apps.console import Step
from XRayAILib.project.intake import Intake

if TYPE_CHECKING:
    from XRayAILib.apps.pictures import Case
    from XRayAILib.exchange.export import Export
    from XRayAILib.exchange.import_report import ImportReport


@dataclass
class Outcome:
    """What was done so far.

    Attributes
    ----------
    training
        What the training reports; empty where there was nothing to learn.
    predicted
        The uids of the images that the model read.
    """

    steps: list[Step] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    intake: Intake = field(default_factory=Intake)
    imported: ImportReport | None = None
    training: dict[str, Any] = field(default_factory=dict)
    device: str = ""
    predicted: list[str] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)
    export: Export | None = None
