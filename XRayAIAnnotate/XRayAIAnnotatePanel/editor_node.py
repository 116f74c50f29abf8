"""The parameter node of the panel's own Segment Editor."""

from __future__ import annotations

from typing import Any

_TAG, _PREPARED = "XRayAIAnnotate", "XRayAI.prepared"


def editor_node(scene: Any) -> Any:
    """The ``vtkMRMLSegmentEditorNode`` of this panel, apart from that of the Segment Editor module; made where missing.

    Drawing one label leaves the others as they are: on a projection image, structures overlap.
    """
    node = scene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(_TAG)
        node = scene.AddNode(node)
    # Closing a scene keeps the node and resets it; a choice that a person made since is kept.
    if node.GetAttribute(_PREPARED) is None:
        node.SetOverwriteMode(node.OverwriteNone)
        node.SetAttribute(_PREPARED, "1")
    return node
