"""Sets of landmarks as other programs have them: names in a fixed order, joined by lines."""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.findings.schema import LabelSchema, Tool

LANDMARKS = "landmarks"
"""Name of the set of those that belong to no skeleton."""


@dataclass(frozen=True)
class KeypointSet:
    """A set of landmarks.

    Attributes
    ----------
    points
        Names of landmark labels.
    lines
        Pairs of places in ``points``, from 0.
    mirror
        The place that each of them has in a mirrored image.
    """

    name: str
    points: tuple[str, ...]
    lines: tuple[tuple[int, int], ...]
    mirror: tuple[int, ...]


def keypoint_sets(schema: LabelSchema) -> list[KeypointSet]:
    """The skeletons of a schema, and last the landmarks that none of them has. A landmark is in one set only."""
    sets: list[KeypointSet] = []
    left = [label.name for label in schema.of(Tool.LANDMARK)]
    for skeleton in schema.skeletons:
        points = tuple(name for name in skeleton.points if name in left)
        if points:
            left = [name for name in left if name not in points]
            sets.append(_set(skeleton.name, points, skeleton.lines, schema))
    if left:
        # Without a skeleton, a line joins the two sides of each pair.
        pairs = [(name, schema[name].mirror) for name in left if schema[name].mirror in left]
        sets.append(_set(LANDMARKS, tuple(left), tuple(pair for pair in pairs if pair[0] != pair[1]), schema))
    return sets


def _set(name: str, points: tuple[str, ...], lines: tuple[tuple[str, str], ...], schema: LabelSchema) -> KeypointSet:
    places = {(points.index(one), points.index(other)) for one, other in lines if {one, other} <= set(points)}
    joined = sorted({(min(pair), max(pair)) for pair in places})
    mirrored = [schema[point].mirror for point in points]
    mirror = tuple(points.index(m) if m in points else i for i, m in enumerate(mirrored))
    return KeypointSet(name, points, tuple(joined), mirror)
