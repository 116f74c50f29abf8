"""YOLO as a format of exports: boxes, outlines and rotated boxes, as Ultralytics reads them.

::

    data.yaml                     the classes and where the parts are
    images/train/a.png
    labels/train/a.txt            one object a line: its class and its coordinates as fractions of the image

Coordinates have 0 on the outer corner of the first pixel and 1 on that of the last one. An image without objects has
an empty file: Ultralytics takes it as background.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.foreign_objects import OFFSET, is_rectangle
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.regions import region_labels, require_region
from XRayAILib.exchange.said import Said, numbers
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, RotatedBox

PARTS = {"train": "train", "validation": "val", "test": "test", "": "train"}
"""Part of the project -> folder."""

_REGIONS = (Box.kind, RotatedBox.kind, Polygon.kind, Ellipse.kind, Mask.kind)


class Yolo(Format):
    """What the kinds of YOLO share: a row for each object, made of its class and some numbers."""

    forms = ("png8", "png16", "none")
    tolerance = 5e-3  # supervision reads in single precision
    task: ClassVar[str]

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        if plan.form == "png16":
            sentences.append("Ultralytics reads 16-bit pictures as 8 bit: take png8 for it.")
        return sentences

    def picture(self, name: str, ending: str, part: str) -> str:
        return f"images/{PARTS[part]}/{name}{ending}"

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        classes = {name: number for number, name in enumerate(self.classes(plan.schema))}
        parts: set[str] = set()
        for image in images:
            part = PARTS[image.part]
            parts.add(part)
            path = folder / "labels" / part / f"{image.name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = self.rows(image, plan, classes)
            lines = [" ".join([str(number), *(f"{value:.10g}" for value in values)]) for number, values in rows]
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8", newline="\n")
        if parts and "val" not in parts:
            plan.warnings.append(
                "Nothing is in the part for validation, which Ultralytics wants: data.yaml names the pictures for "
                "training there too. Deal the images to parts (--split 70/15/15)."
            )
        _write_yaml(folder / "data.yaml", self.description(plan.schema, parts))

    def description(self, schema: LabelSchema, parts: set[str]) -> dict[str, Any]:
        """What stands in ``data.yaml``."""
        train = "images/train" if "train" in parts else f"images/{min(parts, default='train')}"
        where = {"path": ".", "train": train, "val": "images/val" if "val" in parts else train}
        if "test" in parts:
            where["test"] = "images/test"
        return {**where, "names": dict(enumerate(self.classes(schema))), "xrayai": {"task": self.task}}

    def classes(self, schema: LabelSchema) -> list[str]:
        """The names of the classes in the order of their numbers."""
        return region_labels(schema)

    def rows(self, image: LabelledImage, plan: Plan, classes: dict[str, int]) -> Iterator[tuple[int, Sequence[float]]]:
        """Class and numbers of each object."""
        size = np.array(image.shape[::-1], float)
        for item in image.findings:
            require_region(item, plan.schema, f"image {image.name}")
            yield classes[item.label], self.row((np.reshape(numbers(item), (-1, 2)) + OFFSET) / size)

    def row(self, points: np.ndarray) -> Sequence[float]:
        """The numbers of an object from its points (N, 2) as fractions of the image."""
        return points.ravel().tolist()  # type: ignore[no-any-return]

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        names = _names(folder / "data.yaml")
        for path in sorted((folder / "labels").rglob("*.txt")):
            lines = path.read_text("utf-8").splitlines()
            yield path.stem, list(self.found(lines, plan.shapes[path.stem], names)) if lines else []

    def found(self, lines: list[str], shape: tuple[int, int], names: list[str]) -> Iterator[Said]:
        """The objects of a file."""
        raise NotImplementedError


class YoloDetect(Yolo):
    """Boxes."""

    name = "yolo-detect"
    title = "YOLO, boxes"
    becomes = dict.fromkeys(_REGIONS, Box.kind)
    reader = "supervision"
    needs = "supervision"
    task = "detect"

    def row(self, points: np.ndarray) -> Sequence[float]:
        (x0, y0), (x1, y1) = points.tolist()
        return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0

    def found(self, lines: list[str], shape: tuple[int, int], names: list[str]) -> Iterator[Said]:
        for label, box in by_supervision(lines, shape, names):
            yield Said(Box.kind, label, box)


class YoloSegment(Yolo):
    """Outlines. supervision has only the box around each, so a plain reader looks at the points."""

    name = "yolo-segment"
    title = "YOLO, outlines"
    becomes = dict.fromkeys(_REGIONS, Polygon.kind)
    reader = "supervision (classes and boxes) and a second reader (points)"
    needs = "supervision"
    task = "segment"

    def found(self, lines: list[str], shape: tuple[int, int], names: list[str]) -> Iterator[Said]:
        for line, (label, box) in zip(lines, by_supervision(lines, shape, names), strict=True):
            points = _points(line, shape)
            around = (*points.min(axis=0).tolist(), *points.max(axis=0).tolist())
            same = np.allclose(around, box, rtol=0, atol=self.tolerance)
            yield Said(Polygon.kind, label, tuple(points.ravel().tolist()) if same else box)


class YoloObb(Yolo):
    """Rotated boxes by their corners. One that reaches over the border has its corners put on it."""

    name = "yolo-obb"
    title = "YOLO, rotated boxes"
    becomes = dict.fromkeys(_REGIONS, RotatedBox.kind)
    reader = "supervision"
    needs = "supervision"
    task = "obb"

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        return [_on_the_image(box, shape) for box in super().hold(item, shape)]

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        return [*sentences, "Corners outside the image are put on its border."] if contents.objects else sentences

    def found(self, lines: list[str], shape: tuple[int, int], names: list[str]) -> Iterator[Said]:
        from supervision.config import ORIENTED_BOX_COORDINATES
        from supervision.dataset.formats.yolo import yolo_annotations_to_detections

        detections = yolo_annotations_to_detections(lines, shape[::-1], with_masks=False, is_obb=True)
        corners = np.asarray(detections.data[ORIENTED_BOX_COORDINATES], float) - OFFSET
        for number, points in zip(np.asarray(detections.class_id), corners, strict=True):
            kind = RotatedBox.kind if is_rectangle(points, self.tolerance) else Polygon.kind
            yield Said(kind, names[int(number)], tuple(points.ravel().tolist()))


def _on_the_image(box: FindingObject, shape: tuple[int, int]) -> FindingObject:
    assert isinstance(box, RotatedBox)
    corners = np.array(box.corners)
    kept = np.clip(corners, -OFFSET, np.array(shape[::-1]) - OFFSET)
    if (kept == corners).all():
        return box
    common = {name: getattr(box, name) for name in FindingObject.__dataclass_fields__}
    return Polygon(points=tuple(map(tuple, kept.tolist())), **common)


def by_supervision(
    lines: list[str], shape: tuple[int, int], names: list[str]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    """Label and box (x0, y0, x1, y1) of each row."""
    from supervision.dataset.formats.yolo import yolo_annotations_to_detections

    detections = yolo_annotations_to_detections(lines, shape[::-1], with_masks=False)
    for number, box in zip(np.asarray(detections.class_id), np.asarray(detections.xyxy, float) - OFFSET, strict=True):
        yield names[int(number)], tuple(box.tolist())


def _points(line: str, shape: tuple[int, int]) -> np.ndarray:
    fractions = np.array(line.split()[1:], float).reshape(-1, 2)
    return fractions * shape[::-1] - OFFSET


def _names(path: Path) -> list[str]:
    import yaml

    return list(yaml.safe_load(path.read_text("utf-8"))["names"].values())


def _write_yaml(path: Path, document: dict[str, Any]) -> None:
    import yaml

    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8", newline="\n")
