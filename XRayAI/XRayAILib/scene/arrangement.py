"""Several slice views beside each other, each with the radiograph and the findings that belong into it."""

from __future__ import annotations

from typing import Any

from XRayAILib.scene.host import SLICE_VIEW, Host
from XRayAILib.scene.layers import FindingsNodes

VIEWS = (SLICE_VIEW, "Yellow", "Green", "Slice4")
"""The views from left to right; the first three are there in every Slicer."""

_FIRST_LAYOUT = 5810
"""Numbers of layouts of one's own begin above Slicer's (``vtkMRMLLayoutNode::SlicerLayoutUserView``)."""
_COLORS = ("#F34A33", "#EDD54C", "#6EB04B", "#B0B0B0")


def row_of_views(host: Host, count: int) -> int:
    """Number of the layout that has so many views beside each other; it is made known to Slicer where it is not yet."""
    if not 1 <= count <= len(VIEWS):
        raise ValueError(f"{count} views beside each other are too many: at most {len(VIEWS)}.")
    layout, node = _FIRST_LAYOUT + count, host.layout_node
    if not node.IsLayoutDescription(layout):
        items = "".join(_item(name, color) for name, color in zip(VIEWS[:count], _COLORS, strict=False))
        node.AddLayoutDescription(layout, f'<layout type="horizontal">{items}</layout>')
    return layout


def _item(name: str, color: str) -> str:
    return (
        f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
        '<property name="orientation" action="default">Axial</property>'
        f'<property name="viewlabel" action="default">{name[0]}</property>'
        f'<property name="viewcolor" action="default">{color}</property></view></item>'
    )


def view_logic(host: Host, name: str) -> Any:
    """``vtkMRMLSliceLogic`` of a view of the present layout.

    Raises
    ------
    RuntimeError
        The layout has no such view.
    """
    logic = host.application_logic.GetSliceLogicByLayoutName(name)
    if logic is None:
        raise RuntimeError(f"This layout has no {name} view, so nothing can be shown beside the image.")
    return logic


def put_into_view(host: Host, name: str, volume_node: Any) -> Any:
    """Show a radiograph alone and upright in a view; its slice logic."""
    logic = view_logic(host, name)
    composite = logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(volume_node.GetID())
    composite.SetForegroundVolumeID(None)
    composite.SetLabelVolumeID(None)
    node = logic.GetSliceNode()
    node.SetOrientation("Axial")
    node.RotateToVolumePlane(volume_node)
    node.SetOrientationMarkerType(node.OrientationMarkerTypeNone)
    logic.FitSliceToBackground()
    logic.SnapSliceOffsetToIJK()
    return logic


def restrict(host: Host, nodes: FindingsNodes, name: str) -> None:
    """Show a layer in one view only."""
    view_id = view_logic(host, name).GetSliceNode().GetID()
    for node in nodes.nodes:
        display = node.GetDisplayNode() if node is not None else None
        if display is not None and tuple(display.GetViewNodeIDs()) != (view_id,):
            changing = display.StartModify()
            display.RemoveAllViewNodeIDs()
            display.AddViewNodeID(view_id)
            display.EndModify(changing)


def release(nodes: FindingsNodes) -> None:
    """Show a layer in every view again."""
    for node in nodes.nodes:
        display = node.GetDisplayNode() if node is not None else None
        if display is not None and display.GetViewNodeIDs():
            display.RemoveAllViewNodeIDs()
