"""Objects as boxes: upright rectangles by their outer edges, (x0, y0, x1, y1).

Pixel centres are at integers, so a box around the pixels *i* to *j* spans *i* - 0.5 to *j* + 0.5; that holds on the
radiograph and on the network's square alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject
from XRayAILib.findings.schema import Tool
from XRayAILib.findings.shapes import Ellipse, RotatedBox

TOOLS = frozenset({Tool.BOX, Tool.ROTATED_BOX, Tool.ELLIPSE})
"""What is learnt as the upright box around it. Masks and polygons are what segmentation learns."""
KINDS = (Box, RotatedBox, Ellipse)
BoxLike = Box | RotatedBox | Ellipse
Edges = tuple[float, float, float, float]


def edges_of(item: BoxLike) -> Edges:
    """The upright box around an object, exact also where it is turned."""
    if isinstance(item, Box):
        return item.x0, item.y0, item.x1, item.y1
    if isinstance(item, RotatedBox):
        xs, ys = zip(*item.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    turn = np.radians(item.angle)
    half_x = float(np.hypot(item.radius_x * np.cos(turn), item.radius_y * np.sin(turn)))
    half_y = float(np.hypot(item.radius_x * np.sin(turn), item.radius_y * np.cos(turn)))
    return item.x - half_x, item.y - half_y, item.x + half_x, item.y + half_y


def drawn(findings: Findings, label: str) -> list[BoxLike]:
    """The objects of a label that are learnt as boxes."""
    return [item for item in findings if isinstance(item, KINDS) and item.label == label]


def edges_array(items: Sequence[BoxLike]) -> np.ndarray:
    """(N, 4) float64 of :func:`edges_of`."""
    return np.array([edges_of(item) for item in items], float).reshape(-1, 4)


def object_of(tool: Tool, label: str, edges: np.ndarray, score: float, author: Author) -> FindingObject:
    """A box that was found, as the kind of object that its label is drawn as: upright, whatever the kind."""
    x0, y0, x1, y1 = (float(value) for value in edges)
    if tool is Tool.BOX:
        return Box(label=label, author=author, score=score, x0=x0, y0=y0, x1=x1, y1=y1)
    x, y, width, height = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    if tool is Tool.ROTATED_BOX:
        return RotatedBox(label=label, author=author, score=score, x=x, y=y, width=width, height=height)
    return Ellipse(label=label, author=author, score=score, x=x, y=y, radius_x=width / 2, radius_y=height / 2)


def upright(item: BoxLike) -> Box:
    """The box around an object, with its label, author and score."""
    if isinstance(item, Box):
        return item
    x0, y0, x1, y1 = edges_of(item)
    return Box(label=item.label, author=item.author, score=item.score, x0=x0, y0=y0, x1=x1, y1=y1)


def without_low(findings: Findings, thresholds: dict[str, float]) -> Findings:
    """Findings without the boxes whose score is below the threshold of their label; an unscored one stays."""
    kept = [
        item
        for item in findings
        if not isinstance(item, KINDS) or item.score is None or item.score >= thresholds.get(item.label, 0.0)
    ]
    return replace(findings, objects=tuple(kept))
