"""Enhanced multi-frame images: attributes that each frame has of its own (PS3.3 C.7.6.16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from XRayAILib.dicom.attributes import items

if TYPE_CHECKING:
    from pydicom import Dataset

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"


def of_frame(dataset: Dataset, frame: int) -> Dataset:
    """The dataset as it is for one frame (from 0): with the attributes of the functional groups at its top level.

    A dataset without functional groups is returned itself.
    """
    shared, own = items(dataset, SHARED), items(dataset, PER_FRAME)
    groups = [*shared[:1], *own[frame : frame + 1]]
    if not groups:
        return dataset
    from pydicom import Dataset

    merged = Dataset(dict(dataset.items()))
    merged.set_original_encoding(*dataset.original_encoding)
    merged.file_meta = dataset.file_meta
    for group in groups:
        for element in group:
            for macro in (element.value or ())[:1] if element.VR == "SQ" else ():
                merged.update(dict(macro.items()))
    return merged
