"""The lines of objects that Slicer has no markups node for: a model in the plane of the image, beside the node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from XRayAILib.findings.measurements import Measurement
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.shapes import Ellipse
from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import pixels_to_ras

MODEL = "vtkMRMLModelNode"
LINE_WIDTH, THICK_LINE_WIDTH = 2, 4
"""In pixels of the screen."""

_OUTLINE, _OWNER = PREFIX + "outline", PREFIX + "outlineOf"


def lines_of(item: FindingObject) -> list[np.ndarray]:
    """The lines that are drawn for an object, each (N, 2) in pixels; none where its own node draws it."""
    if isinstance(item, Ellipse):
        outline = np.asarray(item.outline())
        return [np.concatenate([outline, outline[:1]])]
    if isinstance(item, Measurement):
        return [np.asarray([item.points[first], item.points[second]]) for first, second in item.strokes]
    return []


def of(node: Any) -> Any:
    """The model with the lines of a node, or ``None``."""
    model = node.GetNodeReference(_OUTLINE) if node is not None else None
    # A copy of the node refers to the lines of the first.
    return model if model is not None and model.GetNodeReferenceID(_OWNER) == node.GetID() else None


def draw(host: Host, node: Any, volume_node: Any, lines: Sequence[np.ndarray], color: Sequence[float]) -> Any:
    """Draw lines, each (N, 2) in pixels of the radiograph, for a node, in place of those that were there; the model."""
    model = of(node)
    if model is None:
        model = _new_model(host, f"{node.GetName()} lines")
        node.SetNodeReferenceID(_OUTLINE, model.GetID())
        model.SetNodeReferenceID(_OWNER, node.GetID())
        model.GetDisplayNode().SetVisibility(node.GetDisplayNode() is None or node.GetDisplayNode().GetVisibility())
    display = model.GetDisplayNode()
    if tuple(display.GetColor()) != tuple(color):
        display.SetColor(*color)
    model.SetAndObservePolyData(_poly_data(volume_node, lines))
    return model


def remove_orphans(host: Host) -> None:
    """Take away the lines of nodes that are no longer in the scene."""
    count = host.scene.GetNumberOfNodesByClass(MODEL)
    models = [host.scene.GetNthNodeByClass(index, MODEL) for index in range(count)]
    for model in models:
        if model.GetNodeReferenceID(_OWNER) is not None and model.GetNodeReference(_OWNER) is None:
            host.scene.RemoveNode(model)


def _new_model(host: Host, name: str) -> Any:
    model = host.scene.AddNewNodeByClass(MODEL, name)
    model.CreateDefaultDisplayNodes()
    # It belongs to its node: nothing to be chosen or listed by itself.
    model.SetSelectable(False)
    model.SetHideFromEditors(True)
    display = model.GetDisplayNode()
    display.SetVisibility2D(True)
    # A line in the plane of the slice has no intersection with it.
    display.SetSliceDisplayModeToProjection()
    display.SetSliceIntersectionThickness(LINE_WIDTH)
    display.SetLighting(False)
    return model


def _poly_data(volume_node: Any, lines: Iterable[np.ndarray]) -> Any:
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    points, cells = vtkPoints(), vtkCellArray()
    for line in lines:
        cells.InsertNextCell(len(line))
        for position in pixels_to_ras(volume_node, line):
            cells.InsertCellPoint(points.InsertNextPoint(*(float(v) for v in position)))
    data = vtkPolyData()
    data.SetPoints(points)
    data.SetLines(cells)
    return data
