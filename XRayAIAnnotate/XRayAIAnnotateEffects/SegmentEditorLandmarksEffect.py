"""The effect "Landmarks"."""

from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorLandmarksEffect(ShapeEffect):
    """Sets the landmarks of the schema one after another: the points of one list."""

    name = "Landmarks"
    source = __file__
    tool = "landmark"

    def helpText(self) -> str:
        return "<html>" + _(
            """Set named points, one after another, from the chosen one on.
<p><ul style="margin: 0">
<li><b>Left-click:</b> set the next point that is not there yet.
<li><b>Drag a point:</b> move it.
<li><b>Right-click:</b> stop.
</ul><p>"""
        )

    def place(self, host, volume, schema, label):
        from XRayAIAnnotatePanel import placing

        return placing.place_landmark(host, volume, schema, label, several=True)
