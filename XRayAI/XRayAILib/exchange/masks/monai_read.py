"""MONAI datalists in: ours whole as far as they hold it, others' masks, boxes and classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.foreign_objects import ForeignObjects, number, numbers
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.masks.label_map_read import picture_of
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.objects import FindingObject, Landmark
from XRayAILib.findings.schema import Tool

SECTIONS = ("training", "validation", "test")


class DatalistFile(LabelFile):
    """A datalist: sections of entries with ``image``, and what is said of it."""

    title = "MONAI datalist"

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self.path = path
        self.labels = _names(document.get("labels"))
        self.box_labels = _names(document.get("box_labels")) or self.labels
        found = (entry for section in SECTIONS for entry in document.get(section) or ())
        self.entries: list[dict[str, Any]] = [entry for entry in found if isinstance(entry, dict) and "image" in entry]

    @classmethod
    def fits(cls, document: Any) -> bool:
        """Whether a JSON document is a datalist with labels."""
        if not isinstance(document, dict):
            return False
        entries = [entry for section in SECTIONS for entry in _list(document.get(section))]
        return any(isinstance(e, dict) and "image" in e and {"label", "box"} & e.keys() for e in entries)

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    def wanted(self) -> dict[str, Tool]:
        """The labels that entries use."""
        found: dict[str, Tool] = {}
        for entry in self.entries:
            label = entry.get("label")
            if isinstance(label, int):
                found.setdefault(self.labels.get(str(label), str(label)), Tool.IMAGE)
            elif label:
                found.update(
                    dict.fromkeys((name for key, name in self.labels.items() if self._is_area(key)), Tool.MASK)
                )
            for value in _list(entry.get("box_label")):
                found.setdefault(self.box_labels.get(str(value), str(value)), Tool.BOX)
            for landmark in _list(entry.get("landmarks")):
                if isinstance(landmark, dict):
                    found.setdefault(str(landmark.get("name")), Tool.LANDMARK)
            answers = entry.get("answers")
            for name in answers if isinstance(answers, dict) else ():
                found.setdefault(str(name), Tool.IMAGE)
        return found

    def images(self) -> Iterable[ForeignImage]:
        """One for each entry."""
        for place, entry in enumerate(self.entries, start=1):
            image = entry["image"][0] if isinstance(entry["image"], list) else entry["image"]
            where = f"{self.path.name}, entry {place} ({image})"
            yield ForeignImage(str(image), where, annotations=[(where, entry)])

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """All that an entry says."""
        return [
            *self._areas(annotation.get("label"), makes),
            *self._boxes(annotation, makes),
            *self._landmarks(annotation, makes),
            *self._answers(annotation, makes),
        ]

    def _is_area(self, key: str) -> bool:
        # In a single label map 0 is what is around; in a list of files it is the first one.
        return key != "0" or any(isinstance(entry.get("label"), list) for entry in self.entries)

    def _areas(self, label: Any, makes: ForeignObjects) -> Iterator[FindingObject]:
        if isinstance(label, int):
            name = makes.label(self.labels.get(str(label), str(label)))
            yield makes.image_label(name, True, makes.fresh(name.name))
        elif isinstance(label, str):
            values = picture_of(self.path.parent / label, makes.shape)
            for value in np.unique(values[values > 0]).tolist():
                yield self._mask(self.labels.get(str(value), str(value)), values == value, makes)
        elif isinstance(label, list):
            if len(label) != len(self.labels):
                raise AnnotationError(f"it has {len(label)} label files, the datalist names {len(self.labels)} labels")
            for place, file in enumerate(label):
                pixels = picture_of(self.path.parent / str(file), makes.shape) != 0
                if pixels.any():
                    yield self._mask(self.labels[str(place)], pixels, makes)

    def _mask(self, name: str, pixels: np.ndarray, makes: ForeignObjects) -> FindingObject:
        label = makes.label(name)
        return makes.mask(label, pixels, makes.fresh(label.name))

    def _boxes(self, entry: dict[str, Any], makes: ForeignObjects) -> Iterator[FindingObject]:
        boxes, labels = _list(entry.get("box")), _list(entry.get("box_label"))
        if len(boxes) != len(labels):
            raise AnnotationError(f"it has {len(boxes)} boxes and {len(labels)} labels of boxes")
        for place, (edges, value) in enumerate(zip(boxes, labels, strict=True)):
            label = makes.label(self.box_labels.get(str(value), str(value)))
            yield makes.box(label, numbers(edges, "box", 4), makes.fresh(f"box/{place}"))

    def _landmarks(self, entry: dict[str, Any], makes: ForeignObjects) -> Iterator[FindingObject]:
        for place, landmark in enumerate(_list(entry.get("landmarks"))):
            if not isinstance(landmark, dict):
                raise AnnotationError("a landmark is no mapping of name, x and y")
            label, common = makes.label(landmark.get("name")), makes.fresh(f"landmark/{place}")
            if landmark.get("state") == "outside":
                yield Landmark(label=label.name, x=-0.5, y=-0.5, visible=False, outside=True, **common)
            else:
                x, y = number(landmark.get("x"), "landmark"), number(landmark.get("y"), "landmark")
                yield makes.landmark(label, x, y, landmark.get("state", "visible") == "visible", common)

    def _answers(self, entry: dict[str, Any], makes: ForeignObjects) -> Iterator[FindingObject]:
        answers = entry.get("answers")
        for name, values in answers.items() if isinstance(answers, dict) else ():
            label = makes.label(name)
            for place, value in enumerate(_list(values)):
                yield makes.image_label(label, value, makes.fresh(f"{label.name}/{place}"))


def find(files: Files) -> list[DatalistFile]:
    """The datalists among these files."""
    return [DatalistFile(file, document) for file, document in files.json if DatalistFile.fits(document)]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _names(value: Any) -> dict[str, str]:
    return {str(key): str(name) for key, name in value.items()} if isinstance(value, dict) else {}
