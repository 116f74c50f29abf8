"""The labels of a schema that regions of an image can have."""

from __future__ import annotations

from XRayAILib.findings.schema import LabelSchema, Tool

REGION_TOOLS = (Tool.MASK, Tool.POLYGON, Tool.BOX, Tool.ROTATED_BOX, Tool.ELLIPSE)


def region_labels(schema: LabelSchema) -> list[str]:
    """Names of the labels, in the order of the schema: the numbers that a format gives them stay the same."""
    return [label.name for label in schema if label.tool in REGION_TOOLS]
