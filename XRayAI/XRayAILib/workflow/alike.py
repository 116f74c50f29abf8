"""Whether two findings say the same, up to the rounding of coordinates that have passed through a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Landmark, Polygon

TOLERANCE = 1e-4
"""Pixels. A scene keeps coordinates in millimetres as doubles; nobody draws this finely."""


def alike(one: Findings, other: Findings) -> bool:
    """Same radiograph, same author, same objects by ``id``; the order does not count."""
    if (one.radiograph_uid, one.shape, one.author) != (other.radiograph_uid, other.shape, other.author):
        return False
    theirs = {item.id: item for item in other}
    return len(one) == len(theirs) and all(item.id in theirs and _same(item, theirs[item.id]) for item in one)


def _same(one: FindingObject, other: FindingObject) -> bool:
    if type(one) is not type(other):
        return False
    here, there = _coordinates(one), _coordinates(other)
    if here.shape != there.shape or not np.allclose(here, there, rtol=0, atol=TOLERANCE):
        return False
    return _moved(one, other) == other


def _coordinates(item: FindingObject) -> np.ndarray:
    if isinstance(item, Box):
        return np.array([item.x0, item.y0, item.x1, item.y1])
    if isinstance(item, Landmark):
        return np.array([item.x, item.y])
    return np.asarray(item.points) if isinstance(item, Polygon) else np.zeros(0)


def _moved(item: FindingObject, to: FindingObject) -> FindingObject:
    """``item`` at the exact coordinates of ``to``, so that what is left to compare is everything else."""
    if isinstance(item, Box) and isinstance(to, Box):
        return replace(item, x0=to.x0, y0=to.y0, x1=to.x1, y1=to.y1)
    if isinstance(item, Landmark) and isinstance(to, Landmark):
        return replace(item, x=to.x, y=to.y)
    if isinstance(item, Polygon) and isinstance(to, Polygon):
        return replace(item, points=to.points)
    return item
