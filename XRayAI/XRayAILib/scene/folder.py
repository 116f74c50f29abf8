"""The folder of a layer in the Data module: what is in it, and what a person put there."""

from __future__ import annotations

from typing import Any

from XRayAILib.scene.host import Host
from XRayAILib.scene.record import PREFIX

_FOLDER = PREFIX + "layer"


def find_folder(host: Host, segmentation: Any) -> int:
    """The folder of the layer with this segmentation; 0 where it has none."""
    tree = host.subject_hierarchy
    if tree is None or segmentation is None:
        return 0
    item = tree.GetItemByDataNode(segmentation)
    parent = tree.GetItemParent(item) if item else 0
    # A person may have moved the segmentation under a study: that is not ours to empty.
    return int(parent) if parent and tree.GetItemAttribute(parent, _FOLDER) else 0


def put_into_folder(host: Host, name: str, nodes: list[Any]) -> None:
    """Put the nodes of a layer into its folder, which is made where it is missing; the segmentation comes first."""
    tree = host.subject_hierarchy
    if tree is None:
        return
    folder = find_folder(host, nodes[0])
    if not folder:
        folder = tree.CreateFolderItem(tree.GetSceneItemID(), name)
        tree.SetItemAttribute(folder, _FOLDER, name)
    for node in nodes:
        if node is not None:
            item = tree.GetItemByDataNode(node) or tree.CreateItem(folder, node)
            tree.SetItemParent(item, folder)


def nodes_in_folder(host: Host, folder: int) -> list[Any]:
    """The nodes that lie in a folder."""
    from vtkmodules.vtkCommonCore import vtkIdList

    if not folder:
        return []
    children, tree = vtkIdList(), host.subject_hierarchy
    tree.GetItemChildren(folder, children)
    found = [tree.GetItemDataNode(children.GetId(index)) for index in range(children.GetNumberOfIds())]
    # Without the desktop the tree keeps nodes that were removed from the scene.
    return [node for node in found if node is not None and node.GetScene() is not None]


def remove_empty(host: Host, folder: int) -> None:
    """Take a folder away that nothing is in any more."""
    tree = host.subject_hierarchy
    if folder and not tree.GetNumberOfItemChildren(folder):
        tree.RemoveItem(folder)


def remove_node(host: Host, node: Any) -> None:
    """Take a node out of the scene and out of the Data module's tree, which only the desktop cleans by itself."""
    host.scene.RemoveNode(node)
    tree = host.subject_hierarchy
    item = tree.GetItemByDataNode(node) if tree is not None else 0
    if item:
        tree.RemoveItem(item, False, False)
