"""A click into the image that says where something grows from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAIAnnotatePanel import placing

if TYPE_CHECKING:
    from XRayAILib.scene.host import Host


class Seed:
    """Lets the next click set a point, gives its place, and leaves nothing behind."""

    def __init__(self, host: Host, volume: Any) -> None:
        self._host, self._volume = host, volume
        self._node = host.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "seed")
        self._node.SetSaveWithScene(False)
        self._node.SetHideFromEditors(True)
        self._node.CreateDefaultDisplayNodes()
        self._node.GetDisplayNode().SetPointLabelsVisibility(False)
        host.markups_logic.SetActiveList(self._node)
        interaction = host.application_logic.GetInteractionNode()
        interaction.SetPlaceModePersistence(False)
        interaction.SetCurrentInteractionMode(interaction.Place)

    @property
    def place(self) -> tuple[float, float] | None:
        """x, y in pixels of the image; ``None`` as long as nothing was clicked."""
        from XRayAILib.scene.volume import ras_to_pixels

        if self._node.GetScene() is None or self._node.GetNumberOfDefinedControlPoints() == 0:
            return None
        ((x, y),) = ras_to_pixels(self._volume, np.array([self._node.GetNthControlPointPositionWorld(0)]))
        return float(x), float(y)

    @property
    def is_waiting(self) -> bool:
        """Whether the next click sets it; not any more where another tool was chosen."""
        if self._node.GetScene() is None or self.place is not None:
            return False
        return placed_now(self._host) is self._node

    def remove(self) -> None:
        """Take the point away."""
        if self._node.GetScene() is not None:
            display = self._node.GetDisplayNode()
            self._host.scene.RemoveNode(self._node)
            if display is not None:
                self._host.scene.RemoveNode(display)


def placed_now(host: Host) -> Any:
    """The markup whose next point a click sets; ``None`` where a click sets none."""
    if not placing.is_placing(host):
        return None
    return host.scene.GetNodeByID(host.application_logic.GetSelectionNode().GetActivePlaceNodeID() or "")
