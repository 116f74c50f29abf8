"""Findings to the dictionaries of a COCO file.

What COCO has no place for is kept, so that nothing is lost on the way:

- ``annotations[].xrayai``: id, kind, author, status, score, time, origin and attributes of the object; for a rotated
  box and an ellipse also its place, for an annotation of keypoints a list ``objects`` with an entry for each landmark.
- ``images[].attributes``: the image labels as plain names and values; ``images[].xrayai.objects``: the same with id,
  author and so on, and what COCO cannot say: masks without any pixel ("looked at, nothing there"), lines and
  measurements.

COCO's coordinates start at the outer corner of the first pixel, ours at its centre: 0.5 is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.keypoint_sets import KeypointSet, box_around, grouped, keypoint_sets
from XRayAILib.exchange.regions import region_labels, require_region
from XRayAILib.exchange.said import COMMON
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.shapes import Ellipse, Point, Polyline, RotatedBox
from XRayAILib.pixels.trace import outlines, signed_area

if TYPE_CHECKING:
    import orjson

PLACE = {
    RotatedBox.kind: ("x", "y", "width", "height", "angle"),
    Ellipse.kind: ("x", "y", "radius_x", "radius_y", "angle"),
}
"""Fields of the kinds that COCO has only as outlines."""

TOGETHER = 1000
"""Annotations that become text at once."""
_common = attrgetter(*COMMON)


class CocoWriter:
    """Collects the images of an export, as text: an export of thousands takes no more memory than its file.

    Parameters
    ----------
    schema
        Gives the categories, their order and with it their ids, so that they are the same in every export.
    polygons
        Write masks as polygons where those say the same, that is for masks without holes; otherwise as run lengths.
    """

    def __init__(self, schema: LabelSchema, polygons: bool = False) -> None:
        self._schema, self._polygons = schema, polygons
        self._categories = {name: i for i, name in enumerate(region_labels(schema), start=1)}
        self._sets = keypoint_sets(schema)
        self._images: list[orjson.Fragment] = []
        self._annotations: list[orjson.Fragment] = []
        self._waiting: list[dict[str, Any]] = []
        self._outlines: list[tuple[dict[str, Any], tuple[Point, ...]]] = []
        self._count = 0

    def add_image(self, file_name: str, findings: Findings, **extra: Any) -> int:
        """Add an image and all that ``findings`` says of it, with ``extra`` keys of the image. Returns its id."""
        image_id = len(self._images) + 1
        facts = extra.pop("xrayai", {})
        where = f"image {file_name}"
        beside: list[dict[str, Any]] = []
        for item in findings:
            if _is_beside(item):
                beside.append(_beside(item))
            elif not isinstance(item, Landmark):
                if item.label not in self._categories:
                    require_region(item, self._schema, where)
                self._annotate(image_id, self._categories[item.label], self._region(item), record(item))
                if not isinstance(item, (Mask, Box)):
                    self._outlines.append((self._waiting[-1], outline_of(item)))
        for keypoints, group in grouped(findings, self._sets, where):
            category = len(self._categories) + 1 + self._sets.index(keypoints)
            self._annotate(image_id, category, _keypoints(group, keypoints), _landmark_records(group.values()))
        image = {
            "id": image_id,
            "file_name": file_name,
            "width": findings.shape[1],
            "height": findings.shape[0],
            **extra,
            "attributes": {label.label: label.value for label in findings.of(ImageLabel)},
            "xrayai": {**facts, "objects": beside},
        }
        self._images.append(_text(image))
        if len(self._waiting) >= TOGETHER:
            self._write_down()
        return image_id

    def document(self, **info: Any) -> bytes:
        """The whole file; ``info`` goes under that key."""
        import orjson

        self._write_down()
        categories: list[dict[str, Any]] = [
            {"id": i, "name": name, "supercategory": self._schema.name} for name, i in self._categories.items()
        ]
        for keypoints in self._sets:
            name = keypoints.name
            while name in self._categories:
                name += "_"
            categories.append(
                {
                    "id": len(categories) + 1,
                    "name": name,
                    "supercategory": self._schema.name,
                    "keypoints": list(keypoints.points),
                    "skeleton": [[start + 1, end + 1] for start, end in keypoints.lines],
                }
            )
        return orjson.dumps(
            {
                "info": info,
                "licenses": [],
                "images": self._images,
                "annotations": self._annotations,
                "categories": categories,
            }
        )

    def _annotate(self, image_id: int, category: int, shape: dict[str, Any], own: dict[str, Any]) -> None:
        # Ids start at 1: COCOeval takes the id 0 for "not matched".
        self._count += 1
        head = {"id": self._count, "image_id": image_id, "category_id": category, "iscrowd": 0}
        self._waiting.append({**head, **shape, "xrayai": own})

    def _region(self, item: FindingObject) -> dict[str, Any]:
        if isinstance(item, Mask):
            return _mask(item, self._polygons)
        if isinstance(item, Box):
            box = [item.x0 + OFFSET, item.y0 + OFFSET, item.width, item.height]
            return {"bbox": box, "area": box[2] * box[3], "segmentation": []}
        return {"bbox": [], "area": 0.0, "segmentation": []}  # an outline: measured with others at once

    def _write_down(self) -> None:
        """Turn the annotations that are waiting into text."""
        if self._outlines:
            _measure(*zip(*self._outlines, strict=True))
        if self._waiting:
            self._annotations += map(_text, self._waiting)
        self._outlines, self._waiting = [], []


def _measure(annotations: Sequence[dict[str, Any]], outlines: Sequence[tuple[Point, ...]]) -> None:
    """Give annotations box, area and segmentation by their outlines."""
    counts = np.array([len(outline) for outline in outlines])
    flat = np.fromiter(chain.from_iterable(chain.from_iterable(outlines)), float, 2 * int(counts.sum()))
    points = flat.reshape(-1, 2)
    ends = np.cumsum(counts)
    starts = ends - counts
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    # Half the sum of the cross products of neighbours; seen from a corner of the box, so that no digits are lost.
    x, y = (points - np.repeat(low, counts, axis=0)).T
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    areas = np.abs(np.add.reduceat(x * y[following] - x[following] * y, starts)) / 2
    boxes = np.concatenate([low + OFFSET, high - low], axis=1).tolist()
    flat = flat + OFFSET
    for annotation, box, area, start, end in zip(annotations, boxes, areas.tolist(), 2 * starts, 2 * ends, strict=True):
        annotation.update(bbox=box, area=area, segmentation=[flat[start:end]])


def _text(value: Any) -> orjson.Fragment:
    import orjson

    return orjson.Fragment(orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY))


def outline_of(item: FindingObject) -> tuple[tuple[float, float], ...]:
    """The points of what COCO has as an outline."""
    if isinstance(item, RotatedBox):
        return item.corners
    if isinstance(item, Ellipse):
        return item.outline()
    assert isinstance(item, Polygon)
    return item.points


def record(item: FindingObject) -> dict[str, Any]:
    """What COCO has no place for, as :mod:`orjson` writes it down."""
    place = {name: getattr(item, name) for name in PLACE.get(item.kind, ())}
    return {"kind": item.kind, **dict(zip(COMMON, _common(item), strict=True)), **place}


def _is_beside(item: FindingObject) -> bool:
    """Whether COCO has no annotation for it."""
    if isinstance(item, Mask):
        return not item.area
    return isinstance(item, (ImageLabel, Polyline, Measurement)) or (isinstance(item, Landmark) and item.outside)


def _beside(item: FindingObject) -> dict[str, Any]:
    entry = {"label": item.label, **record(item)}
    if isinstance(item, ImageLabel):
        entry["value"] = item.value
    elif isinstance(item, (Polyline, Measurement)):
        entry["points"] = [list(point) for point in item.points]
    elif isinstance(item, Landmark):
        entry["outside"] = True
    return entry


def _landmark_records(landmarks: Iterable[Landmark]) -> dict[str, Any]:
    return {"kind": "landmarks", "objects": [{"label": item.label, **record(item)} for item in landmarks]}


def _mask(mask: Mask, polygons: bool) -> dict[str, Any]:
    from pycocotools import mask as runs

    row, column = mask.origin
    rows, columns = mask.crop.shape
    shape = {"bbox": [float(column), float(row), float(columns), float(rows)], "area": mask.area}
    if polygons:
        found = outlines(mask.crop)
        if all(signed_area(outline) > 0 for outline in found):
            corner = np.array([column, row]) + OFFSET
            return {**shape, "segmentation": [(outline + corner).ravel().tolist() for outline in found]}
    encoded = runs.encode(np.asfortranarray(mask.array().astype(np.uint8)))
    return {**shape, "segmentation": {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}}


def _keypoints(landmarks: dict[str, Landmark], keypoints: KeypointSet) -> dict[str, Any]:
    flat: list[float] = []
    for name in keypoints.points:
        item = landmarks.get(name)
        # 0: not labelled, 1: labelled but not visible, 2: labelled and visible.
        flat += [0.0, 0.0, 0] if item is None else [item.x + OFFSET, item.y + OFFSET, 2 if item.visible else 1]
    x0, y0, x1, y1 = box_around(landmarks.values())
    box = [x0 + OFFSET, y0 + OFFSET, x1 - x0, y1 - y0]
    return {"bbox": box, "area": box[2] * box[3], "keypoints": flat, "num_keypoints": len(landmarks)}
