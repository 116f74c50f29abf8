"""What an image begins with that a reader has not worked on yet."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.workflow.blinding import visible_prediction, visible_reference

if TYPE_CHECKING:
    from XRayAILib.project.project import Project


class Start(str, Enum):
    """Nothing, the newest prediction of a model, or what counts as true so far."""

    NOTHING = "nothing"
    PREDICTION = "prediction"
    REFERENCE = "reference"


def pre_label(project: Project, uid: str, shape: tuple[int, int], reader: Author, start: Start) -> Findings:
    """Findings of ``reader`` to begin with: copies under the reader's name that remember where they came from.

    What the reader may not see is no beginning either.
    """
    source = None
    if start is Start.PREDICTION:
        source = visible_prediction(project, reader, uid)
    elif start is Start.REFERENCE:
        source = visible_reference(project, reader, uid)
    copies = tuple(
        item.derived(reader, status=Status.DRAFT, score=None, attributes=project.schema.asked(item))
        for item in source or ()
        if item.status is not Status.REJECTED
    )
    return Findings(uid, shape, reader, copies)
