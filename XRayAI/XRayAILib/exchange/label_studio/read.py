"""Label Studio's JSON to findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import ForeignObjects, number
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.label_studio.brush_runs import decode_brush
from XRayAILib.exchange.label_studio.format import HIDDEN, VISIBILITY, middle_of
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool

_TOOLS = {
    "rectanglelabels": Tool.BOX,
    "ellipselabels": Tool.ELLIPSE,
    "polygonlabels": Tool.POLYGON,
    "brushlabels": Tool.MASK,
    "keypointlabels": Tool.LANDMARK,
}
_PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".dcm")
_UPLOAD = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio puts this before the name of a file that is uploaded."""


@dataclass(frozen=True)
class LabelStudioFile(LabelFile):
    """A file of Label Studio.

    Attributes
    ----------
    tasks
        Each a picture with its annotations.
    """

    path: Path
    tasks: list[dict[str, Any]]

    title = "Label Studio"

    @property
    def count(self) -> int:
        return len(self.tasks)

    def wanted(self) -> dict[str, Tool]:
        found: dict[str, Tool] = {}
        for task in self.tasks:
            for annotation in _annotations(task):
                for results in _regions(annotation):
                    kind = results[0].get("type")
                    if kind in _TOOLS:
                        found.update(dict.fromkeys(_labels(results[0]), _TOOLS[kind]))
                    elif kind == "choices":
                        found[str(results[0].get("from_name"))] = Tool.IMAGE
        return found

    def images(self) -> Iterator[ForeignImage]:
        for place, task in enumerate(self.tasks, start=1):
            file = _file(task)
            where = f"{self.path.name}, task {task.get('id', place)} ({file})"
            if not file:
                yield ForeignImage(file, where, problems=(f"{where}: its 'data' names no picture.",))
                continue
            several = _annotations(task)
            for annotation in several or [{}]:
                by = _by(annotation) if len(several) > 1 else ""
                named = [(f"{where}, region {results[0].get('id')}", results) for results in _regions(annotation)]
                yield ForeignImage(file, where, _shape(annotation), named, by=by)

    def objects(self, annotation: list[dict[str, Any]], makes: ForeignObjects) -> list[FindingObject]:
        first, *rest = annotation
        kind, value = first.get("type"), first.get("value")
        if not isinstance(value, dict):
            raise AnnotationError("it has no 'value'")
        identity = str(first.get("id"))
        if kind == "choices":
            label = makes.label(first.get("from_name"))
            return [
                makes.image_label(label, choice, makes.fresh(f"{identity}/{label.name}/{choice}"))
                for choice in _texts(value, "choices")
            ]
        if kind not in _TOOLS:
            raise AnnotationError(f"'{kind}' is a kind of result that has no place here")
        found: list[FindingObject] = []
        for name in _labels(first) or [""]:
            label = makes.label(name)
            common = makes.fresh(f"{identity}/{label.name}", _attributes(rest, label.name))
            if first.get("id"):
                common["id"] = _id(identity, common["id"])
            found += self._object(str(kind), value, label, rest, makes, common)
        return found

    def _object(
        self,
        kind: str,
        value: dict[str, Any],
        label: Any,
        rest: list[dict[str, Any]],
        makes: ForeignObjects,
        common: dict[str, Any],
    ) -> list[FindingObject]:
        rows, columns = makes.shape
        if kind == "brushlabels":
            if value.get("format") != "rle":
                raise AnnotationError(f"its brush is stored as '{value.get('format')}', not as run lengths (rle)")
            try:
                return [makes.mask(label, decode_brush(value.get("rle"), makes.shape), common)]
            except ValueError as error:
                raise AnnotationError(str(error)) from error
        if kind == "polygonlabels":
            points = _points(value.get("points")) * (columns, rows) / 100
            return makes.region(label, [points], common)
        x, y = (number(value.get(name), name) for name in ("x", "y"))
        x, y = x * columns / 100, y * rows / 100
        if kind == "keypointlabels":
            hidden = any(r.get("from_name") == VISIBILITY and HIDDEN in _texts(r.get("value"), "choices") for r in rest)
            return [makes.landmark(label, x, y, not hidden, common)]
        turn = number(value.get("rotation") or 0, "rotation")
        if kind == "ellipselabels":
            radii = (number(value.get(name), name) for name in ("radiusX", "radiusY"))
            radius_x, radius_y = (radius * size / 100 for radius, size in zip(radii, (columns, rows), strict=True))
            return [makes.ellipse(label, (x, y), (radius_x, radius_y), turn, common)]
        width, height = number(value.get("width"), "width"), number(value.get("height"), "height")
        size = width * columns / 100, height * rows / 100
        if not turn:
            return [makes.box(label, (x, y, x + size[0], y + size[1]), common)]
        return [makes.rotated_box(label, middle_of((x, y), size, turn), size, turn, common)]


