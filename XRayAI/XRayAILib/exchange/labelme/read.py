"""LabelMe's JSON files to findings."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.errors import AnnotationError
from XRayAILib.exchange.foreign_objects import ForeignObjects, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.labelme.format import HIDDEN, attributes_of
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool

TOOLS = {
    "rectangle": Tool.BOX,
    "polygon": Tool.POLYGON,
    "circle": Tool.ELLIPSE,
    "linestrip": Tool.POLYLINE,
    "line": Tool.LINE,
    "point": Tool.LANDMARK,
    "mask": Tool.MASK,
}


@dataclass(frozen=True)
class LabelMeFiles(LabelFile):
    """Files of LabelMe, each of one image.

    Attributes
    ----------
    path
        The file, or the folder that they are in.
    files
        Each with what is in it.
    """

    path: Path
    files: list[tuple[Path, dict[str, Any]]]

    title = "LabelMe"

    @property
    def count(self) -> int:
        return len(self.files)

    def wanted(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for _, document in self.files:
            for shape in document["shapes"]:
                if isinstance(shape, dict):
                    found[str(shape.get("label"))] = TOOLS.get(str(shape.get("shape_type")), Tool.POLYGON)
            found.update((flag.partition("=")[0], Tool.IMAGE) for flag in _flags(document))
        return found

    def images(self) -> Iterator[ForeignImage]:
        for path, document in self.files:
            file = str(document["imagePath"])
            entries = enumerate(document["shapes"], start=1)
            named: list[tuple[str, Any]] = [(f"{path.name}, shape {n}", (n, shape)) for n, shape in entries]
            named += [(f"{path.name}, flag '{flag}'", (0, flag)) for flag in _flags(document)]
            yield ForeignImage(file, f"{path.name} ({file})", _shape(document), named)

    def objects(self, annotation: tuple[int, Any], makes: ForeignObjects) -> list[FindingObject]:
        place, shape = annotation
        if isinstance(shape, str):
            name, _, value = shape.partition("=")
            label = makes.label(name)
            return [makes.image_label(label, value or "yes", makes.fresh(label.name))]
        if not isinstance(shape, dict):
            raise AnnotationError("it is no shape")
        label = makes.label(shape.get("label"))
        common = makes.fresh(f"{place}/{label.name}", attributes_of(str(shape.get("description") or "")))
        kind, points = shape.get("shape_type") or "polygon", _points(shape.get("points"))
        if kind == "rectangle":
            _require(points, 2, "rectangle")
            return [makes.box(label, (*points.min(axis=0).tolist(), *points.max(axis=0).tolist()), common)]
        if kind == "circle":
            _require(points, 2, "circle")
            radius = float(np.hypot(*(points[1] - points[0])))
            return [makes.ellipse(label, points[0].tolist(), (radius, radius), 0.0, common)]
        if kind in ("line", "linestrip"):
            _require(points, 2, kind)
            return [makes.polyline(label, points, common)]
        if kind == "point":
            _require(points, 1, "point")
            flags = shape.get("flags")
            visible = not (isinstance(flags, dict) and flags.get(HIDDEN))
            x, y = points[0].tolist()
            return [makes.landmark(label, x, y, visible, common)]
        if kind == "mask":
            _require(points, 2, "mask")
            return [makes.mask(label, _mask(shape.get("mask"), points, makes.shape), common)]
        if kind != "polygon":
            raise AnnotationError(f"'{kind}' is a kind of shape that has no place here")
        return makes.region(label, [points], common)


def find(files: Files) -> list[LabelMeFiles]:
    """The files of LabelMe among these."""
    found = [
        (path, document)
        for path, document in files.json
        if isinstance(document, dict) and isinstance(document.get("shapes"), list) and document.get("imagePath")
    ]
    return [LabelMeFiles(found[0][0] if len(found) == 1 else files.path, found)] if found else []


def _flags(document: dict[str, Any]) -> list[str]:
    flags = document.get("flags")
    return [str(flag) for flag, value in flags.items() if value is True] if isinstance(flags, dict) else []


def _shape(document: dict[str, Any]) -> tuple[int, int] | None:
    rows, columns = document.get("imageHeight"), document.get("imageWidth")
    return (rows, columns) if isinstance(rows, int) and isinstance(columns, int) else None


def _points(points: object) -> np.ndarray:
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2 for p in points):
        raise AnnotationError("its points are not pairs of x and y")
    return np.array([(number(x, "x"), number(y, "y")) for x, y in points], float).reshape(-1, 2)


def _require(points: np.ndarray, count: int, kind: str) -> None:
    if len(points) < count:
        raise AnnotationError(f"a {kind} needs {count} points; it has {len(points)}")


def _mask(text: object, points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    (left, top), (right, bottom) = np.rint(points[:2]).astype(int).tolist()
    size = (bottom - top + 1, right - left + 1)
    if min(left, top) < 0 or min(size) < 1 or right >= shape[1] or bottom >= shape[0]:
        raise AnnotationError(
            f"its mask from ({left}, {top}) to ({right}, {bottom}) lies outside the image of "
            f"{shape[1]} x {shape[0]} pixels"
        )
    try:
        with Image.open(io.BytesIO(base64.b64decode(str(text), validate=True))) as picture:
            # Before any pixel is decoded: a picture may claim any size.
            if picture.size != size[::-1]:
                raise AnnotationError(
                    f"its mask has {picture.width} x {picture.height} pixels, not {size[1]} x {size[0]}"
                )
            pixels = np.asarray(picture.convert("L")) > 0
    except (binascii.Error, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, AnnotationError):
            raise
        raise AnnotationError(f"its mask is no picture ({error})") from error
    whole = np.zeros(shape, bool)
    whole[top : bottom + 1, left : right + 1] = pixels
    return whole
