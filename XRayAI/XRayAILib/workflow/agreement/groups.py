"""The images of a comparison, and the groups that figures are told apart by."""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.dicom.spacing import Spacing
from XRayAILib.project.groups import AGES, GROUPS, UNKNOWN, age_band, groups_of
from XRayAILib.project.image import Image

__all__ = ["AGES", "GROUPS", "UNKNOWN", "Read", "age_band", "read_of"]


@dataclass(frozen=True)
class Read:
    """An image that at least two of the readers read.

    Attributes
    ----------
    groups
        Column of :data:`GROUPS` -> value of this image; :data:`UNKNOWN` where it has none.
    """

    uid: str
    path: str
    patient: str
    spacing: Spacing
    groups: dict[str, str]


def read_of(image: Image) -> Read:
    """An image of the project with its groups."""
    header = image.header
    return Read(header.uid, header.path, header.patient_key, header.spacing, groups_of(image))
