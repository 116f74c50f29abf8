"""Coded terms as 3D Slicer writes them, in its scene and in its files."""

from __future__ import annotations

from XRayAILib.findings.label import Label

TERM_LIST = "Segmentation category and type - 3D Slicer General Anatomy list"
ANATOMY = "SCT^123037004^Anatomical Structure"


def terminology(label: Label) -> str:
    """The coded term of a label as Slicer serialises it: list, category, type, modifier, then the same of the region.

    Order and separators: ``vtkSlicerTerminologiesModuleLogic::SerializeTerminologyEntry``.
    """
    code = label.code
    term = f"{code.scheme}^{code.value}^{code.meaning}" if code else "^^"
    return "~".join((TERM_LIST, ANATOMY, term, "^^", "", "^^", "^^"))
