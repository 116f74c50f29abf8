"""The effect "Box"."""

from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorBoxEffect(ShapeEffect):
    """Draws upright boxes, rotated boxes and ellipses: ROI nodes without depth."""

    name = "Box"
    source = __file__
    tools = ("box", "rotated box", "ellipse")

    def helpText(self) -> str:
        return "<html>" + _(
            """Draw a box, a rotated box or an ellipse around a finding.
<p><ul style="margin: 0">
<li><b>Left-click:</b> set a corner, then the opposite one.
<li><b>Drag a handle:</b> change it.
<li><b>Drag the ring:</b> turn it, unless it is an upright box.
<li><b>Place:</b> draw one more.
</ul><p>"""
        )
