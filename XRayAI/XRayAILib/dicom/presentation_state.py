"""Grayscale Softcopy Presentation States: how somebody wants an image to be looked at (PS3.3 A.33.1, PS3.4 N).

::

    state = read_presentation_state("ps.dcm")
    if state.refers_to(radiograph.header):
        shown = radiograph.with_presentation(state)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.dicom.attributes import integer, items, numbers, text
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import GRAYSCALE_SOFTCOPY, KEPT_FOR, parsed, reading
from XRayAILib.dicom.graphic_annotation import Graphic, read_graphics
from XRayAILib.dicom.grayscale import Grayscale, full_range, read_modality, read_voi
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.lookup import Window, read_tables
from XRayAILib.dicom.overlays import Overlay, activated_groups, read_overlays
from XRayAILib.dicom.shutter import Shutter, read_shutter

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class DisplayedArea:
    """The part of an image that is to be seen: outer edges in pixels of the stored image (PS3.3 C.10.4)."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, eq=False)
class Presentation:
    """What a presentation state adds to one image; the greys are in the image's :class:`Grayscale`.

    Attributes
    ----------
    uid, name
        Of the state.
    rotation, mirrored
        Clockwise degrees (0, 90, 180, 270), then left and right exchanged. For the viewer: stored pixels and
        coordinates never turn.
    """

    uid: str
    name: str
    shutter: Shutter | None = None
    graphics: tuple[Graphic, ...] = ()
    area: DisplayedArea | None = None
    rotation: int = 0
    mirrored: bool = False


@dataclass(frozen=True, eq=False)
class PresentationState:
    """A presentation state as read from its file.

    Attributes
    ----------
    images
        SOP Instance UIDs of the images that it is about.
    name
        Content Label and Description.
    created
        ``yyyy-mm-dd``, or empty.
    """

    path: str
    uid: str
    name: str
    created: str
    creator: str
    images: tuple[str, ...]
    _dataset: Dataset = field(repr=False)

    def refers_to(self, header: Header) -> bool:
        """Whether the state is about this image (and frame)."""
        return _instance(header) in self.images and any(
            _selects(image, header)
            for series in items(self._dataset, "ReferencedSeriesSequence")
            for image in items(series, "ReferencedImageSequence")
        )

    def grayscale(self, header: Header, image: Grayscale) -> Grayscale:
        """The state's grayscale transformation in the place of the image's own.

        What the state does not have is the identity (PS3.4 N.2); only the padding stays the image's.
        """
        dataset = self._dataset
        base = replace(read_modality(dataset), stored_range=image.stored_range, padding=image.padding)
        voi = [step for item in self._for(header, "SoftcopyVOILUTSequence") for step in read_voi(item, base)]
        low, high = full_range(base)
        tables = read_tables(dataset, "PresentationLUTSequence", signed=False)
        return replace(
            base,
            voi=tuple(voi) or (Window((low + high + 1.0) / 2.0, high - low + 1.0),),
            inverted=text(dataset, "PresentationLUTShape") == "INVERSE",
            presentation_table=tables[0] if tables else None,
        )

    def presentation(self, header: Header) -> Presentation:
        """Shutter, drawings and displayed area for an image."""
        dataset, shape = self._dataset, header.shape
        area = self._area(header)
        rotation = integer(dataset, "ImageRotation", 0) % 360
        mirrored = text(dataset, "ImageHorizontalFlip") == "Y"

        def to_pixels(fractions: np.ndarray) -> np.ndarray:
            seen = area or DisplayedArea(-0.5, -0.5, shape[1] - 0.5, shape[0] - 0.5)
            return _unturned(fractions, seen, rotation, mirrored)

        graphics = tuple(
            graphic
            for item in self._for(header, "GraphicAnnotationSequence")
            for graphic in read_graphics(item, to_pixels)
        )
        shutter = read_shutter(dataset, shape, read_overlays(dataset, shape))
        return Presentation(self.uid, self.name, shutter, graphics, area, rotation, mirrored)

    def overlays(self, header: Header, image: tuple[Overlay, ...]) -> tuple[Overlay, ...]:
        """The overlays to be seen: the state's own, and those of the image that it asks for (PS3.3 C.11.7)."""
        shutter = integer(self._dataset, "ShutterOverlayGroup", 0)
        own = [o for o in read_overlays(self._dataset, header.shape, header.frame) if o.group != shutter]
        asked = activated_groups(self._dataset)
        return (*own, *(o for o in image if o.group in asked and o.group not in {p.group for p in own}))

    def _area(self, header: Header) -> DisplayedArea | None:
        for item in self._for(header, "DisplayedAreaSelectionSequence"):
            first = numbers(item, "DisplayedAreaTopLeftHandCorner")
            last = numbers(item, "DisplayedAreaBottomRightHandCorner")
            if len(first) == len(last) == 2:
                # Pixels as column\row, counted from 1; a turned image has its corners exchanged.
                (left, right), (top, bottom) = (sorted(pair) for pair in zip(first, last, strict=True))
                return DisplayedArea(left - 1.5, top - 1.5, right - 0.5, bottom - 0.5)
        return None

    def _for(self, header: Header, keyword: str) -> list[Dataset]:
        # An item without references is for all images of the state.
        return [
            item
            for item in items(self._dataset, keyword)
            if not items(item, "ReferencedImageSequence")
            or any(_selects(image, header) for image in items(item, "ReferencedImageSequence"))
        ]


