"""The lines between landmarks, and a sign around those that are not seen: one model beside the point list."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from XRayAILib.findings.schema import LabelSchema
from XRayAILib.scene import landmarks, outlines
from XRayAILib.scene.host import Host
from XRayAILib.scene.landmarks import State
from XRayAILib.scene.volume import image_shape, ras_to_pixels

_RADIUS = 0.012
"""Of the sign around a landmark that is not seen, in parts of the image's longer side."""


def draw_skeletons(host: Host, points: Any, volume_node: Any, schema: LabelSchema) -> None:
    """Join the landmarks as the skeletons of the schema say; a ring is not visible, a square outside the image.

    A line to a landmark outside is not drawn: its place means nothing.
    """
    places: dict[str, np.ndarray] = {}
    lines = []
    radius = _RADIUS * max(image_shape(volume_node))
    for index in landmarks.placed_points(points):
        if not points.GetNthControlPointVisibility(index):
            continue
        (place,) = ras_to_pixels(volume_node, np.array(points.GetNthControlPointPositionWorld(index)))
        state = landmarks.state_of(points, index)
        if state is not State.OUTSIDE:
            places.setdefault(landmarks.label_of(points, index, schema), place)
        if state is not State.VISIBLE:
            lines.append(place + radius * _sign(4 if state is State.OUTSIDE else 24))
    for skeleton in schema.skeletons:
        lines += [
            np.array([places[start], places[end]]) for start, end in skeleton.lines if start in places and end in places
        ]
    if lines or outlines.of(points) is not None:
        outlines.draw(host, points, volume_node, lines, points.GetDisplayNode().GetSelectedColor())


def _sign(corners: int) -> np.ndarray:
    """A closed polygon around the origin with its first edge upright."""
    turns = (np.arange(corners + 1) + 0.5) * 2 * math.pi / corners
    return np.stack([np.cos(turns), np.sin(turns)], axis=1)
