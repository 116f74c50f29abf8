"""Findings to the dictionaries of a COCO file.

What COCO has no place for is kept, so that nothing is lost on the way:

- ``annotations[].xrayai``: id, kind, author, status, score, time, origin and attributes of the object; for an
  annotation of keypoints a list ``objects`` with one such entry for each landmark.
- ``images[].attributes``: the image labels as plain names and values; ``images[].xrayai.objects``: the same with id,
  author and so on, and the masks without any pixel ("looked at, nothing there"), which COCO cannot say.

COCO's coordinates start at the outer corner of the first pixel, ours at its centre: 0.5 is added.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from XRayAILib.exchange.clip import clip_box, clip_polygon
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.pixels.trace import outlines, signed_area

LANDMARKS = "landmarks"
"""Name of the category whose keypoints are the landmarks."""

OFFSET = 0.5


@dataclass
class CocoWriter:
    """Collects the images of an export.

    Attributes
    ----------
    schema
        Gives the categories, their order and with it their ids, so that they are the same in every export.
    polygons
        Write masks as polygons where those say the same, that is for masks without holes; otherwise as run lengths.
    warnings
        Sentences about objects that COCO cannot hold as they are.
    """

    schema: LabelSchema
    polygons: bool = False
    images: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        regions = [label.name for label in self.schema if label.tool in (Tool.MASK, Tool.POLYGON, Tool.BOX)]
        self._categories = {name: i for i, name in enumerate(regions, start=1)}
        self._keypoints = [label.name for label in self.schema.of(Tool.LANDMARK)]
        self._landmark_category = len(regions) + 1

    def add_image(self, file_name: str, findings: Findings, **extra: Any) -> int:
        """Add an image and all that ``findings`` says of it, with ``extra`` keys of the image. Returns its id."""
        image_id = len(self.images) + 1
        where = f"image {file_name}"
        labels = findings.of(ImageLabel)
        empty = [mask for mask in findings.of(Mask) if not mask.area]
        pixelless = {item.id for item in empty}
        own = {**extra.pop("xrayai", {}), "objects": [_without_pixels(o) for o in (*labels, *empty)]}
        self.images.append(
            {
                "id": image_id,
                "file_name": file_name,
                "width": findings.shape[1],
                "height": findings.shape[0],
                **extra,
                "attributes": {label.label: label.value for label in labels},
                "xrayai": own,
            }
        )
        for item in findings:
            if isinstance(item, (Mask, Polygon, Box)) and item.id not in pixelless:
                region = self._region(item, findings.shape, where)
                self._annotate(image_id, self._category(item, where), region, record(item))
        for group in _groups(findings.of(Landmark)):
            names = self._keypoint_names(group, where)
            self._warn_outside(group, findings.shape, where)
            self._annotate(image_id, self._landmark_category, _keypoints(group, names), _landmark_records(group))
        return image_id

    def document(self, **info: Any) -> dict[str, Any]:
        """The whole file; ``info`` goes under that key."""
        categories: list[dict[str, Any]] = [
            {"id": i, "name": name, "supercategory": self.schema.name} for name, i in self._categories.items()
        ]
        if self._keypoints:
            landmarks = LANDMARKS
            while landmarks in self._categories:
                landmarks += "_"
            categories.append(
                {
                    "id": self._landmark_category,
                    "name": landmarks,
                    "supercategory": self.schema.name,
                    "keypoints": self._keypoints,
                    "skeleton": self._skeleton(),
                }
            )
        return {
            "info": info,
            "licenses": [],
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories,
        }

    def _annotate(self, image_id: int, category: int, shape: dict[str, Any], own: dict[str, Any]) -> None:
        # Ids start at 1: COCOeval takes the id 0 for "not matched".
        head = {"id": len(self.annotations) + 1, "image_id": image_id, "category_id": category, "iscrowd": 0}
        self.annotations.append({**head, **shape, "xrayai": own})

    def _category(self, item: FindingObject, where: str) -> int:
        try:
            return self._categories[item.label]
        except KeyError as error:
            raise ExportError(
                f"{where}: the {item.kind} '{item.label}' has a label that is none of the schema's for regions "
                f"({', '.join(self._categories)}). Add it to the label schema, or change the object's label."
            ) from error

    def _keypoint_names(self, landmarks: list[Landmark], where: str) -> list[str]:
        for item in landmarks:
            if item.label not in self._keypoints:
                raise ExportError(
                    f"{where}: the landmark '{item.label}' is not among the schema's landmarks. "
                    "Add it to the label schema, or change the object's label."
                )
        return self._keypoints

    def _warn_outside(self, landmarks: list[Landmark], shape: tuple[int, int], where: str) -> None:
        for item in landmarks:
            if not (-0.5 <= item.x <= shape[1] - 0.5 and -0.5 <= item.y <= shape[0] - 0.5):
                self.warnings.append(f"{where}: the landmark '{item.label}' lies outside the image.")

    def _skeleton(self) -> list[list[int]]:
        """Lines between the landmarks of the two sides, as COCO's pairs of places from 1."""
        pairs = {
            tuple(sorted((self._keypoints.index(label.name) + 1, self._keypoints.index(label.mirror) + 1)))
            for label in self.schema.of(Tool.LANDMARK)
            if label.mirror in self._keypoints
        }
        return [list(pair) for pair in sorted(pairs)]

    def _region(self, item: FindingObject, shape: tuple[int, int], where: str) -> dict[str, Any]:
        if isinstance(item, Mask):
            return _mask(item, self.polygons)
        if isinstance(item, Box):
            clipped = clip_box(item, shape)
            if clipped is None:
                raise _outside(item, where)
            if clipped != (item.x0, item.y0, item.x1, item.y1):
                self.warnings.append(f"{where}: the box '{item.label}' reaches outside the image and was cut there.")
            x0, y0, x1, y1 = clipped
            box = [x0 + OFFSET, y0 + OFFSET, x1 - x0, y1 - y0]
            return {"bbox": box, "area": box[2] * box[3], "segmentation": []}
        assert isinstance(item, Polygon)
        points = np.asarray(item.points, float)
        if (points < -0.5).any() or (points > np.array(shape[::-1]) - 0.5).any():
            points = clip_polygon(points, shape)
            if len(points) < 3:
                raise _outside(item, where)
            self.warnings.append(f"{where}: the polygon '{item.label}' reaches outside the image and was cut there.")
        low, high = points.min(axis=0), points.max(axis=0)
        return {
            "bbox": [*(low + OFFSET).tolist(), *(high - low).tolist()],
            "area": abs(signed_area(points)),
            "segmentation": [(points + OFFSET).ravel().tolist()],
        }


