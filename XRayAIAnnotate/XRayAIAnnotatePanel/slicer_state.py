"""What the panel changes in Slicer while it is entered, and gives back when it is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from XRayAIPanel.annotations import CornerAnnotations

if TYPE_CHECKING:
    from XRayAILib.scene.host import Host


@dataclass
class SlicerState:
    """Layout, corner annotations, ruler and marker of the Red view, and what a click of the mouse does."""

    host: Host
    _annotations: CornerAnnotations = field(default_factory=CornerAnnotations)
    _before: dict[str, int] | None = None

    def take(self) -> None:
        """Remember how it is, and hide what is out of place over a radiograph."""
        if self._before is not None:
            return
        interaction, view = self.host.application_logic.GetInteractionNode(), self.host.slice_node
        self._before = {
            "layout": self.host.layout_node.GetViewArrangement(),
            "mode": interaction.GetCurrentInteractionMode(),
            "persistence": interaction.GetPlaceModePersistence(),
            "ruler": view.GetRulerType(),
            "marker": view.GetOrientationMarkerType(),
        }
        self._annotations.hide()

    def put_back(self) -> None:
        """Make it as it was."""
        before, self._before = self._before, None
        if before is None:
            return
        interaction, view = self.host.application_logic.GetInteractionNode(), self.host.slice_node
        interaction.SetPlaceModePersistence(before["persistence"])
        interaction.SetCurrentInteractionMode(before["mode"])
        view.SetRulerType(before["ruler"])
        view.SetOrientationMarkerType(before["marker"])
        self.host.layout_node.SetViewArrangement(before["layout"])
        self._annotations.restore()
