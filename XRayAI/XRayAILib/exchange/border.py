"""Shapes that reach over the border of the image."""

from __future__ import annotations

import numpy as np

from XRayAILib.exchange.clip import clip_box, clip_polygon
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.objects import Box, FindingObject, Landmark, Polygon


def within(item: FindingObject, shape: tuple[int, int], where: str, warnings: list[str]) -> FindingObject:
    """A box or polygon cut at the border of an image of (rows, columns), with a warning where that changed it.

    Raises
    ------
    ExportError
        Nothing of it is inside.
    """
    if isinstance(item, Box):
        clipped = clip_box(item, shape)
        if clipped is None:
            raise _outside(item, where)
        if clipped == (item.x0, item.y0, item.x1, item.y1):
            return item
        x0, y0, x1, y1 = clipped
        item = item.changed(x0=x0, y0=y0, x1=x1, y1=y1)
    elif isinstance(item, Polygon):
        xs, ys = zip(*item.points, strict=True)
        if min(xs) >= -0.5 and min(ys) >= -0.5 and max(xs) <= shape[1] - 0.5 and max(ys) <= shape[0] - 0.5:
            return item
        points = clip_polygon(np.asarray(item.points, float), shape)
        if len(points) < 3:
            raise _outside(item, where)
        item = item.changed(points=tuple(map(tuple, points.tolist())))
    elif isinstance(item, Landmark) and not item.outside:
        if not (-0.5 <= item.x <= shape[1] - 0.5 and -0.5 <= item.y <= shape[0] - 0.5):
            warnings.append(f"{where}: the landmark '{item.label}' lies outside the image.")
        return item
    else:
        return item
    warnings.append(f"{where}: the {item.kind} '{item.label}' reaches outside the image and was cut there.")
    return item


def _outside(item: FindingObject, where: str) -> ExportError:
    return ExportError(
        f"{where}: the {item.kind} '{item.label}' ({item.id}) lies wholly outside the image. Move it, or reject it."
    )
