"""YOLO as a format of exports: sets of landmarks.

A class is a set of landmarks (a skeleton of the schema). All classes of a file have as many points as the largest one;
those that a set does not have are always 0 0 0. ``kpt_names`` in ``data.yaml`` names the points of each class.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.foreign_objects import OFFSET
from XRayAILib.exchange.format import LabelledImage, Plan
from XRayAILib.exchange.keypoint_sets import box_around, grouped, keypoint_sets
from XRayAILib.exchange.said import Said
from XRayAILib.exchange.yolo.format import Yolo, by_supervision
from XRayAILib.findings.objects import FindingObject, Landmark
from XRayAILib.findings.schema import LabelSchema


class YoloPose(Yolo):
    """Sets of landmarks. supervision knows only the box around each, so a plain reader looks at the points."""

    name = "yolo-pose"
    title = "YOLO, landmarks"
    becomes = {Landmark.kind: Landmark.kind}
    reader = "supervision (classes and boxes) and a second reader (points)"
    needs = "supervision"
    task = "pose"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        sentences = super().losses(contents, plan)
        if contents.outside:
            sentences.append(f"{contents.outside} landmarks outside the image are left out, as if nobody had set them.")
        return sentences

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        if not isinstance(item, Landmark) or item.outside:
            return []
        # Ultralytics drops the whole image because of one point outside of it.
        return [item] if -0.5 <= item.x <= shape[1] - 0.5 and -0.5 <= item.y <= shape[0] - 0.5 else []

    def classes(self, schema: LabelSchema) -> list[str]:
        return [keypoints.name for keypoints in keypoint_sets(schema)]

    def description(self, schema: LabelSchema, parts: set[str]) -> dict[str, Any]:
        sets = keypoint_sets(schema)
        described = super().description(schema, parts)
        count = max((len(keypoints.points) for keypoints in sets), default=0)
        described["kpt_shape"] = [count, 3]
        described["kpt_names"] = {number: list(keypoints.points) for number, keypoints in enumerate(sets)}
        if len({keypoints.mirror for keypoints in sets}) == 1:
            described["flip_idx"] = list(sets[0].mirror)
        return described

    def rows(self, image: LabelledImage, plan: Plan, classes: dict[str, int]) -> Iterator[tuple[int, Sequence[float]]]:
        sets = keypoint_sets(plan.schema)
        if not sets:
            raise ExportError("The label schema has no landmarks, so there is nothing that YOLO poses could hold.")
        count = max(len(keypoints.points) for keypoints in sets)
        rows, columns = image.shape
        for keypoints, group in grouped(image.findings, sets, f"image {image.name}"):
            x0, y0, x1, y1 = box_around(group.values())
            x0, y0 = max(x0 + OFFSET, 0.0), max(y0 + OFFSET, 0.0)
            x1, y1 = min(x1 + OFFSET, columns), min(y1 + OFFSET, rows)
            values = [(x0 + x1) / 2 / columns, (y0 + y1) / 2 / rows, (x1 - x0) / columns, (y1 - y0) / rows]
            for name in keypoints.points:
                item = group.get(name)
                values += _point(item, image.shape) if item else (0.0, 0.0, 0)
            yield classes[keypoints.name], [*values, *[0.0] * 3 * (count - len(keypoints.points))]

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        self._points = {keypoints.name: keypoints.points for keypoints in keypoint_sets(plan.schema)}
        return super().read_again(folder, plan)

    def found(self, lines: list[str], shape: tuple[int, int], names: list[str]) -> Iterator[Said]:
        size = np.array(shape[::-1])
        boxes = [" ".join(line.split()[:5]) for line in lines]
        for line, (label, box) in zip(lines, by_supervision(boxes, shape, names), strict=True):
            points = np.array(line.split()[5:], float).reshape(-1, 3)
            seen = points[:, 2] > 0
            places = points[:, :2] * size - OFFSET
            # The box is that of the points, so a point in another place would show.
            low, high = places[seen].min(axis=0) - 0.5, places[seen].max(axis=0) + 0.5
            around = (*np.clip(low, -0.5, size - 0.5).tolist(), *np.clip(high, -0.5, size - 0.5).tolist())
            whole = np.allclose(around, box, rtol=0, atol=self.tolerance)
            for name, (x, y), state in zip(self._points[label], places.tolist(), points[:, 2].tolist(), strict=False):
                if state:
                    where = (x, y) if whole else ()
                    yield Said(Landmark.kind, name, where, record={"visible": state == 2, "outside": False})


def _point(item: Landmark, shape: tuple[int, int]) -> tuple[float, float, int]:
    return (item.x + OFFSET) / shape[1], (item.y + OFFSET) / shape[0], 2 if item.visible else 1
