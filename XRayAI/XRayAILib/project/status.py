"""The status of an image, from what was said of it and how far each reading is."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from XRayAILib.findings.author import ADJUDICATED, AuthorKind, Status
from XRayAILib.project.database import current
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.reviews import ReadingState, states_of_image

_PEOPLE = (AuthorKind.PERSON.value, AuthorKind.IMPORT.value)


def status_of(connection: Connection, uid: str, truth: str) -> ImageStatus:
    """The status of an image as its tracks and readings stand now.

    Parameters
    ----------
    truth
        The track that says the truth of a control, which counts for nothing: the image must look like any other.
    """
    query = select(current.c.track, current.c.kind, current.c.statuses).where(current.c.uid == uid)
    people: set[str] = set()
    models: set[str] = set()
    ran = False
    steps = states_of_image(connection, uid)
    for track, kind, said in connection.execute(query):
        statuses = set(filter(None, said.split(",")))
        state = steps[track].state if track in steps else ReadingState.DRAFT
        if track == ADJUDICATED.key:
            if state is ReadingState.APPROVED:
                return ImageStatus.APPROVED
        elif kind == AuthorKind.MODEL.value:
            models |= statuses
            ran = True
        elif state is ReadingState.REJECTED:
            people.add(Status.REJECTED.value)
        elif track != truth and kind in _PEOPLE:
            # Also a reading that found nothing is submitted and approved.
            people |= statuses if state.is_open else {state.value}
    return image_status(people, models, ran)


def image_status(people: Collection[str], models: Collection[str], models_ran: bool) -> ImageStatus:
    """The status of an image from the statuses of its objects: what people and imports said outweighs models."""
    kept = [status for status in people if status != Status.REJECTED.value]
    if kept:
        if all(status == Status.APPROVED.value for status in kept):
            return ImageStatus.APPROVED
        return ImageStatus.SUBMITTED if Status.DRAFT.value not in kept else ImageStatus.DRAFT
    if models and all(status == Status.REJECTED.value for status in models):
        return ImageStatus.REJECTED
    if models_ran:
        return ImageStatus.PREDICTED
    return ImageStatus.REJECTED if people else ImageStatus.UNLABELLED
