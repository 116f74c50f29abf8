"""Formats that know areas by their label only: one mask of each label in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.objects import FindingObject, Mask

AREAS = {"mask": "mask", "polygon": "mask", "ellipse": "mask"}
"""Kinds that become masks of a label."""

MOST_LABELS = 64

JOINED = "Several areas of one label in an image become one mask."


def joined(objects: Sequence[FindingObject]) -> list[FindingObject]:
    """The objects with all masks of one label as one, in the place of the first of them."""
    found: dict[str, FindingObject] = {}
    for item in objects:
        if not isinstance(item, Mask):
            found[item.id] = item
        elif f"mask {item.label}" not in found:
            found[f"mask {item.label}"] = item
        else:
            first = found[f"mask {item.label}"]
            assert isinstance(first, Mask)
            found[f"mask {item.label}"] = first.with_array(first.array() | item.array())
    return list(found.values())


class LabelMap:
    """Overlapping masks as one picture: every combination of labels that occurs has a value of its own.

    Attributes
    ----------
    values
        Labels of a combination, in order -> its value. Each label alone comes first, so that these are the same in
        every export of a schema.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        if len(labels) > MOST_LABELS:
            raise ExportError(
                f"A label map holds at most {MOST_LABELS} labels, the schema has {len(labels)} that are areas: export "
                "PNG masks instead, a folder per label."
            )
        self.labels = tuple(labels)
        self.values: dict[tuple[str, ...], int] = {(label,): i for i, label in enumerate(labels, start=1)}

    @property
    def overlapping(self) -> bool:
        """Whether masks of different labels shared a pixel somewhere."""
        return len(self.values) > len(self.labels)

    def picture(self, masks: Sequence[Mask], shape: tuple[int, int]) -> np.ndarray:
        """The values (rows, columns) of the masks of one image, uint8, or uint16 where there are more than 255."""
        bits = np.zeros(shape, np.uint64)
        places = {label: place for place, label in enumerate(self.labels)}
        for mask in masks:
            row, column = mask.origin
            rows, columns = mask.crop.shape
            inside = bits[row : row + rows, column : column + columns]
            inside[mask.crop] |= np.uint64(1) << np.uint64(places[mask.label])
        combinations, where = np.unique(bits, return_inverse=True)
        numbers = [self._value(int(combination)) for combination in combinations]
        kind = np.uint8 if max(numbers) < 256 else np.uint16
        return np.array(numbers, kind)[where].reshape(shape)

    def regions(self) -> dict[str, list[int]]:
        """Label -> the values of all combinations that it is in."""
        return {label: [v for names, v in self.values.items() if label in names] for label in self.labels}

    def _value(self, combination: int) -> int:
        if not combination:
            return 0
        names = tuple(label for place, label in enumerate(self.labels) if combination >> place & 1)
        return self.values.setdefault(names, len(self.values) + 1)
