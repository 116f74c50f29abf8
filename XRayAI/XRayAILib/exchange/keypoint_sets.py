"""Sets of landmarks as other programs have them: names in a fixed order, joined by lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
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


def grouped(
    findings: Findings, sets: Sequence[KeypointSet], where: str
) -> list[tuple[KeypointSet, dict[str, Landmark]]]:
    """The landmarks of an image by set, each once in a group by its name: the second one of a name begins another.

    Those outside the image are left out: they have no place.

    Raises
    ------
    ExportError
        A landmark is in none of the sets.
    """
    groups: list[tuple[KeypointSet, dict[str, Landmark]]] = []
    for item in findings.of(Landmark):
        if item.outside:
            continue
        keypoints = next((known for known in sets if item.label in known.points), None)
        if keypoints is None:
            raise ExportError(
                f"{where}: the landmark '{item.label}' is not among the schema's landmarks. "
                "Add it to the label schema, or change the object's label."
            )
        for other, group in groups:
            if other is keypoints and item.label not in group:
                group[item.label] = item
                break
        else:
            groups.append((keypoints, {item.label: item}))
    return groups


def box_around(landmarks: Iterable[Landmark]) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 around the pixels that points lie in, so that a single one has an area too."""
    points = [(item.x, item.y) for item in landmarks]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) - 0.5, min(ys) - 0.5, max(xs) + 0.5, max(ys) + 0.5
