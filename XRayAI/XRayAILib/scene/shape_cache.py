"""Objects that were read from markups nodes before: reading again costs only what was moved since.

VTK gives every change of any object in the process a number of its own (``vtkTimeStamp``), and a markups node takes
another one when its name, its size or an attribute changes. A point that is moved by a program changes it not, so the
places of the points are compared too.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import LabelSchema

MOST = 4096
"""Objects that are remembered; those read longest ago go first."""

_Key = tuple[int, bytes]

_shapes: OrderedDict[_Key, tuple[int, LabelSchema, Author, FindingObject]] = OrderedDict()


def known_shape(node: Any, volume_node: Any, schema: LabelSchema, author: Author) -> FindingObject | None:
    """The very object that was read from a node before; ``None`` where the node or what it is read with has changed."""
    key = _key(node)
    known = _shapes.get(key)
    if known is None or known[0] != volume_node.GetMTime() or known[1] is not schema or known[2] != author:
        return None
    _shapes.move_to_end(key)
    return known[3]


def remember(node: Any, volume_node: Any, schema: LabelSchema, author: Author, item: FindingObject) -> None:
    """Keep what a node says as it is now."""
    _shapes[_key(node)] = (volume_node.GetMTime(), schema, author, item)
    while len(_shapes) > MOST:
        _shapes.popitem(last=False)


def _key(node: Any) -> _Key:
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkPoints

    points = vtkPoints()
    points.SetDataTypeToDouble()
    node.GetControlPointPositionsWorld(points)
    return node.GetMTime(), vtk_to_numpy(points.GetData()).tobytes()
