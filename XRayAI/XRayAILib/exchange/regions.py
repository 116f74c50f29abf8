"""The labels of a schema that regions of an image can have."""

from __future__ import annotations

from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import LabelSchema, Tool

REGION_TOOLS = (Tool.MASK, Tool.POLYGON, Tool.BOX, Tool.ROTATED_BOX, Tool.ELLIPSE)


def region_labels(schema: LabelSchema) -> list[str]:
    """Names of the labels, in the order of the schema: the numbers that a format gives them stay the same."""
    return [label.name for label in schema if label.tool in REGION_TOOLS]


def require_region(item: FindingObject, schema: LabelSchema, where: str) -> None:
    """Raise :class:`ExportError` where the label of an object is none of these."""
    names = region_labels(schema)
    if item.label not in names:
        raise ExportError(
            f"{where}: the {item.kind} '{item.label}' has a label that is none of the schema's for regions "
            f"({', '.join(names)}). Add it to the label schema, or change the object's label."
        )
