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
        from XRayAILib.scene.markups import POINTS

        self._host, self._volume = host, volume
        self._node = host.scene.AddNewNodeByClass(POINTS, "seed")
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
        active = self._host.markups_logic.GetActiveListID()
        return bool(placing.is_placing(self._host) and active == self._node.GetID())

    def remove(self) -> None:
        """Take the point away."""
        if self._node.GetScene() is not None:
            display = self._node.GetDisplayNode()
            self._host.scene.RemoveNode(self._node)
            if display is not None:
                self._host.scene.RemoveNode(display)
