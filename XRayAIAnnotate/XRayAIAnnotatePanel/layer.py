"""The layer that is drawn on, and the labels that are offered for it: what the panel and the effects share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.layers import FindingsNodes

NAME = "Annotation"
"""Name of the layer, as it stands in the Data module."""

_offered: LabelSchema | None = None


def offer_labels(schema: LabelSchema | None) -> None:
    """From now on these labels are offered; ``None``: those of a new project."""
    global _offered
    _offered = schema


def offered_labels() -> LabelSchema:
    """The labels of the open project, or those of a new one where none is open."""
    from XRayAILib.findings.chest import chest_schema

    return _offered if _offered is not None else chest_schema()


def find(host: Host, volume_node: Any) -> FindingsNodes | None:
    """The layer that is drawn on over a volume, or ``None``: somebody else's volume, or nothing is being annotated."""
    from XRayAILib.scene import layers

    return layers.find_layer(host, volume_node, NAME) if volume_node is not None else None
