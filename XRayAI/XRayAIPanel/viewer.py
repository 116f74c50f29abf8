"""The workflow's viewer, fulfilled with Slicer's Red view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from XRayAILib.workflow.viewer import Layer

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host

PRIOR_VIEW = "Yellow"
PRIOR_DEPTH = 100.0
"""Millimetres that a prior lies above the image, so that no slice shows both."""


def desktop_host() -> Host:
    """The running Slicer as the host of a scene."""
    import slicer

    from XRayAILib.scene.host import SLICE_VIEW, Host

    def render_window() -> Any:
        return slicer.app.layoutManager().sliceWidget(SLICE_VIEW).sliceView().renderWindow()

    return Host.desktop(slicer.app.applicationLogic(), render_window)


class SlicerViewer:
    """Shows radiographs in the Red view, findings over them, and a prior in the Yellow view beside.

    One volume node is used again and again, so going through a collection does not fill the scene. Fulfils
    :class:`XRayAILib.workflow.viewer.Viewer`.
    """

    def __init__(self) -> None:
        import slicer

        self.layout: int = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
        self._host: Host | None = None
        self._volume: Any = None
        self._prior: Any = None
        self._visible, self._opacity = True, 0.35
        self._drawings = True

    @property
    def host(self) -> Host:
        if self._host is None:
            self._host = desktop_host()
        return self._host

    @property
    def volume_node(self) -> Any:
        """The volume of the radiograph shown; ``None`` where there is none, or the scene was closed."""
        if self._volume is not None and not self.host.scene.IsNodePresent(self._volume):
            self._volume = None
        return self._volume

    def show(self, radiograph: Radiograph) -> None:
        from XRayAILib.scene.volume import show_radiograph

        self._remove_layers()
        self._volume = show_radiograph(self.host, radiograph, self.volume_node, _name(radiograph))
        self._draw(radiograph)
        self.bring_up()

    def show_look(self, radiograph: Radiograph, drawings: bool) -> None:
        from XRayAILib.scene.volume import show_radiograph

        self._drawings = drawings
        if self.volume_node is not None:
            # Whole, not only its window: a presentation state may have another Modality LUT.
            show_radiograph(self.host, radiograph, self._volume)
            self._draw(radiograph)
            self.attach()

    def bring_up(self) -> None:
        """Put the radiograph into the Red view again, after another module used it."""
        from XRayAILib.scene import view

        if self.volume_node is None:
            return
        layout = self.host.layout_node
        if layout.GetViewArrangement() == self.layout:
            # view.show asks for the one-up layout: that must not flash while a curve or a prior stands beside.
            changing = layout.StartModify()
            view.show(self.host, self._volume)
            layout.SetViewArrangement(self.layout)
            layout.EndModify(changing)
        else:
            view.show(self.host, self._volume)
            self.set_layout(self.layout)
        self.attach()

    def set_layout(self, layout: int) -> None:
        """Another arrangement of views around the Red one, until it is set back."""
        self.layout = layout
        node = self.host.layout_node
        # A double click lets one view take the place of all, also in the next layout: Slicer's menu ends that, too.
        node.RemoveAllMaximizedViewNodes()
        node.SetViewArrangement(layout)
        self.fit_later()

    def show_findings(self, findings: Findings, schema: LabelSchema, layer: Layer) -> None:
        from XRayAILib.scene import layers

        layers.show_findings(self.host, self._volume, findings, schema, layer.value, editable=False)
        self._apply_look()

    def clear_layer(self, layer: Layer) -> None:
        from XRayAILib.scene import layers

        if self.volume_node is None:
            return
        nodes = layers.find_layer(self.host, self._volume, layer.value)
        if nodes is not None:
            layers.remove(self.host, nodes)
            self._apply_look()

    def set_overlays(self, visible: bool, opacity: float) -> None:
        self._visible, self._opacity = visible, opacity
        self._apply_look()

    def show_prior(self, radiograph: Radiograph) -> None:
        import slicer

        from XRayAILib.scene.volume import show_radiograph

        self._prior = show_radiograph(self.host, radiograph, self.prior_node, f"Prior {_name(radiograph)}")
        # In the plane of the other image, what somebody paints here would be painted there.
        x, y, z = self._prior.GetOrigin()
        self._prior.SetOrigin(x, y, z + PRIOR_DEPTH)
        self.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
        logic = self.host.application_logic.GetSliceLogicByLayoutName(PRIOR_VIEW)
        if logic is None:
            raise RuntimeError("The prior cannot be shown beside: this layout has no second slice view.")
        composite = logic.GetSliceCompositeNode()
        composite.SetBackgroundVolumeID(self._prior.GetID())
        composite.SetForegroundVolumeID(None)
        composite.SetLabelVolumeID(None)
        slice_node = logic.GetSliceNode()
        slice_node.SetOrientation("Axial")
        slice_node.RotateToVolumePlane(self._prior)
        logic.FitSliceToBackground()
        logic.SnapSliceOffsetToIJK()

    @property
    def prior_node(self) -> Any:
        """The volume of the prior, where one is shown beside the image, else ``None``."""
        is_there = self._prior is not None and self.host.scene.IsNodePresent(self._prior)
        return self._prior if is_there else None

    def hide_prior(self) -> None:
        import slicer

        if self.prior_node is not None:
            self._remove_volume(self._prior)
        self._prior = None
        self.set_layout(slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)

    def clear(self) -> None:
        from XRayAILib.scene.drawings import remove_drawings

        if self._prior is not None:
            self.hide_prior()
        if self.volume_node is not None:
            self._remove_layers()
            remove_drawings(self.host, self._volume)
            self._remove_volume(self._volume)
        self._volume = None

    def forget(self) -> None:
        """The scene was closed, and its nodes with it."""
        self._volume = self._prior = None

    def _draw(self, radiograph: Radiograph) -> None:
        from XRayAILib.scene.drawings import show_drawings

        show_drawings(self.host, self._volume, radiograph, self._drawings)

    def attach(self) -> None:
        """Lay over the radiograph in the Red view what its file draws there."""
        from XRayAILib.scene.drawings import attach

        attach(self.host, self._volume)

    def _apply_look(self) -> None:
        from XRayAILib.scene import layers

        if self.volume_node is None:
            return
        shown = {layer: layers.find_layer(self.host, self._volume, layer.value) for layer in Layer}
        for layer, nodes in shown.items():
            if nodes is not None:
                # Two filled layers of the same colours could not be told apart: under a prediction, the reference is
                # an outline.
                filled = layer is Layer.PREDICTION or shown[Layer.PREDICTION] is None
                layers.set_visible(nodes, self._visible)
                layers.set_opacity(nodes, self._opacity if filled else 0.0)

    def _remove_layers(self) -> None:
        from XRayAILib.scene import layers

        if self.volume_node is not None:
            for layer in Layer:
                nodes = layers.find_layer(self.host, self._volume, layer.value)
                if nodes is not None:
                    layers.remove(self.host, nodes)

    def _remove_volume(self, node: Any) -> None:
        display = node.GetDisplayNode()
        self.host.scene.RemoveNode(node)
        if display is not None:
            self.host.scene.RemoveNode(display)

    def fit_later(self) -> None:
        """Show the whole image in each view as soon as the views have their sizes."""
        import qt

        # The views get their new sizes in the event loop, and Slicer keeps the scale then, not what is to be seen.
        qt.QTimer.singleShot(0, self._fit)

    def _fit(self) -> None:
        from XRayAILib.scene import view

        if self.volume_node is not None:
            view.fit_to_image(self.host)
        beside = self.host.application_logic.GetSliceLogicByLayoutName(PRIOR_VIEW)
        if beside is not None and beside.GetBackgroundLayer().GetVolumeNode() is not None:
            beside.FitSliceToBackground()


def _name(radiograph: Radiograph) -> str:
    header = radiograph.header
    words = (header.modality, header.view, header.study_date, header.uid.rpartition(".")[2][-8:])
    return " ".join(word for word in words if word)
