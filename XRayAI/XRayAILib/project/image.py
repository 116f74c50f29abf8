"""Image: one row of the collection."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource


class ImageStatus(str, Enum):
    """How far an image is, from its best findings."""

    UNLABELLED = "unlabelled"
    PREDICTED = "predicted"
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Image:
    """A radiograph of the project, without its pixels.

    Attributes
    ----------
    excluded
        Why it takes no part in training and export; empty for one that does.
    split
        ``train``, ``validation``, ``test``, or empty where it has not been assigned.
    """

    header: Header
    status: ImageStatus = ImageStatus.UNLABELLED
    excluded: str = ""
    split: str = ""

    @property
    def uid(self) -> str:
        return self.header.uid


def header_to_json(header: Header) -> str:
    return json.dumps(asdict(header), ensure_ascii=False)


def header_from_json(text: str, calibration: str | None = None) -> Header:
    """The header as it was stored, with the spacing that a person set, where there is one."""
    values = json.loads(text)
    spacing = _spacing(values.pop("spacing"))
    if calibration:
        spacing = _spacing(json.loads(calibration))
    values["notes"] = tuple(values.get("notes", ()))
    return Header(spacing=spacing, **values)


def spacing_to_json(spacing: Spacing) -> str:
    return json.dumps(asdict(spacing))


def _spacing(values: dict[str, Any]) -> Spacing:
    return Spacing(**{**values, "source": SpacingSource(values["source"])})
