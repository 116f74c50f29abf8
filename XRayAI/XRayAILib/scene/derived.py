"""An enhanced image as a volume of its own over the radiograph, or beside it; the radiograph's is never touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX, decoded, encoded
from XRayAILib.scene.volume import GREY, radiograph_uid

ORIGINAL = PREFIX + "original"
"""Role of the reference from a derived volume to the radiograph's."""


def show_derived(
    host: Host, volume_node: Any, image: np.ndarray, step: int, record: Mapping[str, str], name: str = ""
) -> Any:
    """Put an enhanced image into the scene, with the geometry of the radiograph that it was made from.

    Parameters
    ----------
    volume_node
        The radiograph's volume, as ``volume.show_radiograph`` made it.
    image
        float32 (rows, columns), 0 black to 1 white: of each ``step`` x ``step`` pixels of the radiograph one.
    record
        How it was made: for the node's attributes, each beginning with ``XRayAI.``. ``derivedFrom`` is added.
    name
        Of the node.

    Returns
    -------
    vtkMRMLScalarVolumeNode
        The one that there was of this radiograph's volume, or a new one.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonDataModel import vtkImageData

    data = vtkImageData()
    data.SetDimensions(image.shape[1], image.shape[0], 1)
    data.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(image, np.float32).ravel(), deep=True))
    node = find_derived(host, volume_node)
    if node is None:
        node = host.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name or "Enhanced")
        node.SetNodeReferenceID(ORIGINAL, volume_node.GetID())
    changing = node.StartModify()
    if name:
        node.SetName(name)
    node.SetIJKToRASMatrix(_reduced_geometry(volume_node, step))
    node.SetAndObserveImageData(data)
    for key in _keys(node):
        node.RemoveAttribute(key)
    for key, value in {**record, "derivedFrom": radiograph_uid(volume_node)}.items():
        node.SetAttribute(PREFIX + key, encoded(value))
    node.EndModify(changing)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(0.0, 1.0)
    display.SetAndObserveColorNodeID(GREY)
    return node


def derived_record(node: Any) -> dict[str, str]:
    """How a derived volume was made, as :func:`show_derived` was told."""
    return {key.removeprefix(PREFIX): decoded(node.GetAttribute(key)) for key in _keys(node)}


def find_derived(host: Host, volume_node: Any) -> Any:
    """The enhanced image of a radiograph's volume; ``None`` where there is none."""
    return next((node for node in _derived(host) if node.GetNodeReference(ORIGINAL) is volume_node), None)


def remove_derived(host: Host) -> None:
    """Take all enhanced images away, also those whose radiograph is gone."""
    for node in _derived(host):
        display = node.GetDisplayNode()
        host.scene.RemoveNode(node)
        if display is not None:
            host.scene.RemoveNode(display)


def blend(host: Host, node: Any, opacity: float) -> None:
    """Lay an enhanced image over the radiograph in the Red view: 0 shows the radiograph, 1 only what was made of it."""
    composite = host.slice_logic.GetSliceCompositeNode()
    changing = composite.StartModify()
    composite.SetForegroundVolumeID(node.GetID() if node is not None else None)
    composite.SetForegroundOpacity(opacity)
    composite.EndModify(changing)


def show_beside(host: Host, node: Any, view: str) -> None:
    """Show an enhanced image in another slice view, which then follows the Red one's zoom and place.

    Slicer links views only while they look the same way, which two of one radiograph do.
    """
    logic = host.application_logic.GetSliceLogicByLayoutName(view)
    if logic is None:
        raise RuntimeError("The enhanced image cannot be shown beside: this layout has no second slice view.")
    composite = logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(node.GetID())
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    slice_node = logic.GetSliceNode()
    slice_node.SetOrientation("Axial")
    slice_node.RotateToVolumePlane(node)
    link(host, view, True)


def link(host: Host, view: str, linked: bool) -> None:
    """Let the Red view and another one be moved together, or each for itself."""
    for logic in (host.slice_logic, host.application_logic.GetSliceLogicByLayoutName(view)):
        if logic is not None:
            logic.GetSliceCompositeNode().SetLinkedControl(linked)


def is_linked(host: Host) -> bool:
    """Whether somebody wants the Red view to move the others."""
    return bool(host.slice_logic.GetSliceCompositeNode().GetLinkedControl())


def _derived(host: Host) -> list[Any]:
    scene = host.scene
    nodes = [
        scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"))
    ]
    return [node for node in nodes if node.GetAttribute(PREFIX + "derivedFrom") is not None]


def _keys(node: Any) -> list[str]:
    return [key for key in node.GetAttributeNames() or () if key.startswith(PREFIX)]


def _reduced_geometry(volume_node: Any, step: int) -> Any:
    """IJK to RAS of an image with one pixel for ``step`` x ``step``: its outer edges are those of the radiograph."""
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix, reduced, together = vtkMatrix4x4(), vtkMatrix4x4(), vtkMatrix4x4()
    volume_node.GetIJKToRASMatrix(matrix)
    for axis in (0, 1):
        reduced.SetElement(axis, axis, step)
        reduced.SetElement(axis, 3, (step - 1) / 2)
    vtkMatrix4x4.Multiply4x4(matrix, reduced, together)
    return together
