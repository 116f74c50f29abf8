"""Right and left: the patient's, or the picture's?"""

from __future__ import annotations

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Mask
from XRayAILib.findings.schema import LabelSchema


class Sides:
    """Notices labels whose names follow the sides of the picture instead of the patient's.

    In a frontal radiograph the patient's right is on the left of the picture. One image the other way round may be a
    mirrored image or a situs inversus; most images the other way round are a misunderstanding.
    """

    def __init__(self, schema: LabelSchema) -> None:
        names = [label.name for label in schema if label.name.startswith("right_")]
        self._pairs = [(name, "left_" + name.removeprefix("right_")) for name in names]
        self._usual = dict.fromkeys(self._pairs, 0)
        self._swapped = dict.fromkeys(self._pairs, 0)

    def look_at(self, findings: Findings) -> None:
        middles = {item.label: x for item in findings if (x := _middle(item)) is not None}
        for right, left in self._pairs:
            if right in middles and left in middles:
                counts = self._usual if middles[right] <= middles[left] else self._swapped
                counts[right, left] += 1

    def notes(self) -> list[str]:
        """A sentence for every pair of labels that is the other way round in most images."""
        return [
            f"'{right}' lies to the right of '{left}' in {self._swapped[right, left]} of "
            f"{self._swapped[right, left] + self._usual[right, left]} images. The names mean the patient's sides, "
            "and the patient's right is on the left of a frontal radiograph: check whether the two are swapped."
            for right, left in self._pairs
            if self._swapped[right, left] > self._usual[right, left]
        ]


def _middle(item: FindingObject) -> float | None:
    """x of the middle of a box or of a mask's bounding box."""
    if isinstance(item, Box):
        return (item.x0 + item.x1) / 2
    if isinstance(item, Mask) and item.area:
        return item.origin[1] + item.crop.shape[1] / 2
    return None
