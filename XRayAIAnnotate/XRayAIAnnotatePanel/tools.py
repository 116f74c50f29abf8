"""Choosing a label: its tool is ready in the view at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from XRayAIAnnotatePanel import placing

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.canvas import SceneCanvas
    from XRayAILib.findings.schema import Label
    from XRayAILib.scene.layers import FindingsNodes

EFFECTS = (
    "Draw",
    "Paint",
    "Erase",
    "Scissors",
    "Threshold",
    "Islands",
    "Smoothing",
    "Level tracing",
    "Polygon",
    "Box",
    "Landmarks",
    "Measure",
)
"""The tools of the Segment Editor that make sense on one slice, in the order in which they are offered."""

FIRST_EFFECT = "Draw"
SHAPE_EFFECTS = frozenset({"Polygon", "Box", "Landmarks", "Measure"})


class Tools:
    """The tools over one canvas.

    Parameters
    ----------
    editor
        ``qMRMLSegmentEditorWidget`` with a parameter node of its own.
    """

    def __init__(self, canvas: SceneCanvas, editor: Any) -> None:
        self.canvas = canvas
        self.editor = editor

    @property
    def is_drawing(self) -> bool:
        """Whether a click in the view draws something."""
        return placing.is_placing(self.canvas.host) or self.editor.activeEffect() is not None

    def attach(self) -> None:
        """Let the editor work on the masks of the image that is shown now."""
        nodes = self.canvas.nodes
        self.editor.setSegmentationNode(nodes.segmentation if nodes else None)
        self.editor.setSourceVolumeNode(self.canvas.volume_node if nodes else None)

    def choose(self, label: Label, another: bool = False) -> None:
        """Make ready what draws ``label``; with ``another`` a new mask beside those that are there."""
        from XRayAILib.findings.schema import Tool

        if self.canvas.nodes is None:
            return
        host, volume, schema = self.canvas.host, self.canvas.volume_node, self.canvas.schema
        if label.tool is Tool.MASK:
            self._mask(label, another)
            return
        self.editor.setActiveEffect(None)
        placing.place(host, volume, schema, label, placing.is_in_order(schema, label))
        self.canvas.watch_new()

    def stop(self) -> None:
        """Put every tool away; what was begun and left is gone."""
        self.editor.setActiveEffect(None)
        placing.stop(self.canvas.host)
        nodes = self.canvas.nodes
        if nodes is not None:
            placing.drop_unfinished(self.canvas.host, nodes)

    def select_mask(self, segment_id: str) -> None:
        """Let the editor draw on a mask that is there."""
        placing.stop(self.canvas.host)
        self.editor.setCurrentSegmentID(segment_id)

    def _mask(self, label: Label, another: bool) -> None:
        from XRayAILib.scene import segmentation

        nodes = self.canvas.nodes
        assert nodes is not None
        placing.stop(self.canvas.host)
        segment_id = "" if another else _segment_of(nodes, label)
        segment_id = segment_id or segmentation.new_segment(nodes.segmentation, label)
        self.editor.setCurrentSegmentID(segment_id)
        active = self.editor.activeEffect()
        if active is None or active.name in SHAPE_EFFECTS:
            self.editor.setActiveEffectByName(FIRST_EFFECT)


def _segment_of(nodes: FindingsNodes, label: Label) -> str:
    """The first segment of a mask label, or empty."""
    segmentation = nodes.segmentation.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        if segmentation.GetSegment(segment_id).GetName() == label.title:
            return str(segment_id)
    return ""
