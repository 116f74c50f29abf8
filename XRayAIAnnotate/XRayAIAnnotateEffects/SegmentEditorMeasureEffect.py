"""The effect "Measure"."""

from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorMeasureEffect(ShapeEffect):
    """Draws lines, angles, Cobb angles, cardiothoracic ratios and polylines, with values in honest units."""

    name = "Measure"
    source = __file__
    tools = ("line", "angle", "cobb angle", "cardiothoracic ratio", "polyline")

    def helpText(self) -> str:
        return "<html>" + _(
            """Measure a length, an angle, a Cobb angle or a cardiothoracic ratio, or follow a line.
<p><ul style="margin: 0">
<li><b>Left-click:</b> set the next point: 2 of a line, 3 of an angle with its corner in the middle, 4 of a Cobb angle
(upper, then lower end plate) and of a ratio (heart, then chest).
<li><b>Double-left-click</b> or <b>right-click:</b> end a polyline.
<li><b>Drag a point:</b> move it; the value follows.
<li><b>Place:</b> draw one more.
</ul><p>"""
        )
