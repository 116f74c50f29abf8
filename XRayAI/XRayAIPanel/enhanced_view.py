"""The enhanced image in Slicer's views: over the radiograph in the Red view, or beside it in the Yellow one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import slicer

if TYPE_CHECKING:
    import numpy as np

    from XRayAIPanel.viewer import SlicerViewer

BESIDE_VIEW = "Yellow"


class EnhancedView:
    """Fulfils :class:`XRayAILib.workflow.enhance.Canvas`.

    Attributes
    ----------
    is_beside
        The enhanced image stands in a view of its own.
    """

    def __init__(self, viewer: SlicerViewer) -> None:
        self.viewer = viewer
        self.is_beside = False
        self._was_linked = False
        self._wanted_beside = True
        self._opacity = 1.0
        self._fitted = ""

    def show_enhanced(self, image: np.ndarray, step: int, record: Mapping[str, str]) -> None:
        from XRayAILib.scene import derived
        from XRayAILib.scene.volume import radiograph_uid

        volume = self.viewer.volume_node
        if volume is None:
            return
        node = derived.show_derived(self.viewer.host, volume, image, step, record, f"{volume.GetName()} enhanced")
        uid = radiograph_uid(volume)
        if self._wanted_beside and not (self.is_beside and uid == self._fitted):
            self._put_beside(node)
        if not self._wanted_beside:
            derived.blend(self.viewer.host, node, self._opacity)
        self._fitted = uid

    def hide_enhanced(self) -> None:
        from XRayAILib.scene import derived

        if self.viewer.volume_node is not None:
            self._uncover()
        self.leave_beside()
        derived.remove_derived(self.viewer.host)

    def set_place(self, beside: bool) -> None:
        """Show the enhanced image beside the radiograph or over it, now and from now on."""
        from XRayAILib.scene import derived

        self._wanted_beside = beside
        node = self._node()
        if beside and node is not None:
            self._uncover()
            self._put_beside(node)
        elif not beside:
            self.leave_beside()
            if node is not None:
                derived.blend(self.viewer.host, node, self._opacity)

    def set_opacity(self, opacity: float) -> None:
        """How much of the enhanced image is seen where it lies over the radiograph, 0..1."""
        from XRayAILib.scene import derived

        self._opacity = opacity
        node = self._node()
        if node is not None and not self._wanted_beside:
            derived.blend(self.viewer.host, node, opacity)

    def leave_beside(self, layout: bool = True) -> None:
        """Give the second view back; ``layout`` False where somebody else has taken it already."""
        from XRayAILib.scene import derived

        if not self.is_beside:
            return
        self.is_beside = False
        derived.link(self.viewer.host, BESIDE_VIEW, self._was_linked)
        if layout:
            self.viewer.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def _uncover(self) -> None:
        """Take the enhanced image from the radiograph; colours, where its file has some, lie there again."""
        from XRayAILib.scene import derived

        derived.blend(self.viewer.host, None, 0.0)
        self.viewer.attach()

    def _put_beside(self, node: Any) -> None:
        from XRayAILib.scene import derived

        if not self.is_beside:
            self._was_linked = derived.is_linked(self.viewer.host)
            self.viewer.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
            self.is_beside = True
        derived.show_beside(self.viewer.host, node, BESIDE_VIEW)
        self.viewer.fit_later()

    def _node(self) -> Any:
        from XRayAILib.scene import derived

        volume = self.viewer.volume_node
        return None if volume is None else derived.find_derived(self.viewer.host, volume)
