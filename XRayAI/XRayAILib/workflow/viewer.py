"""Viewer: what a workflow asks of whatever shows pictures to the person."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.schema import LabelSchema


class Layer(str, Enum):
    """What lies over the radiograph, by its part in the work; each layer holds the findings of one author."""

    REFERENCE = "Reference"
    """What people or imported labels say."""

    PREDICTION = "Prediction"
    """What a model says and nobody has reviewed."""


class Viewer(Protocol):
    """Shows one radiograph with findings over it, only to look at; :class:`annotate.Canvas` is what is drawn on.

    The panels of 3D Slicer fulfil it with a MRML scene; a test can do so with a list.
    """

    def show(self, radiograph: Radiograph) -> None:
        """Show this radiograph alone, whole, the right way up, at its own window; the layers of the last one go."""

    def show_look(self, radiograph: Radiograph, drawings: bool) -> None:
        """Show the same radiograph with other greys, or as a presentation state wants it; layers and position stay.

        ``drawings`` says whether overlays and what a presentation state draws are seen, now and from now on.
        """

    def show_findings(self, findings: Findings, schema: LabelSchema, layer: Layer) -> None:
        """Put ``findings`` of the radiograph shown into a layer, read-only; whatever the layer held goes."""

    def clear_layer(self, layer: Layer) -> None:
        """Take a layer away."""

    def set_overlays(self, visible: bool, opacity: float) -> None:
        """Show or hide what lies over the radiograph, now and from now on; ``opacity`` is 0..1."""

    def show_prior(self, radiograph: Radiograph) -> None:
        """Show an earlier radiograph of the same patient beside."""

    def hide_prior(self) -> None:
        """Show the radiograph alone again."""

    def clear(self) -> None:
        """Show nothing."""
