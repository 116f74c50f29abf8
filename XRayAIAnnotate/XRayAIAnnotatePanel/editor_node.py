"""The parameter node of the panel's own Segment Editor."""

from __future__ import annotations

from typing import Any

_TAG = "XRayAIAnnotate"


def editor_node(scene: Any) -> Any:
    """The ``vtkMRMLSegmentEditorNode`` of this panel, apart from that of the Segment Editor module; made where missing.

    Drawing one label leaves the others as they are: on a projection image, structures overlap.
    """
    node = scene.GetSingletonNode(_TAG, "vtkMRMLSegmentEditorNode")
    if node is None:
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(_TAG)
        node.SetOverwriteMode(node.OverwriteNone)
        node = scene.AddNode(node)
    return node
