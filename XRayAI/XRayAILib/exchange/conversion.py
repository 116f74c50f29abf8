"""An object as another kind: for formats that have no place for its own."""

from __future__ import annotations

import uuid
from dataclasses import fields
from typing import Any

import numpy as np

from XRayAILib.findings.measurements import Angle, Line
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox
from XRayAILib.pixels.fill import fill_polygon
from XRayAILib.pixels.trace import outlines, signed_area


def converted(item: FindingObject, kind: str, shape: tuple[int, int]) -> list[FindingObject]:
    """An object as one or several of another kind; itself where the kind is its own, nothing where there is no way.

    The first one keeps the ``id``; those of further parts are made from it, the same ones every time.

    Parameters
    ----------
    kind
        ``box`` for the smallest upright one around, ``rotated box`` for the smallest one around, ``polygon`` for
        outlines (one for each part of a mask, its holes filled), ``mask`` for the pixels inside, ``polyline`` for a
        measurement that is one line.
    shape
        (rows, columns) of the image.
    """
    if item.kind == kind:
        return [item]
    common = {field.name: getattr(item, field.name) for field in fields(FindingObject)}
    if kind == Polyline.kind and isinstance(item, (Line, Angle)):
        return [Polyline(points=item.points, **common)]
    parts = [part for part in _outlines(item) if len(part) > 2]
    if not parts:
        return []
    if kind == Polygon.kind:
        return [
            Polygon(points=tuple(map(tuple, part.tolist())), **{**common, "id": part_id(item.id, number)})
            for number, part in enumerate(parts)
        ]
    if kind == Mask.kind:
        return [Mask.from_array(fill_polygon(parts[0], shape), **common)]
    points = np.concatenate(parts)
    if kind == Box.kind:
        (x0, y0), (x1, y1) = _around(item, points)
        return [Box(x0=x0, y0=y0, x1=x1, y1=y1, **common)] if x1 > x0 and y1 > y0 else []
    if kind == RotatedBox.kind:
        place = _turned(item, points)
        return [RotatedBox(**place, **common)] if min(place["width"], place["height"]) > 0 else []
    return []


def part_id(identity: str, number: int) -> str:
    """The id of a part of an object: its own for the first one."""
    return identity if not number else str(uuid.uuid5(uuid.NAMESPACE_URL, f"{identity}/{number}"))


def _outlines(item: FindingObject) -> list[np.ndarray]:
    """The outer outlines (N, 2) of an object that has an area."""
    if isinstance(item, Mask):
        corner = np.array(item.origin[::-1], float)
        return [outline + corner for outline in outlines(item.crop) if signed_area(outline) > 0]
    if isinstance(item, Box):
        x0, y0, x1, y1 = item.x0, item.y0, item.x1, item.y1
        return [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])]
    if isinstance(item, RotatedBox):
        return [np.array(item.corners)]
    if isinstance(item, Ellipse):
        return [np.array(item.outline())]
    return [np.array(item.points, float)] if isinstance(item, Polygon) else []


def _around(item: FindingObject, points: np.ndarray) -> tuple[list[float], list[float]]:
    if isinstance(item, Ellipse):
        turn = np.radians(item.angle)
        half = np.hypot(
            [item.radius_x * np.cos(turn), item.radius_x * np.sin(turn)],
            [item.radius_y * np.sin(turn), item.radius_y * np.cos(turn)],
        )
        middle = np.array([item.x, item.y])
        return (middle - half).tolist(), (middle + half).tolist()
    return points.min(axis=0).tolist(), points.max(axis=0).tolist()


def _turned(item: FindingObject, points: np.ndarray) -> dict[str, Any]:
    """Place of the smallest rotated box around points; one side of it lies along an edge of their convex hull
    (Freeman and Shapira, Communications of the ACM 18, 1975)."""
    if isinstance(item, Box):
        middle = (item.x0 + item.x1) / 2, (item.y0 + item.y1) / 2
        return {"x": middle[0], "y": middle[1], "width": item.width, "height": item.height, "angle": 0.0}
    if isinstance(item, Ellipse):
        size = {"width": 2 * item.radius_x, "height": 2 * item.radius_y}
        return {"x": item.x, "y": item.y, "angle": item.angle, **size}
    edges = np.diff(points, axis=0, append=points[:1])
    turns = np.unique(np.mod(np.arctan2(edges[:, 1], edges[:, 0]), np.pi / 2))
    best: dict[str, Any] = {}
    for turn in turns.tolist():
        axes = np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))])
        along = points @ axes.T
        low, high = along.min(axis=0), along.max(axis=0)
        width, height = (high - low).tolist()
        if not best or width * height < best["width"] * best["height"] - 1e-9:
            x, y = ((low + high) / 2 @ axes).tolist()
            best = {"x": x, "y": y, "width": width, "height": height, "angle": float(np.degrees(turn))}
    return best
