"""The schema that a new project starts with."""

from __future__ import annotations

from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.template import template


def chest_schema() -> LabelSchema:
    """Lungs, heart and mediastinum as masks, nodules, landmarks of the lungs, view: the template ``chest_anatomy``."""
    return template("chest_anatomy")
