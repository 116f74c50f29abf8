"""YOLO folders to findings: boxes, outlines, rotated boxes and landmarks."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.conversion import converted
from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import OFFSET, ForeignObjects, is_rectangle, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.text_file import Files, load_text, load_yaml
from XRayAILib.findings.objects import FindingObject, Polygon
from XRayAILib.findings.schema import Label, Tool
from XRayAILib.findings.shapes import RotatedBox


@dataclass(frozen=True)
class YoloFolder(LabelFile):
    """A folder of YOLO with its ``data.yaml``, or with ``classes.txt``.

    Attributes
    ----------
    path
        The file that names the classes.
    names
        Of the classes, by number.
    points
        Names of the landmarks of each class, and how many numbers each has; empty where there are none.
    files
        The label files, in order.
    rotated
        Every row has the eight coordinates of a rotated box.
    said_rotated
        The description says so: an outline of four points is none.
    """

    path: Path
    names: dict[int, str]
    points: dict[int, list[str]]
    dimensions: int
    files: dict[Path, list[list[str]]]
    rotated: bool
    said_rotated: bool

    title = "YOLO"

    @property
    def count(self) -> int:
        return len(self.files)

    def wanted(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for rows in self.files.values():
            for row in filter(None, rows):
                label = self.names.get(_whole(row[0]))
                if label is None:
                    continue  # objects() says so for the row
                if self.points:
                    found.update(dict.fromkeys(self.points[_whole(row[0])], Tool.LANDMARK))
                elif label not in found or len(row) > 6:
                    outline = Tool.ROTATED_BOX if self.rotated else Tool.POLYGON
                    found[label] = Tool.BOX if len(row) <= 6 else outline
        return found

    def images(self) -> Iterator[ForeignImage]:
        for path, rows in self.files.items():
            named = [(f"{path.name}, line {n}", (n, row)) for n, row in enumerate(rows, start=1) if row]
            yield ForeignImage(path.stem, path.name, annotations=named)

    def objects(self, annotation: tuple[int, list[str]], makes: ForeignObjects) -> list[FindingObject]:
        line, row = annotation
        index = _whole(row[0])
        if index not in self.names:
            raise AnnotationError(f"its class {row[0]} is not in {self.path.name}, which has {len(self.names)}")
        values = np.array([number(text, "coordinate") for text in row[1:]])
        size = np.array(makes.shape[::-1], float)
        if self.points:
            return self._landmarks(line, index, values, size, makes)
        label = makes.label(self.names[index])
        common = makes.fresh(f"{line}/{label.name}")
        if len(values) in (4, 5):  # the fifth is how sure a model is, or a number of a track
            middle, extent = values[:2] * size, values[2:4] * size
            edges = [*(middle - extent / 2).tolist(), *(middle + extent / 2).tolist()]
            return [makes.box(label, edges, common)]
        if len(values) % 2 or len(values) < 6:
            raise AnnotationError(
                f"it has {len(values)} coordinates; a box has 4, an outline x and y of 3 points or more"
            )
        points = values.reshape(-1, 2) * size
        if len(points) == 4 and self._is_rotated(label):
            return [self._rotated_box(label, points, makes, common)]
        return makes.region(label, [points], common)

    def _is_rotated(self, label: Label) -> bool:
        return self.said_rotated or (self.rotated and label.tool not in (Tool.MASK, Tool.POLYGON))

    def _rotated_box(
        self, label: Label, corners: np.ndarray, makes: ForeignObjects, common: dict[str, Any]
    ) -> FindingObject:
        makes.inside(corners, "rotated box")
        if is_rectangle(corners):
            return makes.rectangle(label, corners, common)
        outline = Polygon(label=label.name, points=tuple(map(tuple, (corners - OFFSET).tolist())), **common)
        around = converted(outline, RotatedBox.kind, makes.shape)
        if not around:
            raise AnnotationError("its rotated box has no area")
        makes.notes.append("its four corners are no rectangle: the smallest one around them was taken")
        return around[0]

    def _landmarks(
        self, line: int, index: int, values: np.ndarray, size: np.ndarray, makes: ForeignObjects
    ) -> list[FindingObject]:
        names, per_point = self.points[index], self.dimensions
        if (len(values) - 4) % per_point or (len(values) - 4) // per_point < len(names):
            raise AnnotationError(f"it has {len(values)} numbers; a box and {len(names)} points of {per_point} are due")
        found: list[FindingObject] = []
        for name, point in zip(names, values[4:].reshape(-1, per_point).tolist(), strict=False):
            state = point[2] if per_point == 3 else 2.0 * any(point)
            if state not in (0, 1, 2):
                raise AnnotationError(f"the visibility of its point '{name}' is {state:g}, not 0, 1 or 2")
            if state:
                label = makes.label(name)
                x, y = point[0] * size[0], point[1] * size[1]
                found.append(makes.landmark(label, x, y, state == 2, makes.fresh(f"{line}/{label.name}")))
        return found


def find(files: Files) -> list[YoloFolder]:
    """The YOLO data set that a folder is, or of which a ``data.yaml`` was named."""
    if files.path.is_file():
        if files.path.suffix.lower() not in (".yaml", ".yml"):
            return []
        found = _opened(files.path)
        if found is None:
            raise LabelFileError(f"{files.path}: no description of a YOLO data set: it does not name classes.")
        return [found]
    named = [p for p in sorted(files.path.iterdir()) if p.suffix.lower() in (".yaml", ".yml", ".txt") and p.is_file()]
    for path in named:
        if path.suffix.lower() != ".txt" or path.name == "classes.txt":
            found = _opened(path)
            if found is not None:
                return [found]
    return []


def _opened(path: Path) -> YoloFolder | None:
    if path.name == "classes.txt":
        names = dict(enumerate(load_text(path).split("\n")))
        document: dict[str, Any] = {}
    else:
        document = load_yaml(path)
        if not isinstance(document, dict) or not isinstance(document.get("names"), (dict, list)):
            return None
        listed = document["names"]
        names = {_whole(k): str(v) for k, v in (listed.items() if isinstance(listed, dict) else enumerate(listed))}
    names = {index: name.strip() for index, name in names.items() if name.strip()}
    files = {file: _rows(file) for folder in _label_folders(path.parent, document) for file in _texts(folder)}
    if not files and "names" in document and not any(part in document for part in _PARTS):
        return None  # a YAML file of something else
    every = [row for rows in files.values() for row in rows if row]
    points, dimensions = _points(path, document, names)
    rotated = bool(every) and not points and all(len(row) == 9 for row in every)
    own = document.get("xrayai")
    said_rotated = rotated and isinstance(own, dict) and own.get("task") == "obb"
    return YoloFolder(path, names, points, dimensions, files, rotated, said_rotated)


_PARTS = ("train", "val", "valid", "test")


def _label_folders(root: Path, document: dict[str, Any]) -> list[Path]:
    """Where the label files are: ``labels`` in place of ``images``, as Ultralytics has it."""
    base = root / str(document.get("path") or ".")
    base = base if base.is_dir() else root
    found: list[Path] = []
    for part in _PARTS:
        entries = document.get(part)
        for entry in entries if isinstance(entries, list) else [entries]:
            if not isinstance(entry, str) or entry.endswith(".txt"):
                continue
            # Some programs write paths as they are seen from elsewhere, such as ../train/images.
            for place in (base / entry, root / entry.lstrip("./\\")):
                folder = place.with_name("labels") if place.name == "images" else _beside(place)
                if folder.is_dir():
                    found.append(folder)
                    break
    if not found and (root / "labels").is_dir():
        found.append(root / "labels")
    return list(dict.fromkeys(found))


def _beside(images: Path) -> Path:
    """The last ``images`` of a path replaced by ``labels``."""
    parts = list(images.parts)
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] == "images":
            parts[place] = "labels"
            break
    return Path(*parts)


def _texts(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.rglob("*.txt") if path.name != "classes.txt")


def _rows(path: Path) -> list[list[str]]:
    return [line.split() for line in load_text(path).split("\n")]


def _points(path: Path, document: dict[str, Any], names: dict[int, str]) -> tuple[dict[int, list[str]], int]:
    shape = document.get("kpt_shape")
    if shape is None:
        return {}, 0
    count = [_whole(value) for value in shape] if isinstance(shape, list) else []
    if len(count) != 2 or not 0 < count[0] < 10_000 or count[1] not in (2, 3):
        raise LabelFileError(
            f"{path}: kpt_shape is {reprlib.repr(shape)}; it must be the number of points, and 2 or 3."
        )
    given = document.get("kpt_names")
    given = given if isinstance(given, dict) else {}
    points = {}
    for index, name in names.items():
        own = given.get(index)
        points[index] = list(map(str, own)) if isinstance(own, list) else [f"{name}_{i + 1}" for i in range(count[0])]
    return points, count[1]


def _whole(text: object) -> int:
    """A class's number, also one written as ``3.0``; -1 where it is none."""
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return -1
    return int(value) if value == value // 1 and abs(value) < 1e9 else -1
