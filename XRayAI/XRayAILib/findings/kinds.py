"""Which kind of object each tool draws."""

from __future__ import annotations

from XRayAILib.findings.measurements import Angle, CardiothoracicRatio, CobbAngle, Line
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.schema import Tool
from XRayAILib.findings.shapes import Ellipse, Polyline, RotatedBox

BY_TOOL: dict[Tool, type[FindingObject]] = {
    Tool.MASK: Mask,
    Tool.POLYGON: Polygon,
    Tool.BOX: Box,
    Tool.ROTATED_BOX: RotatedBox,
    Tool.ELLIPSE: Ellipse,
    Tool.POLYLINE: Polyline,
    Tool.LANDMARK: Landmark,
    Tool.LINE: Line,
    Tool.ANGLE: Angle,
    Tool.COBB_ANGLE: CobbAngle,
    Tool.CARDIOTHORACIC_RATIO: CardiothoracicRatio,
    Tool.IMAGE: ImageLabel,
}
KINDS: dict[str, type[FindingObject]] = {kind.kind: kind for kind in BY_TOOL.values()}
"""By the word that documents and messages use."""