def record(item: FindingObject) -> dict[str, Any]:
    """What COCO has no place for."""
    author = {"kind": item.author.kind.value, "name": item.author.name, "digest": item.author.digest}
    return {
        "id": item.id,
        "kind": item.kind,
        "author": author,
        "created": item.created,
        "status": item.status.value,
        "score": item.score,
        "derived_from": item.derived_from,
        "attributes": [list(pair) for pair in item.attributes],
    }


def _without_pixels(item: FindingObject) -> dict[str, Any]:
    value = {"value": item.value} if isinstance(item, ImageLabel) else {}
    return {"label": item.label, **value, **record(item)}


def _landmark_records(landmarks: list[Landmark]) -> dict[str, Any]:
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


def _groups(landmarks: list[Landmark]) -> list[list[Landmark]]:
    """An annotation holds each landmark once; the second one of a name goes to a second annotation."""
    groups: list[list[Landmark]] = []
    for item in landmarks:
        free = (group for group in groups if all(other.label != item.label for other in group))
        group = next(free, None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return groups


def _keypoints(landmarks: list[Landmark], names: list[str]) -> dict[str, Any]:
    by_name = {item.label: item for item in landmarks}
    flat: list[float] = []
    for name in names:
        item = by_name.get(name)
        # 0: not labelled, 1: labelled but not visible, 2: labelled and visible.
        flat += [0.0, 0.0, 0] if item is None else [item.x + OFFSET, item.y + OFFSET, 2 if item.visible else 1]
    points = np.array([(item.x, item.y) for item in landmarks])
    # The box reaches around the pixels that the points lie in, so that a single landmark has an area too.
    low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    box = [*(low + OFFSET).tolist(), *(high - low).tolist()]
    return {"bbox": box, "area": box[2] * box[3], "keypoints": flat, "num_keypoints": len(landmarks)}


def _outside(item: FindingObject, where: str) -> ExportError:
    return ExportError(
        f"{where}: the {item.kind} '{item.label}' ({item.id}) lies wholly outside the image. Move it, or reject it."
    )
