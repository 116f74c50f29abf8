"""What the panel changes in Slicer while it is entered, and gives back when it is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from XRayAIPanel.annotations import CornerAnnotations

if TYPE_CHECKING:
    from XRayAILib.scene.host import Host

_RED = "Red"


@dataclass
class SlicerState:
    """Layout, slice views, corner annotations, crosshair, and what a click of the mouse does.

    Of the Red view ruler, marker and label come back, not the image: whoever leaves the panel goes on looking at the
    radiograph. The other views, which stand beside it while they are needed, come back as they were.
    """

    host: Host
    _annotations: CornerAnnotations = field(default_factory=CornerAnnotations)
    _before: dict[str, int] | None = None
    _views: list[_View] = field(default_factory=list)

    def take(self) -> None:
        """Remember how it is, and hide what is out of place over a radiograph."""
        if self._before is not None:
            return
        interaction, crosshair = self.host.application_logic.GetInteractionNode(), self._crosshair()
        self._before = {
            "layout": self.host.layout_node.GetViewArrangement(),
            "mode": interaction.GetCurrentInteractionMode(),
            "persistence": interaction.GetPlaceModePersistence(),
            "crosshair": crosshair.GetCrosshairMode() if crosshair is not None else 0,
        }
        self._views = [_View.of(logic) for logic in self._logics()]
        for view in self._views:
            # The panel has a link of its own, for images of different sizes; with both, two would pull at one view.
            view.composite.SetLinkedControl(False)
        if crosshair is not None:
            crosshair.SetCrosshairMode(crosshair.NoCrosshair)
        self._annotations.hide()

    def put_back(self) -> None:
        """Make it as it was."""
        before, self._before = self._before, None
        if before is None:
            return
        interaction, crosshair = self.host.application_logic.GetInteractionNode(), self._crosshair()
        interaction.SetPlaceModePersistence(before["persistence"])
        interaction.SetCurrentInteractionMode(before["mode"])
        if crosshair is not None:
            crosshair.SetCrosshairMode(before["crosshair"])
        for view in self._views:
            view.put_back(self.host)
        self._views = []
        self.host.layout_node.SetViewArrangement(before["layout"])
        self._annotations.restore()

    def _crosshair(self) -> Any:
        return self.host.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")

    def _logics(self) -> list[Any]:
        logics = self.host.application_logic.GetSliceLogics()
        found = [logics.GetItemAsObject(index) for index in range(logics.GetNumberOfItems())]
        return [logic for logic in found if logic.GetSliceNode() is not None]


@dataclass(frozen=True)
class _View:
    """One slice view as it was."""

    node: Any
    composite: Any
    ruler: int
    marker: int
    label: str
    linked: bool
    volumes: tuple[str | None, str | None, str | None]
    to_ras: Any
    field_of_view: tuple[float, ...]
    origin: tuple[float, ...]

    @classmethod
    def of(cls, logic: Any) -> _View:
        from vtkmodules.vtkCommonMath import vtkMatrix4x4

        node, composite, to_ras = logic.GetSliceNode(), logic.GetSliceCompositeNode(), vtkMatrix4x4()
        to_ras.DeepCopy(node.GetSliceToRAS())
        return cls(
            node,
            composite,
            node.GetRulerType(),
            node.GetOrientationMarkerType(),
            node.GetLayoutLabel() or "",
            bool(composite.GetLinkedControl()),
            (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID(), composite.GetLabelVolumeID()),
            to_ras,
            tuple(node.GetFieldOfView()),
            tuple(node.GetXYZOrigin()),
        )

    def put_back(self, host: Host) -> None:
        self.node.SetRulerType(self.ruler)
        self.node.SetOrientationMarkerType(self.marker)
        self.node.SetLayoutLabel(self.label)
        self.composite.SetLinkedControl(self.linked)
        if self.node.GetLayoutName() == _RED:
            return
        # What was shown there may be gone from the scene by now.
        there = [name if name and host.scene.GetNodeByID(name) is not None else None for name in self.volumes]
        background, foreground, label = there
        self.composite.SetBackgroundVolumeID(background)
        self.composite.SetForegroundVolumeID(foreground)
        self.composite.SetLabelVolumeID(label)
        self.node.GetSliceToRAS().DeepCopy(self.to_ras)
        self.node.SetFieldOfView(*self.field_of_view)
        self.node.SetXYZOrigin(*self.origin)
        self.node.UpdateMatrices()
