"""Control points of markups in pixels of the radiograph, and back exactly where nobody moved them.

Parts of Slicer's markups work in single precision, a ten-thousandth of a pixel on a large image. So every node
remembers the coordinates that it was given; they are what is read back as long as the point still lies there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from XRayAILib.findings.objects import FindingError
from XRayAILib.scene.record import read_attributes, write_attributes
from XRayAILib.scene.volume import pixels_to_ras, ras_to_pixels

_AT = "at"

STILL_THERE = 1e-3
"""Pixels: a point that lies nearer to where it was put was not moved; a person moves by whole pixels of the screen."""


def pixels_of(node: Any, volume_node: Any) -> np.ndarray:
    """The placed control points as x, y (N, 2) in pixels of the radiograph."""
    placed = [
        node.GetNthControlPointPositionWorld(index)
        for index in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(index) == node.PositionDefined
    ]
    return ras_to_pixels(volume_node, np.array(placed, float).reshape(-1, 3))


def set_pixels(node: Any, volume_node: Any, points: np.ndarray) -> None:
    """Make these points (N, 2), in pixels, the control points of a node."""
    from vtkmodules.vtkCommonCore import vtkPoints

    positions = vtkPoints()
    # The default of single precision would move a point by a thousandth of a pixel.
    positions.SetDataTypeToDouble()
    for position in pixels_to_ras(volume_node, points):
        positions.InsertNextPoint(*(float(v) for v in position))
    node.SetControlPointPositionsWorld(positions)


def write_place(node: Any, values: Sequence[float] | np.ndarray) -> None:
    """Let a node remember the numbers that its place was given by."""
    write_attributes(node, {_AT: json.dumps(np.asarray(values, float).ravel().tolist())})


def read_place(node: Any) -> np.ndarray:
    """The numbers that :func:`write_place` wrote; none for a node that was placed by hand.

    Raises
    ------
    FindingError
        Where the record is damaged.
    """
    return numbers_of(read_attributes(node, (_AT,)).get(_AT, ""))


def numbers_of(recorded: str) -> np.ndarray:
    """A list of numbers that was written as JSON; :class:`FindingError` where it is none."""
    try:
        return np.asarray(json.loads(recorded), float).ravel() if recorded else np.empty(0)
    except (TypeError, ValueError) as error:
        raise FindingError(f"The scene's record of a markup's place is damaged: {error}.") from error


def settled(given: np.ndarray, measured: np.ndarray) -> np.ndarray:
    """The measured points (N, 2), each as it was given (2 M numbers) where it still lies there."""
    given = given.reshape(-1, 2)
    if not len(given) or not len(measured):
        return measured
    if given.shape == measured.shape and (np.abs(given - measured) < STILL_THERE).all():
        return given
    from scipy.spatial import cKDTree

    # Points may have been added or taken out between the others.
    nearest = given[cKDTree(given).query(measured)[1]]
    still = np.abs(nearest - measured).max(axis=1) < STILL_THERE
    return np.where(still[:, None], nearest, measured)
