"""Polygons, polylines and measurements: objects that are their points, one control point for each."""

from __future__ import annotations

from typing import Any

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import FindingObject, Polygon
from XRayAILib.findings.shapes import Polyline
from XRayAILib.scene.markups import CURVE, is_complete
from XRayAILib.scene.points import pixels_of, read_place, set_pixels, settled


def show_points(node: Any, volume_node: Any, item: Polygon | Polyline | Measurement) -> None:
    """Put an object into its node, a control point for each of its points."""
    changing = node.StartModify()
    set_pixels(node, volume_node, np.asarray(item.points))
    if isinstance(item, Measurement) and not node.IsA(CURVE):
        for index, part in enumerate(item.parts):
            node.SetNthControlPointDescription(index, part)
    node.EndModify(changing)


def read_points(node: Any, volume_node: Any, kind: type[FindingObject]) -> dict[str, object] | None:
    """The points of an object; ``None`` where there are too few, or a line of a measurement has no length."""
    if not is_complete(node):
        return None
    points = settled(read_place(node), pixels_of(node, volume_node))
    if issubclass(kind, Measurement) and any(np.array_equal(points[a], points[b]) for a, b in kind.strokes):
        return None
    return {"points": tuple((float(x), float(y)) for x, y in points)}
