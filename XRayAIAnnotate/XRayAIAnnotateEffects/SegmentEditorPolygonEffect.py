"""The effect "Polygon"."""

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorPolygonEffect(ShapeEffect):
    """Draws an outline of straight edges, a linear closed curve, and fills it into a segment where that is wanted."""

    name = "Polygon"
    source = __file__
    tools = ("polygon",)

    def helpText(self) -> str:
        return "<html>" + _(
            """Draw an outline of straight edges.
<p><ul style="margin: 0">
<li><b>Left-click:</b> add a corner.
<li><b>Double-left-click</b> or <b>right-click:</b> end the outline.
<li><b>Drag a corner:</b> move it.
<li><b>Ctrl + left-click</b> on a side: add a corner; <b>Delete</b> over a corner: take it out.
<li><b>Fill into segment:</b> add the pixels inside the last outline to the selected segment.
</ul><p>"""
        )

    def setupOptionsFrame(self) -> None:
        ShapeEffect.setupOptionsFrame(self)
        self.fillButton = qt.QPushButton(_("Fill into segment"))
        self.fillButton.objectName = "PolygonFill"
        self.fillButton.setToolTip(_("Add the pixels inside the last polygon to the selected segment."))
        self.fillButton.clicked.connect(self.onFill)
        self.scriptedEffect.addOptionsWidget(self.fillButton)
        self.deleteCheckBox = qt.QCheckBox(_("Delete the polygon then"))
        self.deleteCheckBox.objectName = "PolygonDelete"
        self.deleteCheckBox.checked = True
        self.scriptedEffect.addOptionsWidget(self.deleteCheckBox)

    def cleanup(self) -> None:
        ShapeEffect.cleanup(self)
        if hasattr(self, "fillButton"):
            self.fillButton.clicked.disconnect(self.onFill)

    def onFill(self, checked=False) -> None:
        from XRayAIAnnotatePanel import placing

        with slicer.util.tryWithErrorDisplay(_("The polygon cannot be filled.")):
            host, volume = self.host(), self.volume()
            placing.stop(host)
            node = self.scriptedEffect.parameterSetNode()
            if not node.GetSelectedSegmentID():
                raise RuntimeError(_("Choose the segment that it is to be filled into."))
            polygon = placing.last_polygon(host, volume)
            if polygon is None:
                raise RuntimeError(_("There is no polygon on this image: draw one first."))
            self._fill_into_segment(placing.polygon_pixels(polygon, volume))
            if self.deleteCheckBox.checked:
                host.scene.RemoveNode(polygon)

    def _fill_into_segment(self, pixels) -> None:
        from vtk.util.numpy_support import vtk_to_numpy

        labelmap = self.scriptedEffect.defaultModifierLabelmap()
        columns, rows, slices = labelmap.GetDimensions() if labelmap is not None else (0, 0, 0)
        if (rows, columns, slices) != (*pixels.shape, 1):
            raise RuntimeError(_("The segmentation has other pixels than the image: choose its own source volume."))
        values = vtk_to_numpy(labelmap.GetPointData().GetScalars()).reshape(pixels.shape)
        values[pixels] = 1
        labelmap.Modified()
        self.scriptedEffect.saveStateForUndo()
        # By the editor's own way, so that its masking and its rule for other segments hold.
        self.scriptedEffect.modifySelectedSegmentByLabelmap(labelmap, self.scriptedEffect.ModificationModeAdd)
