"""Image: one row of the collection."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from XRayAILib.dicom.header import Header


class ImageStatus(str, Enum):
    """How far an image is, from its best findings."""

    UNLABELLED = "unlabelled"
    PREDICTED = "predicted"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Mark:
    """What a rule of hygiene says of an image; see :mod:`XRayAILib.project.hygiene`."""

    rule: str
    severity: str
    detail: str


@dataclass(frozen=True)
class Image:
    """A radiograph of the project, without its pixels.

    Attributes
    ----------
    excluded
        Why it takes no part in training and export; empty for one that does.
    split
        ``train``, ``validation``, ``test``, or empty where it has not been assigned.
    marks
        What the last check found, by rule.
    """

    header: Header
    status: ImageStatus = ImageStatus.UNLABELLED
    excluded: str = ""
    split: str = ""
    marks: tuple[Mark, ...] = ()

    @property
    def uid(self) -> str:
        return self.header.uid