def find(files: Files) -> list[LabelStudioFile]:
    """The files of Label Studio among these."""
    found = []
    for path, document in files.json:
        tasks = document if isinstance(document, list) else [document]
        if tasks and all(isinstance(t, dict) and isinstance(t.get("data"), dict) for t in tasks):
            if any("annotations" in task or "completions" in task or "predictions" in task for task in tasks):
                found.append(LabelStudioFile(path, tasks))
        elif tasks and all(isinstance(t, dict) and "image" in t and "annotation_id" in t for t in tasks):
            raise LabelFileError(f"{path}: this is Label Studio's short form (JSON-MIN). Export as JSON.")
    return found


def _annotations(task: dict[str, Any]) -> list[dict[str, Any]]:
    """Those of people that were not skipped."""
    entries = task.get("annotations") or task.get("completions") or []
    if not isinstance(entries, list):
        return []
    return [
        e for e in entries if isinstance(e, dict) and not e.get("was_cancelled") and isinstance(e.get("result"), list)
    ]


def _regions(annotation: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The results that are of one region, the region itself first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for place, result in enumerate(annotation.get("result", [])):
        if isinstance(result, dict) and result.get("type") != "relation":
            groups.setdefault(str(result.get("id") or f"#{place}"), []).append(result)
    return [sorted(group, key=lambda result: result.get("type") not in _TOOLS) for group in groups.values()]


def _labels(result: dict[str, Any]) -> list[str]:
    return _texts(result.get("value"), str(result.get("type")))


def _texts(value: object, name: str) -> list[str]:
    texts = value.get(name) if isinstance(value, dict) else None
    return [str(text) for text in texts] if isinstance(texts, list) else [str(texts)] if texts is not None else []


def _attributes(results: list[dict[str, Any]], label: str) -> list[tuple[str, str]]:
    """The answers to what is asked of a region."""
    found = []
    for result in results:
        name = str(result.get("from_name")).removeprefix(f"{label}.")
        value = result.get("value")
        for kind in ("choices", "text", "number", "rating"):
            if name != VISIBILITY and isinstance(value, dict) and kind in value:
                found += [(name, text) for text in _texts(value, kind)]
    return found


def _file(task: dict[str, Any]) -> str:
    """The name of the picture: of an upload, of a local file behind ``?d=``, or the end of an address."""
    for value in task["data"].values():
        if isinstance(value, str):
            address = urlsplit(value)
            path = unquote(parse_qs(address.query).get("d", [address.path])[0])
            name = PurePosixPath(path.replace("\\", "/"))
            if name.suffix.lower() in _PICTURES:
                upload = _UPLOAD.fullmatch(name.name) if "upload" in name.parts else None
                return upload[1] if upload else str(name)
    return ""


def _by(annotation: dict[str, Any]) -> str:
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    return str(who or annotation.get("id") or "")


def _shape(annotation: dict[str, Any]) -> tuple[int, int] | None:
    for result in annotation.get("result", []):
        size = (result.get("original_height"), result.get("original_width")) if isinstance(result, dict) else ()
        if len(size) == 2 and all(isinstance(number, int) for number in size):
            return size  # type: ignore[return-value]
    return None


def _id(own: str, fresh: str) -> str:
    """The region's own id where it is one of ours, which no other object in the world has."""
    return own if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", own) else fresh


def _points(points: object) -> np.ndarray:
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2 for p in points):
        raise AnnotationError("its points are not pairs of x and y")
    return np.array([(number(x, "x"), number(y, "y")) for x, y in points], float).reshape(-1, 2)
