"""Effects of the Segment Editor for what is no mask: Polygon, Box, Landmarks, Measure; one tool bar with Slicer's own.

Slicer looks for the class of an effect in the package that its file lies in (``qSlicerSegmentEditorScriptedEffect``),
so the classes are given here under the names of their files.
"""

from pathlib import Path

from XRayAIAnnotateEffects.SegmentEditorBoxEffect import SegmentEditorBoxEffect
from XRayAIAnnotateEffects.SegmentEditorLandmarksEffect import SegmentEditorLandmarksEffect
from XRayAIAnnotateEffects.SegmentEditorMeasureEffect import SegmentEditorMeasureEffect
from XRayAIAnnotateEffects.SegmentEditorPolygonEffect import SegmentEditorPolygonEffect

__all__ = [
    "SegmentEditorBoxEffect",
    "SegmentEditorLandmarksEffect",
    "SegmentEditorMeasureEffect",
    "SegmentEditorPolygonEffect",
    "register",
]


def register() -> None:
    """Offer the effects in every Segment Editor that is opened from now on."""
    import qSlicerSegmentationsEditorEffectsPythonQt as effects

    for name in ("Polygon", "Box", "Landmarks", "Measure"):
        effect = effects.qSlicerSegmentEditorScriptedEffect(None)
        effect.setPythonSource((Path(__file__).parent / f"SegmentEditor{name}Effect.py").as_posix())
        effect.self().register()
