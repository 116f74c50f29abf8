"""The effect "Box"."""

from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorBoxEffect(ShapeEffect):
    """Draws an upright box: a ROI node without depth."""

    name = "Box"
    source = __file__
    tool = "box"

    def helpText(self) -> str:
        return "<html>" + _(
            """Draw a box around a finding.
<p><ul style="margin: 0">
<li><b>Left-click:</b> set a corner, then the opposite one.
<li><b>Drag a handle:</b> change it.
<li><b>Place:</b> draw one more.
</ul><p>"""
        )

    def place(self, host, volume, schema, label):
        from XRayAIAnnotatePanel import placing

        return placing.place_box(host, volume, schema, label)
