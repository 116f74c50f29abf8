"""The schema of chest anatomy that a new project starts with.

Codes are SNOMED CT concepts, as DICOM's anatomy context groups use them (PS3.16 CID 4031 and CID 6102).
"""

from __future__ import annotations

from XRayAILib.findings.schema import Code, Label, LabelSchema, Tool


def chest_schema() -> LabelSchema:
    """Lungs, heart and mediastinum as masks, nodule and lungs' boxes, landmarks for the cardiothoracic ratio, view."""

    def sct(value: str, meaning: str) -> Code:
        return Code("SCT", value, meaning)

    labels = (
        Label("right_lung", "Right lung", Tool.MASK, "#4fc3f7", sct("3341006", "Right lung"), "left_lung", "1"),
        Label("left_lung", "Left lung", Tool.MASK, "#81c784", sct("44029006", "Left lung"), "right_lung", "2"),
        Label("heart", "Heart", Tool.MASK, "#ef5350", sct("80891009", "Heart"), "", "3"),
        Label(
            "cardiomediastinum", "Heart and mediastinum", Tool.MASK, "#ff8a65", sct("72410000", "Mediastinum"), "", "4"
        ),
        Label("opacity", "Opacity", Tool.POLYGON, "#ba68c8", None, "", "5"),
        Label("nodule", "Nodule", Tool.BOX, "#ffd54f", sct("27925004", "Nodule"), "", "6"),
        Label("right_apex", "Apex of right lung", Tool.LANDMARK, "#fff176", None, "left_apex", "7"),
        Label("left_apex", "Apex of left lung", Tool.LANDMARK, "#fff176", None, "right_apex"),
        Label("carina", "Carina", Tool.LANDMARK, "#fff176", sct("28700002", "Carina"), ""),
        Label(
            "right_costophrenic_angle",
            "Right costophrenic angle",
            Tool.LANDMARK,
            "#fff176",
            None,
            "left_costophrenic_angle",
        ),
        Label(
            "left_costophrenic_angle",
            "Left costophrenic angle",
            Tool.LANDMARK,
            "#fff176",
            None,
            "right_costophrenic_angle",
        ),
        Label("view", "View", Tool.IMAGE, "#b0bec5", None, "", "", ("PA", "AP", "LL")),
        Label("catheter", "Catheter", Tool.IMAGE, "#b0bec5", None, "", "", ("yes", "no")),
    )
    return LabelSchema("chest", labels)
