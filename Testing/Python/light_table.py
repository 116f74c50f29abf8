"""A viewer without a window: remembers what it was asked to show."""

from __future__ import annotations

from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.workflow.viewer import Layer


class LightTable:
    """The simplest :class:`XRayAILib.workflow.viewer.Viewer`."""

    def __init__(self) -> None:
        self.radiograph: Radiograph | None = None
        self.prior: Radiograph | None = None
        self.layers: dict[Layer, Findings] = {}
        self.overlays = (True, 0.5)
        self.drawings = True

    def show(self, radiograph: Radiograph) -> None:
        self.radiograph, self.layers = radiograph, {}

    def show_look(self, radiograph: Radiograph, drawings: bool) -> None:
        assert self.radiograph is not None and radiograph.uid == self.radiograph.uid
        self.radiograph, self.drawings = radiograph, drawings

    def show_findings(self, findings: Findings, schema: LabelSchema, layer: Layer) -> None:
        assert self.radiograph is not None and findings.radiograph_uid == self.radiograph.uid
        self.layers[layer] = findings

    def clear_layer(self, layer: Layer) -> None:
        self.layers.pop(layer, None)

    def set_overlays(self, visible: bool, opacity: float) -> None:
        self.overlays = (visible, opacity)

    def show_prior(self, radiograph: Radiograph) -> None:
        self.prior = radiograph

    def hide_prior(self) -> None:
        self.prior = None

    def clear(self) -> None:
        self.radiograph, self.prior, self.layers = None, None, {}
