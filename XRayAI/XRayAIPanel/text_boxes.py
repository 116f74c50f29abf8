"""Regions of burned-in text over the radiograph in the Red view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.schema import LabelSchema
    from XRayAIPanel.viewer import SlicerViewer

LAYER = "Burned-in text"


class TextBoxes:
    """Fulfils :class:`XRayAILib.workflow.text_confirmation.TextView`."""

    def __init__(self, viewer: SlicerViewer) -> None:
        self._viewer = viewer
        self._visible = True

    def show_boxes(self, boxes: Findings, schema: LabelSchema) -> None:
        from XRayAILib.scene import layers

        self.clear_boxes()
        if self._viewer.volume_node is not None:
            layers.show_findings(self._viewer.host, self._viewer.volume_node, boxes, schema, LAYER)
            self.set_visible(self._visible)

    def set_visible(self, visible: bool) -> None:
        """Show the boxes or hide them, now and from now on; where they were moved to is kept."""
        from XRayAILib.scene import layers

        self._visible = visible
        nodes = self._layer()
        if nodes is not None:
            layers.set_visible(nodes, visible)

    def choose_box(self, name: str) -> None:
        """Give handles to the box with this id, and to no other: they would hide what smaller boxes point at."""
        from XRayAILib.scene import markups

        nodes = self._layer()
        for shape in nodes.shapes if nodes is not None else ():
            markups.set_editable(shape, markups.object_id(shape) == name)

    def boxes(self, schema: LabelSchema) -> Findings | None:
        from XRayAILib.scene import layers

        nodes = self._layer()
        return layers.read_findings(self._viewer.host, nodes, schema) if nodes is not None else None

    def clear_boxes(self) -> None:
        from XRayAILib.scene import layers

        nodes = self._layer()
        if nodes is not None:
            layers.remove(self._viewer.host, nodes)

    def _layer(self) -> Any:
        from XRayAILib.scene import layers

        volume = self._viewer.volume_node
        return layers.find_layer(self._viewer.host, volume, LAYER) if volume is not None else None