def read_presentation_state(path: Path | str) -> PresentationState:
    """Read the file of a presentation state; :class:`UnreadableError` where it is none, or refers to no image."""
    path = Path(path)
    with reading(path) as stream:
        return presentation_state_of(parsed(stream, pixels=False), path)


def reason_for(dataset: Dataset, path: Path) -> str:
    """What a scan says of a presentation state: it is no image, and kept for those that it is about."""
    return KEPT_FOR + ", ".join(presentation_state_of(dataset, path).images)


def presentation_state_of(dataset: Dataset, path: Path) -> PresentationState:
    """The presentation state in a dataset."""
    if text(dataset, "SOPClassUID") != GRAYSCALE_SOFTCOPY:
        raise UnreadableError(str(path), "is not a Grayscale Softcopy Presentation State")
    images = dict.fromkeys(
        text(image, "ReferencedSOPInstanceUID")
        for series in items(dataset, "ReferencedSeriesSequence")
        for image in items(series, "ReferencedImageSequence")
    )
    images.pop("", None)
    if not images:
        raise UnreadableError(str(path), "this presentation state refers to no image")
    words = [text(dataset, keyword) for keyword in ("ContentLabel", "ContentDescription")]
    day = text(dataset, "PresentationCreationDate")
    return PresentationState(
        path=str(path),
        uid=text(dataset, "SOPInstanceUID"),
        name=": ".join(dict.fromkeys(word for word in words if word)) or "Presentation state",
        created=f"{day[:4]}-{day[4:6]}-{day[6:8]}" if len(day) == 8 and day.isdigit() else "",
        creator=text(dataset, "ContentCreatorName"),
        images=tuple(images),
        _dataset=dataset,
    )


def _instance(header: Header) -> str:
    return header.uid_in_file.partition("#")[0]


def _selects(image: Dataset, header: Header) -> bool:
    if text(image, "ReferencedSOPInstanceUID") != _instance(header):
        return False
    frames = numbers(image, "ReferencedFrameNumber")
    return not frames or header.frame + 1 in frames


def _unturned(fractions: np.ndarray, seen: DisplayedArea, rotation: int, mirrored: bool) -> np.ndarray:
    """Fractions (N, 2) of what is displayed -> pixels of the image, before it was turned and then mirrored."""
    x, y = fractions[:, 0], fractions[:, 1]
    if mirrored:
        x = 1.0 - x
    if rotation == 90:
        x, y = y, 1.0 - x
    elif rotation == 180:
        x, y = 1.0 - x, 1.0 - y
    elif rotation == 270:
        x, y = 1.0 - y, x
    across, down = seen.right - seen.left, seen.bottom - seen.top
    return np.stack([seen.left + x * across, seen.top + y * down], axis=1)
